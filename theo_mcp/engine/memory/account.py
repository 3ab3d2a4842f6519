"""What the engine has done for each tenant: sums by day, mode and model, and one audit row a request.

A row never holds a prompt or an answer. A request that was refused before anything was asked of a model leaves no row.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from pydantic import JsonValue

from theo_mcp.backend import Caller, UsageScope
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.place import Place
from theo_mcp.engine.providers import ServedModel
from theo_mcp.errors import ConfigError, InputError, NotAvailableError, PermissionDeniedError, TheoError
from theo_mcp.settings import Settings
from theo_mcp.store import Put
from theo_mcp.wire.account import Period, UsageReport, UsageTotals
from theo_mcp.wire.model import Extension
from theo_mcp.wire.parts import Model, Usage

_DAY_S: Final = 86_400.0
_PERIOD_DAYS: Final = 30
_METADATA_BYTES: Final = 4096
_UNIT: Final = 10**6  # micro-cents in a cent, so that sums neither drift nor lose a small cost
_EVERY: Final = 1_000_000
_REFUSED: Final = (InputError, NotAvailableError, ConfigError)

Outcome = Literal["ok", "failed", "cancelled"]


@dataclass
class Request:
    """One request while it is answered; `end` notes it, once."""

    caller: Caller
    method: str
    mode: str
    id: str
    began: float
    metadata: Mapping[str, JsonValue] | None
    note: Callable[[Request], None] = field(repr=False)
    resolved_mode: str = ""
    model: Model = field(default_factory=Model)
    usage: Usage = field(default_factory=Usage)
    cached: bool = False
    outcome: Outcome = "cancelled"
    code: str = ""
    ended: bool = False

    def answers(self, mode: str, model: ServedModel) -> None:
        """Who will answer it, and how."""
        self.resolved_mode = mode
        self.model = Model(id=model.id, label=model.label, engine=model.engine)

    def done(self, usage: Usage, *, cached: bool = False, model: str = "", engine: str = "") -> None:
        """It was answered, by `model` if another stood in for it."""
        if model and model != self.model.id:
            self.model = Model(id=model, label=model, engine=engine or self.model.engine)
        self.outcome, self.usage, self.cached = "ok", usage, cached

    def failed(self, error: BaseException) -> None:
        """It was not, and why; a cancelling is no failure."""
        if isinstance(error, TheoError):
            self.outcome, self.code = "failed", error.code
            self.ended = self.ended or (isinstance(error, _REFUSED) and not self.model.id)
        elif isinstance(error, Exception) and self.outcome != "ok":
            self.outcome, self.code = "failed", "internal_error"

    def end(self) -> None:
        """Notes it."""
        if not self.ended:
            self.ended = True
            self.note(self)


class Account:
    """The sums and rows of one engine."""

    def __init__(
        self, settings: Settings, place: Place, behind: Behind, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._place = place
        self._behind = behind
        self._clock = clock
        self._rows_for_s = settings.audit_days * _DAY_S if settings.keep_results_s > 0 else 0.0

    def began(
        self, caller: Caller, method: str, mode: str, id: str, metadata: Mapping[str, JsonValue] | None = None
    ) -> Request:
        """A request that is answered from now on."""
        return Request(caller, method, mode, id, self._clock(), metadata, self._note)

    @contextmanager
    def request(self, caller: Caller, method: str, mode: str, id: str) -> Iterator[Request]:
        """The same for a call that is answered within the block, which says how with `Request.done`."""
        noted = self.began(caller, method, mode, id)
        try:
            yield noted
        except BaseException as error:
            noted.failed(error)
            raise
        finally:
            noted.end()

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

    async def rows(self, caller: Caller, *, after: int | None = None, limit: int = 100) -> list[JsonValue]:
        """The caller's audit rows, the newest first.

        Raises:
            StoreError: they cannot be read.
        """
        await self._behind.flush()
        store = await self._place.found()
        entries = await store.entries("audit", owner=caller.tenant, after=after, limit=limit) if store else []
        return [entry.value for entry in entries]

    def _note(self, request: Request) -> None:
        now = self._clock()
        owner, usage = request.caller.tenant, request.usage
        if request.outcome == "ok":
            self._behind.add(owner, _amounts(request, _date(now)))
        if self._rows_for_s:
            row: dict[str, JsonValue] = {
                "time": datetime.fromtimestamp(request.began, UTC).isoformat(timespec="milliseconds"),
                "request_id": request.id,
                "method": request.method,
                "mode": request.mode,
                "resolved_mode": request.resolved_mode,
                "model": request.model.id,
                "engine": request.model.engine,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "total_tokens": usage.total_tokens,
                "cost_cents": usage.cost_cents,
                "cached": request.cached,
                "ms": max(0, round(1000 * (now - request.began))),
                "status": request.outcome,
                "code": request.code,
                "metadata": _bounded(request.metadata),
            }
            self._behind.put("audit", Put(request.id, row, owner, now + self._rows_for_s))


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


def _bounded(metadata: Mapping[str, JsonValue] | None) -> JsonValue:
    """The metadata, or only its names where it is long."""
    if not metadata:
        return None
    kept = dict(metadata)
    return kept if len(json.dumps(kept, default=str)) <= _METADATA_BYTES else [name[:100] for name in list(kept)[:20]]


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
        raise InputError(f"{name} is no day.", hint="Give it as 2026-11-21.") from None


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
