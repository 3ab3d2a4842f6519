"""Counts what the calls of a backend use and cost, and refuses one that could pass the budget, before it is sent.

The budget is for a day, in the user's time: a session ends with every restart of a host, a day is what people plan
with. Only Theo's hosted calls have a price. GetCode counts tokens against a plan and is counted, never refused; the
engine costs nothing.

Before a call its cost is unknown, so the largest cost seen for its mode is reserved, and before there is
one, a careful guess (`GUESSES`). The answer's own cost takes its place. Where the answer does not come or does not say,
the reservation stays as "maybe billed": a call that went out may have been done. A cost that cannot be true counts as
not said. A single call may cost more than was reserved for it, and so pass the budget; the next one is then refused.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Literal, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from theo_mcp import errors
from theo_mcp.backend import Caller, GetCode, Observe, Spending, Theo, Used
from theo_mcp.meter.ledger import Ledger
from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Done
from theo_mcp.wire.getcode import Improved, ImproveRequest
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.service import Health, Models

if TYPE_CHECKING:
    from theo_mcp.wire.files import Fetched

AnswerT = TypeVar("AnswerT")
PaidT = TypeVar("PaidT", bound=Completion | ChatCompletion | Code)

GUESSES = {"think": 3, "code": 2, "image": 20, "video": 200, "research": 100}
"""Cents to reserve for a mode of which no cost is known yet; 1 for the others."""
_UNIT = 10**6  # micro-cents in a cent
_ABSURD_CENTS = 100_000
_MOST_TOKENS = 10**12
# Never sent, or refused: nothing was done. Whatever else ends a call that was sent may have been billed.
_NOT_BILLED = (
    errors.ConfigError, errors.InputError, errors.NotAvailableError, errors.UnreachableError, errors.BadRequestError,
    errors.AuthenticationError, errors.PermissionDeniedError, errors.CreditsError, errors.NotFoundError,
    errors.RateLimitError,
)  # fmt: skip

log = logging.getLogger(__name__)


@dataclass
class _Tally:
    """The sums of one method; amounts are micro-cents."""

    calls: int = 0
    failures: int = 0
    cached: int = 0
    tokens: int = 0
    cost: int = 0
    maybe: int = 0


@dataclass
class _Call:
    """One call: whether it went out, whether an answer began, and what it cost where that is known."""

    sent: bool = False
    begun: bool = False
    cost: int | None = None
    told: bool = False
    cached: bool = False
    tokens: int = 0

    def answered(self, answer: Completion | ChatCompletion | Code | Done | Improved) -> None:
        """Takes what `answer` says of itself."""
        match answer:
            case Completion() | Code() | Done():
                usage = answer.usage
                self.cached = answer.was_cached if isinstance(answer, Completion) else _cached(answer)
                self.cost = 0 if self.cached else _units(usage.cost_cents)
                self.told = self.cost is not None and not self.cached
                self.tokens = _tokens(usage.total_tokens, usage.prompt_tokens, usage.completion_tokens)
            case ChatCompletion():  # its usage has no cost
                counted = answer.usage
                self.cached = (answer.model_extra or {}).get("_cached") is True
                self.cost = 0 if self.cached else None
                self.tokens = _tokens(counted.total_tokens, counted.prompt_tokens, counted.completion_tokens)
            case Improved():
                self.tokens = _tokens(answer.tokens_used)

    def observe(self, words: str) -> None:
        self.sent = self.sent or words == "sent"


class Meter:
    """The counts of one connection. `theo` and `getcode` wrap an arm; `spending` is what was counted."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        budget_cents: Decimal | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._ledger = ledger
        self._budget = budget_cents
        self._today = today
        self._tallies: dict[tuple[Literal["theo", "getcode"], str], _Tally] = {}
        self._largest: dict[str, int] = {}

    def theo(self, arm: Theo, *, billed: bool) -> Theo:
        """`arm`, counted; `billed` says that its answers cost money."""
        return _MeteredTheo(self, arm, billed)

    def getcode(self, arm: GetCode) -> GetCode:
        """`arm`, counted."""
        return _MeteredGetCode(self, arm)

    async def spending(self) -> Spending:
        """What was used since the start, per API and method, and what was spent today."""
        used = tuple(
            Used(
                api, method, tally.calls, tally.failures, tally.cached, tally.tokens, _cents(tally.cost),
                _cents(tally.maybe),
            )
            for (api, method), tally in sorted(self._tallies.items())
        )  # fmt: skip
        return Spending(used, _cents(await self._ledger.total(self._period())), self._budget)

    @asynccontextmanager
    async def call(
        self, api: Literal["theo", "getcode"], method: str, mode: str = "", *, billed: bool = False
    ) -> AsyncIterator[_Call]:
        """Around one call: reserves before it if it is `billed`, and settles however it ends.

        Raises:
            BudgetError: it could cost more than is left.
        """
        call, period, reserved = _Call(), self._period(), 0
        if billed:
            reserved = self._largest.get(mode, GUESSES.get(mode, 1) * _UNIT)
            await self._reserve(period, reserved)
        tally = self._tallies.setdefault((api, method), _Tally())
        tally.calls += 1
        try:
            await checkpoint_if_cancelled()  # whoever left while it was reserved sends nothing
            yield call
        except BaseException as error:
            refused = isinstance(error, _NOT_BILLED) or not (call.sent or isinstance(error, errors.TheoError))
            refused = refused or (isinstance(error, errors.TheoError) and error.retryable)  # never sent, or not begun
            if isinstance(error, errors.TheoError) and error.maybe_billed:  # a try before this refusal may be done
                refused = False
            if refused and not call.begun:  # what a reader of a stream raises says nothing about the call
                call.cost = 0
            tally.failures += isinstance(error, Exception)
            raise
        finally:
            tally.cached += call.cached
            tally.tokens += call.tokens
            if billed:
                await self._settle(tally, mode, call, period, reserved)

    async def _reserve(self, period: str, amount: int) -> None:
        limit = None if self._budget is None else _units(self._budget)
        with anyio.CancelScope(shield=True):  # a reservation that nobody knows of could not be taken back
            if await self._ledger.reserve(period, amount, limit):
                return
            spent = await self._ledger.total(period)
        raise errors.BudgetError(
            f"This call may cost {_shown(amount)} cents, and of today's budget of {_shown(limit or 0)} cents "
            f"{_shown(spent)} are spent or reserved.",
            hint="Raise budget_cents (THEO_MCP_BUDGET_CENTS), wait until tomorrow, or let this machine answer, which "
            "costs nothing: --backend engine.",
        )

    async def _settle(self, tally: _Tally, mode: str, call: _Call, period: str, reserved: int) -> None:
        if call.cost is None:
            tally.maybe += reserved
            return
        tally.cost += call.cost
        if call.told:
            self._largest[mode] = max(call.cost, self._largest.get(mode, 0))
        with anyio.CancelScope(shield=True):
            try:
                await self._ledger.settle(period, reserved, call.cost)
            except errors.TheoError as error:  # the answer is paid for, and worth more than the sum
                log.warning("A cost of %s cents could not be noted: %s", _shown(call.cost), error)

    def _period(self) -> str:
        return f"day {self._today().isoformat()}"


class _MeteredTheo:
    """A `Theo` whose calls are counted. A method that answers at once is one line."""

    def __init__(self, meter: Meter, arm: Theo, billed: bool) -> None:
        self._meter, self._arm, self._billed = meter, arm, billed

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        return await self._paid(
            "complete", request.mode, observe, lambda tell: self._arm.complete(request, observe=tell)
        )

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        return await self._paid(
            "complete_openai", request.mode, observe, lambda tell: self._arm.complete_openai(request, observe=tell)
        )

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        async with self._meter.call("theo", "stream", request.mode or "auto", billed=self._billed) as call:
            call.sent = True
            async with self._arm.stream(request) as events, aclosing(_watched(events, call)) as watched:
                call.begun = True
                yield watched

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        return await self._paid("code", "code", observe, lambda tell: self._arm.code(request, observe=tell))

    async def models(self) -> Models:
        return await _free(self._meter, "models", self._arm.models)

    async def health(self) -> Health:
        return await _free(self._meter, "health", self._arm.health)

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> Theo:
        return _MeteredTheo(self._meter, self._arm.for_caller(caller), self._billed)

    async def _paid(
        self,
        method: str,
        mode: str | None,
        observe: Observe | None,
        ask: Callable[[Observe], Awaitable[PaidT]],
    ) -> PaidT:
        async with self._meter.call("theo", method, mode or "auto", billed=self._billed) as call:
            answer = await ask(_both(call.observe, observe))
            call.answered(answer)
            return answer


class _MeteredGetCode:
    """A `GetCode` whose calls are counted."""

    def __init__(self, meter: Meter, arm: GetCode) -> None:
        self._meter, self._arm = meter, arm

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        async with self._meter.call("getcode", "improve") as call:
            answer = await self._arm.improve(request, observe=observe)
            call.answered(answer)
            return answer

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> GetCode:
        return _MeteredGetCode(self._meter, self._arm.for_caller(caller))


async def _free(meter: Meter, method: str, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
    async with meter.call("theo", method):
        return await ask()


async def _watched(events: AsyncIterator[CompletionEvent], call: _Call) -> AsyncGenerator[CompletionEvent, None]:
    async for event in events:
        if isinstance(event, Done):
            call.answered(event)
        yield event


def _both(first: Observe, second: Observe | None) -> Observe:
    def tell(words: str) -> None:
        first(words)
        if second is not None:
            second(words)

    return tell


def _cached(answer: Code | Done) -> bool:
    told = isinstance(answer, Done) and (
        answer.cached or bool(answer.metadata and answer.metadata.get("cached") is True)
    )
    return told or bool(answer.usage.cached)


def _units(cents: float | Decimal | None) -> int | None:
    """`cents` in micro-cents; None where nobody said, or where it cannot be true."""
    if cents is None or not 0 <= cents <= (_ABSURD_CENTS if isinstance(cents, float) else 10**9):
        return None
    return int((Decimal(str(cents)) * _UNIT).to_integral_value(ROUND_HALF_UP))


def _cents(units: int) -> Decimal:
    return Decimal(units) / _UNIT


def _shown(units: int) -> str:
    return f"{_cents(units).normalize():f}"


def _tokens(total: int | None, *parts: int | None) -> int:
    said = total if total is not None else sum(part or 0 for part in parts)
    return said if 0 <= said <= _MOST_TOKENS else 0
