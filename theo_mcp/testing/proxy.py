"""An HTTP proxy that makes tunnels, or does not."""

from __future__ import annotations

import anyio
from anyio.abc import ByteStream

from theo_mcp.testing.http import Exchange, HttpServer


class Proxy(HttpServer):
    """Tunnels every CONNECT to `port` of this machine, whatever host it names. Queue faults in `next`."""

    def __init__(self, port: int) -> None:
        super().__init__(self._tunnel)
        self._target = port
        self.watches = False

    async def _tunnel(self, exchange: Exchange) -> None:
        if exchange.request.method != "CONNECT":
            await exchange.reply(405, "")
            return
        async with await anyio.connect_tcp("127.0.0.1", self._target) as server:
            await exchange.raw(b"HTTP/1.1 200 -\r\n\r\n")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_copy, exchange.socket, server, tasks.cancel_scope)
                tasks.start_soon(_copy, server, exchange.socket, tasks.cancel_scope)
        exchange.ended = True


async def _copy(source: ByteStream, target: ByteStream, both: anyio.CancelScope) -> None:
    try:
        while True:
            await target.send(await source.receive())
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        both.cancel()
