"""Ends the wait for a stream that has gone silent.

A cancel scope around each read costs more than the read (4 µs), and one around the whole stream would cancel the
caller's own work between two events. So one timer a stream looks whether a read has waited too long, and then shuts the
socket down, which ends the read. It is asyncio's timer because anyio has none without a task, and a task group must not
stay open while a generator is suspended. A reply without a socket of its own (HTTP/2, another transport) gets the
scopes.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from time import monotonic

import anyio

from theo_mcp.http.library import Response

_LATE_S = 0.05


class Silence:
    """Watches the reads of `response`: `idle` seconds for each wait, all of them over at the monotonic time `until`.

    The reader sets `since` to the time when it begins to wait for news, and to None while it does not wait. When a
    wait was too long, `over` is set and the read ends, in whatever way a broken connection ends it.
    """

    def __init__(self, response: Response, idle: float, until: float) -> None:
        self.over = False
        self.since: float | None = monotonic()
        self._idle = idle
        self._until = until
        self._timer: asyncio.TimerHandle | None = None
        self._socket = _own_socket(response)
        if self._socket is not None:
            self._loop = asyncio.get_running_loop()
            self._timer = self._loop.call_later(min(idle, until - self.since), self._look)

    def reads(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """`pieces`, each wait for the next limited."""
        return pieces if self._socket is not None else self._limited(pieces)

    def stop(self) -> None:
        """No read is watched any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        now = monotonic()
        left = self._idle if self.since is None else self._left(self.since)
        if left <= 0:
            self.over = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)
            return
        # A reader that takes its time past the deadline is looked after now and then, not in a loop.
        self._timer = self._loop.call_later(min(left, max(self._until - now, _LATE_S)), self._look)

    def _left(self, since: float) -> float:
        return min(since + self._idle, self._until) - monotonic()

    async def _limited(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            while True:
                piece, left = None, self._left(self.since or monotonic())
                with anyio.move_on_after(left) as scope:
                    piece = await anext(pieces, None) if left > 0 else None
                self.over = scope.cancelled_caught or left <= 0
                if piece is None:
                    return
                yield piece


def _own_socket(response: Response) -> socket.socket | TransportSocket | None:
    """The socket that carries `response` and nothing else, if it can be shut down."""
    stream = response.extensions.get("network_stream")
    if stream is None or response.extensions.get("http_version") == b"HTTP/2":
        return None
    raw: object = stream.get_extra_info("socket")
    return raw if isinstance(raw, socket.socket | TransportSocket) else None
