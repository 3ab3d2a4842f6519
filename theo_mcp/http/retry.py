"""When to send again, and when not to: pure decisions. The clock, chance and sleep belong to the caller.

A request that never went out and one that the service refused unread may be sent again. One that went out and got no
verdict may have been done and billed, so it is not sent again unless it is safe to repeat or the user allows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["never sent", "refused", "ambiguous", "final"]

_REFUSED = frozenset({408, 425, 429, 503})
_NEVER_S = 1e9  # thirty years; a longer number is noise
_BUDGET = 100  # in tenths of a retry
_RETRY = 10
_FAILURES_TO_OPEN = 5
_FAILURES_WITHIN_S = 10.0
_OPEN_S = 2.0
_PROBE_S = 30.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to try again. Seconds.

    `retry_ambiguous` also sends a paid request again whose first try may have been done, with the same
    ``Idempotency-Key``; whether the service honours that key is not documented.
    """

    retries: int = 2
    backoff: float = 0.5
    max_backoff: float = 8.0
    max_retry_after: float = 60.0
    retry_ambiguous: bool = False


class Failure(NamedTuple):
    """What a failed try tells about the next: its kind, and the service's own word where it gave one."""

    kind: Kind
    retry_after: float | None = None
    should_retry: bool | None = None


def kind_of_status(status: int) -> Kind:
    """What a reply with `status` says of the work: not begun, perhaps done, or settled."""
    if status in _REFUSED:
        return "refused"
    return "ambiguous" if failed(status) else "final"


def failed(status: int) -> bool:
    """Whether a service that answers with `status` is not well; one that has no such thing (501) is."""
    return status >= 500 and status != 501


def delay(
    policy: RetryPolicy,
    failure: Failure,
    *,
    tries: int,
    repeatable: bool,
    left: float,
    chance: Callable[[], float],
) -> float | None:
    """Seconds to wait before the next try, or None where there is to be none.

    Args:
        tries: how many requests went out or were tried so far.
        repeatable: doing the work twice costs nothing (a GET).
        left: seconds until the call's deadline; a wait that would not fit is not begun.
        chance: a number from 0 to 1, for full jitter.
    """
    if tries > policy.retries or failure.should_retry is False:
        return None
    told = failure.should_retry is True
    if failure.kind == "final" and not told:
        return None
    if failure.kind == "ambiguous" and not (repeatable or policy.retry_ambiguous or told):
        return None
    if failure.retry_after is None:
        seconds = chance() * min(policy.max_backoff, policy.backoff * 2 ** (tries - 1))
    elif failure.retry_after > policy.max_retry_after:
        return None
    else:
        seconds = failure.retry_after * (1 + 0.1 * chance())  # those who were told the same time do not come at once
    return seconds if seconds < left else None


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until the service wants the next try: ``retry-after-ms``, or Retry-After as a number or an HTTP date
    measured against the reply's own Date. None for junk; never negative."""
    seconds = _number(headers.get("retry-after-ms"))
    if seconds is not None:
        return seconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return seconds
    try:
        then, now = parsedate_to_datetime(text or ""), parsedate_to_datetime(headers.get("date") or "")
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def read_should_retry(headers: Mapping[str, str]) -> bool | None:
    """The service's own word, ``x-should-retry``."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


def lasting(seconds: float) -> str:
    """A time to wait, as a person would say it."""
    return f"{seconds:,.0f} s" if seconds < 120 else f"{math.ceil(seconds / 60):,} min"


def _number(text: str | None) -> float | None:
    text = (text or "").strip()
    if not text.isascii() or "_" in text:  # float() takes more than a header may hold
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return min(max(0.0, seconds), _NEVER_S) if math.isfinite(seconds) else None


class Traffic:
    """What the calls to one host with one key share: a budget for retries, the pauses that the service asked for, and
    a breaker that gives a failing host two seconds of rest."""

    def __init__(self) -> None:
        self._budget = _BUDGET
        self._pauses: dict[str, tuple[float, float]] = {}
        self._failed_at: list[float] = []
        self._closed_until = 0.0
        self._probe_until = 0.0

    def began(self) -> None:
        """A call begins; every tenth earns a retry."""
        self._budget = min(_BUDGET, self._budget + 1)

    def take_retry(self) -> bool:
        """Whether a retry is within the budget: a tenth of the calls, and ten."""
        if self._budget < _RETRY:
            return False
        self._budget -= _RETRY
        return True

    def pause(self, scope: str, now: float, asked: float, longest: float) -> None:
        """No call in `scope` ("" is all of them) goes out for the `asked` seconds, or for `longest` if that is less:
        what a service says may be wrong, and it is asked again from time to time."""
        until = now + min(asked, longest)
        if until >= self._pauses.get(scope, (0.0, 0.0))[0]:
            self._pauses[scope] = (until, now + asked)

    def paused_for(self, scope: str, now: float) -> tuple[float, float]:
        """Seconds until the next call in `scope` may go out, and until the time that the service named: the same, or
        more where it named a time too far away to wait for. 0 where there is no pause."""
        if not self._pauses:
            return 0.0, 0.0
        self._forget(now)
        until, asked = max(self._pauses.get("", (now, now)), self._pauses.get(scope, (now, now)))
        return until - now, asked - now

    def pauses(self, now: float) -> dict[str, float]:
        """Seconds until the times that the service named, by scope."""
        self._forget(now)
        return {scope: asked - now for scope, (_, asked) in self._pauses.items()}

    def closed_for(self, now: float) -> float:
        """Seconds until the breaker lets a call through, 0 when it may go. After a rest, one call goes ahead of all
        others, and its outcome decides."""
        if not self._closed_until:
            return 0.0
        waits_for = max(self._closed_until, self._probe_until)
        if now < waits_for:
            return waits_for - now
        self._probe_until = now + _PROBE_S
        return 0.0

    def _forget(self, now: float) -> None:
        for scope in [scope for scope, (until, _) in self._pauses.items() if until <= now]:
            del self._pauses[scope]

    def failed(self, now: float) -> None:
        """The host could not be reached, or failed."""
        self._failed_at = [at for at in self._failed_at if now - at < _FAILURES_WITHIN_S][1 - _FAILURES_TO_OPEN :]
        self._failed_at.append(now)
        if self._closed_until or len(self._failed_at) == _FAILURES_TO_OPEN:
            self._closed_until, self._probe_until = now + _OPEN_S, 0.0

    def answered(self) -> None:
        """The host answered, with whatever it had to say."""
        self._failed_at = []
        self._closed_until = self._probe_until = 0.0

    def gave_up(self) -> None:
        """A call ended without telling anything of the host: the next may try it."""
        self._probe_until = 0.0
