"""The application on a socket: uvicorn, with what it leaves open closed.

A connection that sends no whole head within half a minute is closed; what is not HTTP gets the envelope too. A signal
ends streams with an error event and everything within about two seconds.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final

import anyio
import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from theo_mcp.backend import Backend
from theo_mcp.errors import ConfigError, StoreError
from theo_mcp.gateway.app import build
from theo_mcp.gateway.gate import Gateway
from theo_mcp.gateway.patience import Patience
from theo_mcp.gateway.playground.routes import ROUTES
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.meanwhile import meanwhile
from theo_mcp.store import Store

_HEAD_BYTES: Final = 64 * 2**10
_PURGED_S: Final = 3600.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

log = logging.getLogger("theo_mcp.gateway")


@asynccontextmanager
async def serving(
    backend: Backend,
    store: Store,
    *,
    host: str = "127.0.0.1",
    port: int = 8484,
    allow_hosts: Sequence[str] = (),
    allow_origins: Sequence[str] = (),
    patience: Patience = Patience(),
) -> AsyncIterator[str]:
    """Serves until the context is left; yields the address. Port 0 is any free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    listener = listening(host, port)
    hosts = _LOOPBACK | {_bracketed(host).lower()} if is_loopback(host) else frozenset()
    named = hosts | {name.lower() for name in allow_hosts}
    gateway = Gateway(backend, store, named or None, patience)
    server = _Server(_config(gateway, allow_origins))
    async with meanwhile() as tasks:
        tasks.start_soon(server.serve, [listener])
        tasks.start_soon(_purge, store)
        try:
            await server.ready.wait()
            yield f"http://{_bracketed(host)}:{listener.getsockname()[1]}"
        finally:
            with anyio.CancelScope(shield=True):
                await gateway.drain()
                server.should_exit = True
                await server.ended.wait()


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ConfigError: the port is in use, or may not be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends at once on sockets whose protocol is named; on others every answer waits 40 ms for an ACK.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(2048)
    except (OSError, OverflowError) as error:
        made.close()
        raise _no_address(host, port, error) from None
    made.setblocking(False)
    return made


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Server(uvicorn.Server):
    """Signals are the command's, not the library's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = anyio.Event()
        self.ended = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            self.ended.set()


class _Protocol(H11Protocol):
    """One connection."""

    def __init__(self, *arguments: Any, patience: Patience, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._patience = patience
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._head_timer is None:
            self._wait_for_head()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is told so; beside an answer that is under way nothing more can be said."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        body = Refusal(400, "bad_request", "This is not an HTTP request that can be read.").body("theo", "req_none")
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self._patience.head, self.transport.close)

    def _forget(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _config(gateway: Gateway, origins: Sequence[str]) -> uvicorn.Config:
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "proxy_headers": False}
    for name in ("uvicorn.error", "uvicorn.access", "uvicorn.asgi"):  # they log paths and traces
        logging.getLogger(name).disabled = True
    return uvicorn.Config(
        build(gateway, origins=origins, pages=ROUTES),
        http=partial(_Protocol, patience=gateway.patience),  # type: ignore[arg-type]  # it is called and nothing else
        ws="none",
        loop="asyncio",
        lifespan="off",
        h11_max_incomplete_event_size=_HEAD_BYTES,
        timeout_keep_alive=max(1, round(gateway.patience.head)),
        timeout_graceful_shutdown=1,
        **quiet,
    )


async def _purge(store: Store) -> None:
    while True:
        try:
            await store.purge()
        except StoreError as error:
            log.warning("What has expired could not be removed: %s", error.code)
        await anyio.sleep(_PURGED_S)


def _no_address(host: str, port: int, error: Exception) -> ConfigError:
    place = f"{_bracketed(host)}:{port}"
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return ConfigError(
                f"The address {place} is in use.", hint="Another gateway may be running; or give another --port."
            )
        case errno.EACCES:
            return ConfigError(f"The port {port} may not be opened by this user.", hint="Give a --port above 1023.")
        case errno.EADDRNOTAVAIL:
            return ConfigError(f"{host} is no address of this machine.", hint="Give another --host.")
        case _:
            return ConfigError(f"Nothing can listen at {place}.", hint="Give another --host or --port.")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
