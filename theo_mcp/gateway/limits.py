"""How much a key may use: Theo's minute and GetCode's hour and month, by plan.

Theo's window slides: it holds the times of the last sixty seconds, not a count that falls to zero at a full minute. It
is this process's own, because a write to the store for each request would cost more than most requests; a second
gateway on the same store allows the same again. GetCode's hour and month, and credits, are in the store and exact.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from theo_mcp.gateway.keys import Key
from theo_mcp.gateway.plans import ALLOWANCES, Counted
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.store import Store

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_MONTH: Final = 32 * 86_400.0


@dataclass
class _Window:
    """What happened in the last minute: when, and how much."""

    events: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def slide(self, now: float) -> None:
        while self.events and self.events[0][0] <= now - _MINUTE:
            self.total -= self.events.popleft()[1]

    def add(self, now: float, amount: int) -> None:
        self.events.append((now, amount))
        self.total += amount

    def until(self, now: float, excess: int = 1) -> float:
        """Seconds until `excess` of what is in it has left."""
        for when, amount in self.events:
            excess -= amount
            if excess <= 0:
                return when + _MINUTE - now
        return 0.0


class Minutes:
    """Theo's limits, for all keys of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, key: Key) -> None:
        """Counts one request.

        Raises:
            Refusal: the minute is full; nothing was counted.
        """
        allowed, now = ALLOWANCES[key.plan], self._clock()
        if allowed.requests is None and allowed.tokens is None:
            return
        requests, tokens = self._window(key, "requests", now), self._window(key, "tokens", now)
        if allowed.requests is not None and requests.total >= allowed.requests:
            raise _full("rate_limit_exceeded", f"{allowed.requests:,} requests a minute", requests.until(now))
        if allowed.tokens is not None and tokens.total >= allowed.tokens:
            excess = tokens.total - allowed.tokens + 1
            raise _full("token_limit_exceeded", f"{allowed.tokens:,} tokens a minute", tokens.until(now, excess))
        requests.add(now, 1)

    def take_mode(self, key: Key, mode: str) -> None:
        """Counts one request in `mode`, where the plan limits it.

        Raises:
            Refusal: the minute of this mode is full; nothing was counted.
        """
        allowed = ALLOWANCES[key.plan].modes.get(mode)
        if allowed is None:
            return
        now = self._clock()
        window = self._window(key, f"mode {mode}", now)
        if window.total >= allowed:
            raise _full(
                "mode_rate_limit_exceeded", f"{allowed:,} requests a minute in the mode {mode}", window.until(now)
            )
        window.add(now, 1)

    def used(self, key: Key, tokens: int) -> None:
        """Counts the tokens of an answer."""
        if tokens > 0 and ALLOWANCES[key.plan].tokens is not None:
            self._window(key, "tokens", now := self._clock()).add(now, tokens)

    def headers(self, key: Key) -> list[tuple[bytes, bytes]]:
        """How the minute stands, as the documents' headers; none of them where nothing is limited."""
        allowed, now = ALLOWANCES[key.plan], self._clock()
        found: list[tuple[bytes, bytes]] = []
        for what, limit in (("requests", allowed.requests), ("tokens", allowed.tokens)):
            if limit is None:
                continue
            window = self._window(key, what, now)
            for name, value in (
                ("limit", str(limit)),
                ("remaining", str(max(0, limit - window.total))),
                ("reset", f"{math.ceil(window.until(now))}s"),
            ):
                found.append((f"x-ratelimit-{name}-{what}".encode(), value.encode()))
        return found

    def report(self, key: Key) -> Mapping[str, JsonValue]:
        """The same as JSON; null is no limit."""
        allowed, now = ALLOWANCES[key.plan], self._clock()
        limits: dict[str, JsonValue] = {}
        for what, limit in (("requests", allowed.requests), ("tokens", allowed.tokens)):
            if limit is None:
                limits[what] = None
                continue
            window = self._window(key, what, now)
            limits[what] = {
                "limit": limit,
                "remaining": max(0, limit - window.total),
                "reset": f"{math.ceil(window.until(now))}s",
                "window_seconds": int(_MINUTE),
            }
        return limits

    def _window(self, key: Key, what: str, now: float) -> _Window:
        window = self._windows.setdefault((key.id, what), _Window())
        window.slide(now)
        return window


class Hours:
    """GetCode's limits, in the store, for all processes."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def take(self, key: Key, what: Counted) -> None:
        """Counts one request.

        Raises:
            Refusal: the hour or the month is full; nothing was counted.
        """
        allowed, now = ALLOWANCES[key.plan], self._clock()
        hourly = None if allowed.hourly is None else allowed.hourly[what]
        if hourly is None:
            return
        month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
        monthly = allowed.monthly if what == "generate" else None

        def count(value: JsonValue) -> JsonValue:
            times, made = _counted(value, month)
            recent = [when for when in times if now - _HOUR < when <= now]
            if len(recent) >= hourly:
                raise _full("rate_limit_exceeded", f"{hourly} calls of {what} an hour", recent[0] + _HOUR - now)
            if monthly is not None and made >= monthly:
                raise _full("rate_limit_exceeded", f"{monthly} calls of {what} a month", _next_month(now) - now)
            hour: list[JsonValue] = [*recent, now]
            return {"hour": hour, "month": month, "made": made + 1}

        await self._store.update("keys", what, count, owner=f"getcode {key.id}", expires_at=now + _MONTH)


def _counted(value: JsonValue, month: str) -> tuple[list[float], int]:
    if not isinstance(value, dict):
        return [], 0
    hour, made = value.get("hour"), value.get("made")
    times = [float(when) for when in hour if isinstance(when, int | float)] if isinstance(hour, list) else []
    return times, made if isinstance(made, int) and value.get("month") == month else 0


def _next_month(now: float) -> float:
    at = datetime.fromtimestamp(now, UTC)
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC).timestamp()


def _full(code: str, what: str, seconds: float) -> Refusal:
    wait = max(1, math.ceil(seconds))
    return Refusal(429, code, f"The plan of this key allows {what}. Come back in {wait:,} s.", wait)
