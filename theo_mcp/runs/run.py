"""One run from its two sides: `Run` for whoever waits for it, `Report` for the work that it is."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import anyio
from pydantic import JsonValue

from theo_mcp.runs.failure import clean
from theo_mcp.runs.record import Record, Status

_LOOK_S = 0.5  # between two looks at a run of another process
_STOP_S = 5.0


class Run:
    """A piece of work under its handle. Any number of tasks may wait for it; none of them is needed for it to go on."""

    def __init__(
        self,
        record: Record,
        *,
        stop: Callable[[], None] | None = None,
        look: Callable[[], Awaitable[Status]] | None = None,
    ) -> None:
        self._record = record
        self._stop = stop
        self._look = look

    @property
    def handle(self) -> str:
        return self._record.facts.handle

    @property
    def status(self) -> Status:
        """All that is known now."""
        return self._record.status

    @property
    def ended(self) -> bool:
        return self._record.facts.ended

    async def wait(self, seconds: float) -> bool:
        """Returns when the run has ended or the time is up; whether it has ended. Leaving does not stop the run."""
        with anyio.move_on_after(seconds):
            if self._look is None and not self.ended:
                await self._record.ended()
            while not self.ended:
                await self._change()
        return self.ended

    async def changes(self) -> AsyncIterator[Status]:
        """The status now, and again after each change until the end; who is slow misses what lies between."""
        while True:
            status = self.status
            yield status
            if status.ended:
                return
            while not self.ended and self.status == status:
                await self._change()

    async def result(self, *, within: float) -> JsonValue | Run:
        """For the call that started it: the result, or after `within` seconds the run itself, which then goes on.

        Cancelling this call stops the run; not so where the work asked to be kept, or has sent a billable request: a
        host's timeout arrives as a cancel too, and what is paid for stays under the handle.

        Raises:
            TheoError: the run failed or was stopped; as `outcome`.
        """
        try:
            await self.wait(within)
        except anyio.get_cancelled_exc_class():
            if not self._record.kept and self._stop is not None:
                self._stop()
            raise
        if self.ended:
            return self.outcome()
        self._record.kept = True
        return self

    def outcome(self) -> JsonValue:
        """The result of a run that has ended.

        Raises:
            TheoError: there is none. Where text came before the failure, it is in ``partial``.
        """
        status = self.status
        if status.failure is not None:
            raise status.failure.error(status.text)
        return status.result

    def stop(self) -> None:
        """Stops the run without waiting: its work gets no further than to its next wait.

        A run that another process keeps cannot be stopped from here.
        """
        if not self.ended and self._stop is not None:
            self._stop()

    async def cancel(self) -> bool:
        """Stops the run and waits until it has ended; whether it was stopped, now or before."""
        if not self.ended and self._stop is not None:
            self._stop()
            await self.wait(_STOP_S)
        return self.status.state == "cancelled"

    async def _change(self) -> None:
        if self._look is None:
            await self._record.changed()
        else:
            await anyio.sleep(_LOOK_S)
            self._record.change(await self._look())


class Report:
    """What work says of itself. Every method returns at once, and is called in the event loop."""

    def __init__(self, record: Record) -> None:
        self._record = record

    @property
    def handle(self) -> str:
        return self._record.facts.handle

    @property
    def text_so_far(self) -> str:
        """The text that it has made."""
        return self._record.text

    def phase(self, words: str) -> None:
        """What it does now."""
        self._record.change(replace(self._record.facts, phase=clean(words)))

    def fraction(self, done: float) -> None:
        """How much of it is done: from 0 to 1."""
        if not math.isnan(done):
            self._record.change(replace(self._record.facts, fraction=min(1.0, max(0.0, done))))

    def text(self, delta: str) -> None:
        """More of the text that it makes."""
        self._record.write(delta)

    def sent(self, *, request_id: str | None = None, job_id: str | None = None) -> None:
        """A request went out; called again when its id or its job is known. If it is billable, the run is kept."""
        facts = self._record.facts
        ids = (request_id or facts.request_id, job_id or facts.job_id)
        self._record.change(replace(facts, sent=True, request_id=ids[0], job_id=ids[1]))
        if facts.billable:
            self.keep()

    def bill(self) -> None:
        """What goes out from now on is paid for once it is sent, whatever was said when the run began."""
        self._record.change(replace(self._record.facts, billable=True))

    def keep(self) -> None:
        """From now on the run goes on, although the call that began it may be cancelled."""
        self._record.kept = True
