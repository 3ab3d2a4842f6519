"""Counts what the calls of a backend use and cost, and refuses one that could pass a limit, before it is sent.

There are two limits, and a call must fit under both. The budget is for a day, in the user's time, over restarts and all
processes: a day is what people plan with. The session's limit is for this process from its start to its end, which is
what an assistant can run away with. Only Theo's hosted calls have a price. GetCode counts tokens against a plan and is
counted, never refused; the engine costs nothing.

Before a call its cost is unknown, so the largest cost seen for its mode is reserved, and before there is
one, a careful guess (`GUESSES`). The answer's own cost takes its place. Where the answer does not come or does not say,
the reservation stays as "maybe billed": a call that went out may have been done. A cost that cannot be true counts as
not said. A single call may cost more than was reserved for it, and so pass a limit; the next one is then refused.

A job tells its cost when it ends, so its reservation stays until whoever looks at it sees that, once per job. One that
nobody looks at, or that was begun by another process, stays an estimate.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from theo_mcp import errors
from theo_mcp.backend import Api, GetCode, Session, Spending, Spent, Theo, Used
from theo_mcp.meter.arms import MeteredGetCode, MeteredTheo
from theo_mcp.meter.call import UNIT, Call, cents_of, shown, units
from theo_mcp.meter.ledger import Ledger

if TYPE_CHECKING:
    from theo_mcp.wire.jobs import Job

GUESSES = {"think": 3, "code": 2, "document": 5, "image": 20, "video": 200, "research": 100}
"""Cents to reserve for a mode of which no cost is known yet; 1 for the others. An image's is for each image."""
_LET_IT_BE_FREE = "let this machine answer, which costs nothing: --backend engine."
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


@dataclass(frozen=True)
class _Reserved:
    """What was put aside for a call, and where."""

    tally: _Tally
    mode: str
    period: str
    amount: int
    parts: int


class Meter:
    """The counts of one connection. `theo` and `getcode` wrap an arm; `spending` and `session` are what was counted."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        budget_cents: Decimal | None = None,
        max_cents: Decimal | None = None,
        today: Callable[[], date] = date.today,
        spent: Spent | None = None,
    ) -> None:
        """`spent` is the session's so far, and is counted on in place."""
        self._ledger = ledger
        self._budget = budget_cents
        self._max = max_cents
        self._today = today
        self._tallies: dict[tuple[Api, str], _Tally] = {}
        self._largest: dict[str, int] = {}
        self._jobs: dict[str, _Reserved] = {}
        self._spent = spent or Spent()

    def theo(self, arm: Theo, *, billed: bool) -> Theo:
        """`arm`, counted; `billed` says that its answers cost money."""
        return MeteredTheo(self, arm, billed)

    def getcode(self, arm: GetCode) -> GetCode:
        """`arm`, counted."""
        return MeteredGetCode(self, arm)

    async def spending(self) -> Spending:
        """What was used since the start, per API and method, and what was spent today."""
        used = tuple(
            Used(
                api, method, tally.calls, tally.failures, tally.cached, tally.tokens, cents_of(tally.cost),
                cents_of(tally.maybe),
            )
            for (api, method), tally in sorted(self._tallies.items())
        )  # fmt: skip
        today = cents_of(await self._ledger.total(self._period()))
        return Spending(used, today, self._budget, self.session().cents, self._max)

    def session(self) -> Session:
        """What was spent since the start."""
        return Session(cents_of(self._spent.cost), cents_of(self._spent.maybe), self._max)

    @asynccontextmanager
    async def call(
        self, api: Api, method: str, mode: str = "", *, billed: bool = False, parts: int = 1
    ) -> AsyncIterator[Call]:
        """Around one call: reserves before it if it is `billed`, and settles however it ends. One that makes several
        things at once costs as many `parts`.

        Raises:
            BudgetError: it could cost more than is left.
        """
        call, period, amount = Call(), self._period(), 0
        if billed:
            amount = parts * self._largest.get(mode, GUESSES.get(mode, 1) * UNIT)
            await self._reserve(period, amount)
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
                await self._ended(call, _Reserved(tally, mode, period, amount, parts))

    async def job_seen(self, job_id: str, job: Job) -> None:
        """Puts the cost of a job that has ended in the place of what was reserved for it, where it is told."""
        if not job.finished or job_id not in self._jobs:
            return
        call = Call()
        call.costs(job.usage)
        if call.cost is None:
            return
        reserved = self._jobs.pop(job_id)  # before anything is awaited, so that it is settled once
        reserved.tally.cached += call.cached
        reserved.tally.tokens += call.tokens
        reserved.tally.maybe -= reserved.amount
        self._spent.maybe -= reserved.amount
        await self._settle(call.cost, call.told, reserved)

    async def _reserve(self, period: str, amount: int) -> None:
        """Takes `amount` from both limits or from neither; nothing is awaited between the look and the taking."""
        most, spent = units(self._max), self._spent.cost + self._spent.maybe + self._spent.under_way
        if most is not None and amount > 0 and spent + amount > most:
            raise errors.BudgetError(
                f"This call may cost {shown(amount)} cents, and of this session's limit of {shown(most)} cents "
                f"{shown(spent)} are spent or reserved.",
                hint=f"Raise max_cents (THEO_MCP_MAX_CENTS), start the program again, or {_LET_IT_BE_FREE}",
            )
        self._spent.under_way += amount
        try:
            await self._reserve_today(period, amount)
        except BaseException:
            self._spent.under_way -= amount
            raise

    async def _reserve_today(self, period: str, amount: int) -> None:
        limit = units(self._budget)
        with anyio.CancelScope(shield=True):  # a reservation that nobody knows of could not be taken back
            if await self._ledger.reserve(period, amount, limit):
                return
            spent = await self._ledger.total(period)
        raise errors.BudgetError(
            f"This call may cost {shown(amount)} cents, and of today's budget of {shown(limit or 0)} cents "
            f"{shown(spent)} are spent or reserved.",
            hint=f"Raise budget_cents (THEO_MCP_BUDGET_CENTS), wait until tomorrow, or {_LET_IT_BE_FREE}",
        )

    async def _ended(self, call: Call, reserved: _Reserved) -> None:
        self._spent.under_way -= reserved.amount
        if call.cost is not None:
            await self._settle(call.cost, call.told, reserved)
            return
        reserved.tally.maybe += reserved.amount
        self._spent.maybe += reserved.amount
        if call.job_id:
            self._jobs.setdefault(call.job_id, reserved)

    async def _settle(self, cost: int, told: bool, reserved: _Reserved) -> None:
        """Puts `cost` in the place of what was `reserved`; `told` says that it is what the mode costs."""
        reserved.tally.cost += cost
        self._spent.cost += cost
        if told:
            each = -(-cost // reserved.parts)
            self._largest[reserved.mode] = max(each, self._largest.get(reserved.mode, 0))
        with anyio.CancelScope(shield=True):
            try:
                await self._ledger.settle(reserved.period, reserved.amount, cost)
            except errors.TheoError as error:  # the answer is paid for, and worth more than the sum
                log.warning("A cost of %s cents could not be noted: %s", shown(cost), error)

    def _period(self) -> str:
        return f"day {self._today().isoformat()}"
