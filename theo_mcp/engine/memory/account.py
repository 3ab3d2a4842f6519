"""What the engine has done for each tenant: sums by day, mode and model; and what it is doing, for the audit."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from theo_mcp.backend import Caller, UsageScope
from theo_mcp.engine.memory.audit import Audit, Request
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.place import Place
from theo_mcp.errors import InputError, PermissionDeniedError
from theo_mcp.wire.account import Period, UsageReport, UsageTotals
from theo_mcp.wire.model import Extension
from theo_mcp.wire.parts import new_id

_PERIOD_DAYS: Final = 30
_UNIT: Final = 10**6  # micro-cents in a cent, so that sums neither drift nor lose a small cost
_EVERY: Final = 1_000_000


class Account:
    """The sums of one engine, and its requests under way."""

    def __init__(self, place: Place, behind: Behind, audit: Audit, *, clock: Callable[[], float] = time.time) -> None:
        self._place = place
        self._behind = behind
        self._clock = clock
        self._audit = audit

    def began(self, caller: Caller, method: str, mode: str, metadata: Mapping[str, JsonValue] | None = None) -> Request:
        """A request that is answered from now on, under the caller's id for it or a new one."""
        self._audit.take(caller)
        id = caller.request_id or new_id("req")
        return Request(caller, method, mode, id, self._clock(), metadata, self._note)

    async def report(
        self, caller: Caller, start: date | str | None, end: date | str | None, scope: UsageScope | None
    ) -> UsageReport:
        """What was used from the day `start` to the day `end` (UTC); without them, in the last thirty days.

        Raises:
            InputError: a day is none, or the end lies before the start.
            PermissionDeniedError: an organisation is asked for.
            StoreError: what is kept cannot be read.
        """
        if scope == "org":
            raise PermissionDeniedError(
                "The engine on this machine knows no organisations.", hint="Leave scope out, or use user."
            )
        last = _day(end, "end") or datetime.fromtimestamp(self._clock(), UTC).date()
        first = _day(start, "start") or last - timedelta(days=_PERIOD_DAYS - 1)
        if first > last:
            raise InputError("The period ends before it starts.", hint="Give the days as 2026-11-21.")
        await self._behind.flush()
        sums = Counter(self._behind.waiting(caller.tenant))
        store = await self._place.found()
        for entry in await store.entries("totals", owner=caller.tenant, limit=_EVERY) if store else ():
            if isinstance(entry.value, int | float):
                sums[entry.key] += int(entry.value)
        return _report(sums.items(), first, last)

    def _note(self, request: Request) -> None:
        if request.outcome == "ok":
            self._behind.add(request.caller.tenant, _amounts(request, _date(self._clock())))
        self._audit.add(request)


def _amounts(request: Request, day: str) -> dict[str, int]:
    """What one answer adds, by the names of its sums. A kept answer used no tokens."""
    usage = request.usage
    counts: dict[str, float | None] = {"requests": 1}
    if request.cached:
        counts["cached"] = 1
    else:
        counts |= {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
        if usage.cost_cents is not None:
            counts["cost"] = int(Decimal(str(usage.cost_cents)) * _UNIT)
    mode, model = request.resolved_mode or request.mode or request.method, request.model.id
    return {f"{day} {what} {mode} {model}": int(count) for what, count in counts.items() if count}


def _report(sums: Iterable[tuple[str, int]], first: date, last: date) -> UsageReport:
    totals: Counter[str] = Counter()
    by_mode: defaultdict[str, Counter[str]] = defaultdict(Counter)
    by_model: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, amount in sums:
        day, what, mode, model = [*name.split(" ", 3), "", "", ""][:4]
        if first.isoformat() <= day <= last.isoformat():
            for counter in (totals, by_mode[mode], by_model[model]):
                counter[what] += amount
    return UsageReport(
        period=Period(start=first.isoformat(), end=last.isoformat()),
        totals=_totals(totals),
        by_mode={mode: _totals(counter) for mode, counter in sorted(by_mode.items())},
        by_model={model: _totals(counter) for model, counter in sorted(by_model.items())},
        theo_mcp=Extension(backend="engine"),
    )


def _totals(counter: Counter[str]) -> UsageTotals:
    return UsageTotals(
        requests=counter["requests"],
        prompt_tokens=counter["prompt_tokens"],
        completion_tokens=counter["completion_tokens"],
        total_tokens=counter["total_tokens"],
        cost_cents=counter["cost"] / _UNIT,
    )


def _day(value: date | str | None, name: str) -> date | None:
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        raise InputError(f"The {name} of the period is no day.", hint="Give it as 2026-11-21.") from None


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
