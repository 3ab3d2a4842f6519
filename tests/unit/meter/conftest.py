"""An arm that says what a test wants, behind a meter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal

import anyio
import pytest

from theo_mcp import CodeRequest, CompletionRequest, ImproveRequest
from theo_mcp.backend import Caller, GetCode, Observe, Theo, Used
from theo_mcp.meter import Meter
from theo_mcp.meter.ledger import Ledger, MemoryLedger
from theo_mcp.wire.completions import Code, Completion
from theo_mcp.wire.events import CompletionEvent, Done, Token
from theo_mcp.wire.files import Fetched
from theo_mcp.wire.getcode import Improved
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.service import Health, Models

HELLO = CompletionRequest(prompt="Hello")
FREE = Decimal(0)


class Scripted:
    """An arm that answers with what is put into `answer`, or fails with it; `calls` counts what reached it."""

    def __init__(self) -> None:
        self.answer: dict[str, object] | BaseException = {"usage": {"cost_cents": 0.02}}
        self.says_sent = True
        self.calls = 0
        self.reached = anyio.Event()
        self.go_on = anyio.Event()
        self.go_on.set()

    async def _reply(self, observe: Observe | None) -> dict[str, object]:
        self.calls += 1
        if observe is not None and self.says_sent:
            observe("sent")
        self.reached.set()
        await self.go_on.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        return Completion.model_validate(await self._reply(observe))

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        return ChatCompletion.model_validate(await self._reply(observe))

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        answer = await self._reply(None)

        async def events() -> AsyncIterator[CompletionEvent]:
            yield Token(token="Hi")
            yield Token(token=" there")
            yield Done.model_validate(answer)

        yield events()

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        return Code.model_validate(await self._reply(observe))

    async def models(self) -> Models:
        return Models.model_validate(await self._reply(None))

    async def health(self) -> Health:
        return Health.model_validate(await self._reply(None))

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        return Improved.model_validate(await self._reply(observe))

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return Fetched(url.encode(), "text/plain", "a.txt")

    def for_caller(self, caller: Caller) -> Scripted:
        self.caller = caller
        return self


@pytest.fixture
def arm() -> Scripted:
    return Scripted()


def metered(
    arm: Scripted, budget: str | None = None, ledger: Ledger | None = None, today: Callable[[], date] | None = None
) -> tuple[Meter, Theo, GetCode]:
    meter = Meter(
        ledger or MemoryLedger(), budget_cents=None if budget is None else Decimal(budget), today=today or date.today
    )
    return meter, meter.theo(arm, billed=True), meter.getcode(arm)


async def used(meter: Meter) -> Used:
    (only,) = (await meter.spending()).used
    return only


async def read_all(hosted: Theo, request: CompletionRequest = HELLO) -> list[CompletionEvent]:
    async with hosted.stream(request) as events:
        return [event async for event in events]
