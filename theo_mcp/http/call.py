"""One logical call: its deadline, its tries, its idempotency key, and what may be tried again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from math import inf
from random import random
from time import monotonic
from typing import TypeAlias, TypeVar

import anyio

from theo_mcp import errors
from theo_mcp.http.library import Response, Wire
from theo_mcp.http.retry import Failure, Kind, RetryPolicy, Traffic, delay, failed, kind_of_status, lasting
from theo_mcp.http.silence import Silence
from theo_mcp.http.telemetry import Report
from theo_mcp.secret import redact

T = TypeVar("T")
Observe: TypeAlias = Callable[[str], None]

log = logging.getLogger("theo_mcp.http")
_SHOWN_PART = 40_000
_REPEATABLE = frozenset({"GET", "HEAD", "DELETE"})
_PER_ENDPOINT = "mode_rate_limit_exceeded"


@dataclass
class Call:
    """What all tries of one call share: `seconds` for all of them, which end at the monotonic time `until`."""

    service: str
    method: str
    path: str
    body: bytes | None = field(repr=False)
    seconds: float
    until: float
    policy: RetryPolicy
    traffic: Traffic
    report: Report
    billed: bool
    key: str | None
    limits_per_path: bool = False
    longest_pause: float | None = None
    limited: bool = True
    """Whether the key's rate limit is the call's: one that is sent without the key waits for no pause."""
    observe: Observe | None = None
    tries: int = 0
    sent: int = 0
    """How many requests went out, wholly or in part."""
    wire: Wire = field(default_factory=lambda: Wire(_nothing))
    """The try under way."""
    settled: bool = False
    """Whether that try was refused or answered with an error that says the work was not done."""
    received: list[bytes] = field(default_factory=list, repr=False)
    """What came of an answer's body."""
    should_retry: bool | None = None
    """The service's own word on the last try."""
    _ambiguous: bool = False
    _ends: float = inf
    _scope: anyio.CancelScope = field(default_factory=anyio.CancelScope, repr=False)
    _unconnected: Callable[[], errors.UnreachableError] | None = field(default=None, repr=False)

    def left(self) -> float:
        """Seconds until the deadline."""
        return self.until - monotonic()

    @property
    def may_be_done(self) -> bool:
        """Whether a try went out without a verdict: the work may have been done."""
        return self._ambiguous or (self.wire.sent and not self.settled)

    @property
    def _repeatable(self) -> bool:
        return self.method in _REPEATABLE or not self.billed

    def tell(self, phase: str) -> None:
        told(self.observe, phase)

    @property
    def after(self) -> str:
        """What to do next when no answer came: it depends on whether the work may have been done and billed."""
        if not self.may_be_done:
            return "Nothing was sent, so it is safe to call again."
        if not self._repeatable:
            return "The work may have been done and billed, so look before you call again."
        return "Call again."

    async def attempts(self, once: Callable[[], Awaitable[T]]) -> T:
        """Runs `once` until it answers, fails for good, or the deadline is there.

        Raises:
            TheoError: the last failure.
        """
        self.traffic.began()
        while True:
            self.tries += 1
            self._ends = inf if self.until == inf else anyio.current_time() + self.left()
            self._scope = anyio.CancelScope(deadline=self._ends)
            try:
                with self._scope:
                    await self._turn()
                    answer = await once()
                    self.traffic.answered()
                    return answer
                failure = self._out_of_time()
            except errors.TheoError as error:
                failure = error
            except BaseException:
                self.traffic.gave_up()
                raise
            seconds = self._again(failure)
            if seconds is None:
                raise failure
            await anyio.sleep(seconds)

    def connecting(self, seconds: float, failure: Callable[[], errors.UnreachableError]) -> None:
        """Ends the try with `failure` if nothing of it was sent in `seconds`. (It shares the scope of the deadline,
        because one more costs 6 µs a call.)"""
        self._unconnected = failure
        self._scope.deadline = min(self._ends, anyio.current_time() + seconds)

    def _out_of_time(self) -> errors.TheoError:
        if self._unconnected is not None and not self.wire.sent and self.left() > 0:
            return self._unconnected()
        return self._timed_out(f"did not answer within {self.seconds:g} s", "timeout_s")

    async def _turn(self) -> None:
        """Waits out a pause that the service asked for, if it ends before the deadline."""
        while self.limited and (paused := self.traffic.paused_for(self.path, monotonic()))[0] > 0:
            # Another call's 429 may prolong it.
            pause, asked = paused
            seconds = pause * (1 + 0.1 * random())  # noqa: S311 - so that those who wait do not come at once
            if asked > pause or pause > self.policy.max_retry_after or seconds >= self.left():
                which = f" of {self.path}" if self.limits_per_path else ""
                raise errors.RateLimitError(
                    f"{self.service} asked for a pause{which} that lasts another {lasting(asked)}.",
                    hint="That is longer than this call waits. Nothing was sent; call again after that.",
                    retry_after=asked,
                )
            self.tell(f"waiting {pause:.0f} s, as {self.service} asked")
            await anyio.sleep(seconds)
        rest = self.traffic.closed_for(monotonic())
        if rest > 0:
            raise errors.UnreachableError(
                f"{self.service} failed several times in a row, so nothing is sent to it for {rest:.1f} s.",
                code="circuit_open",
                hint="Call again after that.",
                retry_after=rest,
            )

    def _again(self, error: errors.TheoError) -> float | None:
        """Seconds until the next try, or None if `error` is what the call ends with."""
        kind = self._kind(error)
        self._ambiguous = self._ambiguous or kind == "ambiguous"
        now = monotonic()
        if error.code == "circuit_open":
            pass
        elif error.code == "too_many_calls":  # which says nothing of the host
            self.traffic.gave_up()
        elif isinstance(error, errors.UnreachableError) or failed(error.status or 0):
            self.traffic.failed(now)
        elif error.status is not None:
            self.traffic.answered()
        else:
            self.traffic.gave_up()
        error.maybe_billed = self._ambiguous and not self._repeatable
        error.retryable = kind in ("never sent", "refused") or (kind == "ambiguous" and self._repeatable)
        if error.maybe_billed and kind != "ambiguous":
            error.retryable = False
            error.hint = f"{error.hint} An earlier try may have been done and billed, so look before you call again."
        if error.status == 429 and error.retry_after is not None:
            scope = self.path if self.limits_per_path or error.code == _PER_ENDPOINT else ""
            longest = self.policy.max_retry_after if self.longest_pause is None else self.longest_pause
            self.traffic.pause(scope, now, error.retry_after, longest)
        failure = Failure(kind, error.retry_after, self.should_retry)
        seconds = delay(
            self.policy, failure, tries=self.tries, repeatable=self._repeatable, left=self.left(), chance=random
        )  # fmt: skip
        if seconds is None or not self.traffic.take_retry():
            return None
        self.report.waits(self.tries, error, seconds)
        self.tell(f"waiting {seconds:.1f} s to try again: {error.message}")
        return seconds

    def _kind(self, error: errors.TheoError) -> Kind:
        if isinstance(error, errors.APIError):
            if error.status is None:  # ours, in place of a request
                return "never sent"
            return kind_of_status(error.status) if error.status >= 400 else "final"
        if isinstance(error, errors.UnreachableError):
            return "never sent"
        if isinstance(error, errors.ConnectionLostError | errors.TimeoutExceededError):
            return "ambiguous" if self.wire.sent else "never sent"
        return "final"

    def _went_out(self) -> None:
        self._scope.deadline = self._ends
        self.tell("sent")

    def next_try(self) -> Wire:
        """Forgets what the last try came to."""
        self.wire, self.settled, self.should_retry, self.received = Wire(self._went_out), False, None, []
        return self.wire

    def first_byte(self, seconds: float) -> AbstractContextManager[None]:
        """Limits the time until a stream begins."""
        return self._within(seconds, f"did not begin to answer within {seconds:g} s", "first_byte_timeout_s")

    @contextmanager
    def watched(self, response: Response, idle: float) -> Iterator[Silence]:
        """Limits every wait for news from `response`, and the stream as a whole where the call has a deadline.

        Raises:
            TimeoutExceededError: the time is over.
        """
        silence = Silence(response, idle, self.until)
        try:
            yield silence
        except errors.TransportError:
            if not silence.over:
                raise
        finally:
            silence.stop()
        if silence.over:
            whole = monotonic() >= self.until
            what = f"did not finish within {self.seconds:g} s" if whole else f"sent nothing for {idle:g} s"
            raise self._timed_out(what, "the deadline of the call" if whole else "idle_timeout_s") from None

    @contextmanager
    def _within(self, seconds: float, what: str, setting: str) -> Iterator[None]:
        try:
            with anyio.fail_after(None if seconds == inf else seconds):
                yield
        except TimeoutError:
            raise self._timed_out(what, setting) from None

    def _timed_out(self, what: str, setting: str) -> errors.TimeoutExceededError:
        error = errors.TimeoutExceededError(
            f"{self.service} {what}.",
            hint=f"{self.after} The limit is {setting}.",
            retryable=self._repeatable or not self.may_be_done,
        )
        error.maybe_billed = not error.retryable
        return error

    def failed(self, error: BaseException) -> None:
        """Closes the report, and puts the number of requests into the error that ends the call. The library's own
        error is taken off it: its frames hold the key."""
        if isinstance(error, errors.TheoError):
            error.attempts = self.sent
            error.__context__ = error.__cause__ = None
            if self.key is not None and isinstance(error, errors.ConnectionLostError | errors.TimeoutExceededError):
                error.partial = error.partial or self._part()  # it may be paid for
        self.ended(error)

    def ended(self, error: BaseException | None = None) -> None:
        """Closes the report, and lets go of what holds the call: left in circles, calls cost a full collection each
        few thousand, and that is a tenth of a second for whoever waits."""
        self._unconnected = None
        self.wire.on_sent = _nothing
        self.report.end(self.sent, error)

    def _part(self) -> str:
        return redact(b"".join(self.received)[:_SHOWN_PART].decode("utf-8", "replace"))

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Closes the report when the call ends, however it does."""
        try:
            yield
        except BaseException as error:
            self.failed(error)
            raise
        else:
            self.ended()


def told(callback: Callable[[T], None] | None, news: T) -> None:
    """Tells a callback of the caller's. What it raises is logged: it must not cost an answer that is paid for."""
    if callback is not None:
        try:
            callback(news)
        except Exception:
            log.warning("A callback failed; the call goes on.", exc_info=True)


def _nothing() -> None:
    pass


def new_key() -> str:
    """An Idempotency-Key: 128 random bits."""
    return secrets.token_hex(16)
