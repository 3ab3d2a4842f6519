"""Work for runs in tests: quick, or as long as the test wants."""

from __future__ import annotations

import anyio
import pytest
from pydantic import JsonValue

from theo_mcp.errors import TheoError
from theo_mcp.runs import Report, Run, Work

FOREVER = 30.0


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Patient:
    """Work that goes on until it is allowed to end, and notes whether it was stopped."""

    def __init__(self, result: JsonValue = "the answer", *, sends: bool = False, keeps: bool = False) -> None:
        self.begun = anyio.Event()
        self.may_end = anyio.Event()
        self.was_stopped = False
        self._result, self._sends, self._keeps = result, sends, keeps

    async def __call__(self, report: Report) -> JsonValue:
        if self._sends:
            report.sent(request_id="req-1")
        if self._keeps:
            report.keep()
        self.begun.set()
        try:
            await self.may_end.wait()
        except anyio.get_cancelled_exc_class():
            self.was_stopped = True
            raise
        return self._result


def quick(result: JsonValue = None) -> Work:
    async def work(report: Report) -> JsonValue:
        return result

    return work


async def failure_of(run: Run) -> TheoError:
    with pytest.raises(TheoError) as raised:
        await run.result(within=FOREVER)
    return raised.value
