"""Reads all the time, also before there is an event loop to hand the messages to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress

from theo_lsp.wire.frames import Frames, tell_unreadable

TYPE_CHECKING = False  # this runs while everything else is imported
if TYPE_CHECKING:
    from anyio.lowlevel import EventLoopToken

    from theo_lsp.wire.peers import Peer

_READ = 2**16


class Input(threading.Thread):
    """A thread, because no event loop can wait for every kind of stdin (files, consoles)."""

    def __init__(
        self, peer: Peer, frames: Frames | None = None, bodies: list[bytes] | None = None, *, answered: bool = False
    ) -> None:
        """`bodies` are those that came before; `answered` says that the first of them has its answer."""
        super().__init__(daemon=True, name="input")
        self._peer, self._frames = peer, frames or Frames()
        self._early = bodies or []
        """What came before there was a loop."""
        self._answered = answered
        self._over = False
        self._lock = threading.Lock()
        self._token: EventLoopToken | None = None

    async def hand(self, take: Callable[[bytes], None], *, lost: Callable[[], None]) -> None:
        """Hands each body to `take` in the event loop, until the input ends or cannot be cut into messages; then the
        reading thread calls `lost`, also where the loop is busy."""
        import anyio
        from anyio.lowlevel import current_token

        ended = anyio.Event()
        with self._lock:
            self._take, self._lost, self._ended, self._token = take, lost, ended, current_token()
            over = self._over
        if over:
            lost()
        for body in self._early:  # before anything that comes now: the thread waits for the loop
            take(body)
        self._early = []
        if not over:
            await ended.wait()

    def run(self) -> None:
        try:
            with suppress(RuntimeError, OSError):
                self._cut(b"")
                while data := self._peer.read(_READ):
                    self._cut(data)
        except ValueError as error:
            tell_unreadable(error)
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._over = True
            begun = self._token is not None
            if not begun and self._answered and len(self._early) == 1:
                os._exit(0)  # whoever was to be served has left before there was a server
        if begun:
            self._lost()
            with suppress(RuntimeError):  # the loop is gone
                self._in_loop(self._ended.set)

    def _cut(self, data: bytes) -> None:
        bodies: list[bytes] = []
        try:
            bodies += self._frames.feed(data)
        finally:  # what stands before bytes that are no message counts
            if bodies:
                self._give(bodies)

    def _give(self, bodies: list[bytes]) -> None:
        with self._lock:
            if self._token is None:
                self._early += bodies
                return
        self._in_loop(self._take_all, bodies)

    def _take_all(self, bodies: list[bytes]) -> None:
        for body in bodies:
            self._take(body)

    def _in_loop(self, call: Callable[..., object], *arguments: object) -> None:
        import anyio.from_thread

        anyio.from_thread.run_sync(call, *arguments, token=self._token)
