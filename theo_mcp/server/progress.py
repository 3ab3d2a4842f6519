"""Progress notifications: the text as it comes, or the phase of a call that does not stream.

At most ten a second while text comes, and else one every ten seconds, the first within one; nothing of the text is lost
at the end. Phases come before the text and never between, so that the messages since the first piece of text are
exactly the text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio

ResultT = TypeVar("ResultT")
SendProgress = Callable[[float, str | None], Awaitable[None]]


@dataclass(frozen=True)
class Pace:
    """Seconds between messages."""

    first_s: float = 0.8
    """Until the first, where nothing is to be told before."""
    beat_s: float = 10.0
    """Between two while there is no text."""
    gap_s: float = 0.112
    """Between two pieces of text; with the last one, which waits for nothing, never more than ten in a second."""


class Progress:
    """One call's progress. `text` and `phase` return at once; what they say is sent by `during`."""

    def __init__(self, send: SendProgress | None, pace: Pace = Pace()) -> None:
        """`send` is None for a caller that asked for no progress."""
        self._send_progress = send
        self._pace = pace
        self._text: list[str] = []
        self._phase: str | None = None
        self._streams = False
        self._news = anyio.Event()
        self._count = 0.0

    def text(self, delta: str) -> None:
        """More text. The messages of a call, put together, are exactly its text."""
        if self._send_progress is not None and delta:
            self._streams = True
            self._text.append(delta)
            self._news.set()

    def phase(self, words: str) -> None:
        """What the call does now; the latest goes with the next beat, and none once there is text."""
        if self._send_progress is not None and not self._streams:
            self._phase = words

    def close(self) -> None:
        """The call has its answer: whatever comes now is for nobody."""
        self._send_progress = None
        self._text.clear()

    async def during(self, work: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Runs `work` and reports meanwhile. What `work` raises comes out as it is."""
        if self._send_progress is None:
            return await work()
        failure: Exception | None = None
        result: ResultT
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_reporting)
            try:
                result = await work()
            except Exception as error:
                failure = error
            tasks.cancel_scope.cancel()
        if self._text:
            await self._send()
        if failure is not None:
            raise failure
        return result

    async def _keep_reporting(self) -> None:
        wait = self._pace.first_s
        while True:
            with anyio.move_on_after(wait):
                await self._news.wait()
            said_something = self._news.is_set()
            with anyio.CancelScope(shield=True):  # what has been taken is sent whole
                await self._send()
            if said_something:  # a beat without news does not hold back the first token
                await anyio.sleep(self._pace.gap_s)
            wait = self._pace.beat_s

    async def _send(self) -> None:
        message = "".join(self._text) or (None if self._streams else self._phase)
        self._text.clear()
        self._phase = None
        self._news = anyio.Event()
        self._count += 1
        if self._send_progress is not None:
            await self._send_progress(self._count, message)
