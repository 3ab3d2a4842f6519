"""Ends the wait for a stream that has gone silent.

A cancel scope around each read costs more than the read (4 µs), and one around the whole stream would cancel the
caller's own work between two events. So one timer a stream looks whether a read has waited too long, and then shuts the
socket down, which ends the read. It is asyncio's timer because anyio has none without a task, and a task group must not
stay open while a generator is suspended.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from time import monotonic

from theo_mcp.http.library import Response


class Silence:
    """Watches the reads of `response`: `idle` seconds for each wait, all of them over at the monotonic time `until`.

    The reader sets `since` to the time when it begins to wait for news, and to None while it does not wait. When a
    wait was too long, `over` is set and the read ends, in whatever way a broken connection ends it.
    """

    def __init__(self, response: Response, idle: float, until: float) -> None:
        self.over = False
        self.since: float | None = monotonic()
        self._response = response
        self._idle = idle
        self._until = until
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(min(idle, until - self.since), self._look)

    def stop(self) -> None:
        """No read is watched any more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = monotonic()
        if self.since is None:
            left = self._idle
        else:
            left = min(self.since + self._idle, self._until) - now
            if left <= 0:
                self.over = True
                raw: socket.socket = self._response.extensions["network_stream"].get_extra_info("socket")
                with suppress(OSError):
                    raw.shutdown(socket.SHUT_RDWR)
                return
        self._timer = self._loop.call_later(min(left, max(self._until - now, 0.001)), self._look)
