"""What a call tells its surroundings: an OpenTelemetry span, two metrics, and log records. Never a body or a header.

Only OpenTelemetry's API is used: without an SDK in the process nothing is kept. The names are those of the GenAI
semantic conventions (in development; written out here because the package that held them calls them deprecated).
A span that opens here is a child of whatever span is current, such as the MCP server's.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from time import perf_counter
from typing import TYPE_CHECKING, ParamSpec
from urllib.parse import urlsplit

from theo_mcp import errors
from theo_mcp.http.envelope import word

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import Span

P = ParamSpec("P")
log = logging.getLogger("theo_mcp.http")
_SCOPE = "theo_mcp"
_ROUTE_PARTS = 4  # /api/v1/jobs, without the id behind it
_deprecated: set[str] = set()
_histograms: dict[str, Histogram] = {}


def _harmless(tell: Callable[P, None]) -> Callable[P, None]:
    """What an application's span processor or exporter raises must not cost an answer that is paid for."""

    @wraps(tell)
    def told(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            tell(*args, **kwargs)
        except Exception:
            log.warning("Telemetry failed; the call goes on.", exc_info=True)

    return told


class Report:
    """One logical call, from its first try to its last byte."""

    __slots__ = ("_facts", "_method", "_operation", "_route", "_span", "_started")

    def __init__(self, service: str, base_url: str, method: str, path: str, operation: str | None) -> None:
        self._started = perf_counter()
        self._operation = operation
        self._method = method
        self._route = _route(path)
        self._facts: dict[str, str | int] = {}
        self._span: Span | None = None
        if _is_listening():
            self._open(service, base_url)

    @_harmless
    def _open(self, service: str, base_url: str) -> None:
        from opentelemetry import trace

        parts = urlsplit(base_url)
        self._facts = {"gen_ai.provider.name": service.lower(), "server.address": parts.hostname or ""}
        if self._operation is not None:
            self._facts["gen_ai.operation.name"] = self._operation
        more: dict[str, str | int] = {
            "server.port": parts.port or (443 if parts.scheme == "https" else 80),
            "http.request.method": self._method,
            "url.template": self._route,
        }
        name = self._operation or f"{self._method} {self._route}"
        self._span = trace.get_tracer(_SCOPE).start_span(
            name, kind=trace.SpanKind.CLIENT, attributes={**self._facts, **more}
        )

    def first_chunk(self) -> None:
        """The first event of a stream came."""
        if self._span is not None:
            self._span.set_attribute("gen_ai.response.time_to_first_chunk", perf_counter() - self._started)

    def answered(self, answer: object) -> None:
        """Takes id, model, finish reason, tokens and cost from an answer, whatever it has of them."""
        if self._span is not None:
            self._answered(self._span, answer)

    @_harmless
    def _answered(self, span: Span, answer: object) -> None:
        usage = getattr(answer, "usage", None)
        model = getattr(getattr(answer, "model", None), "id", None) or getattr(answer, "model", None)
        if isinstance(model, str) and model:
            self._facts["gen_ai.response.model"] = model
        reason = getattr(getattr(answer, "theo_mcp", None), "finish_reason", None)
        told = {
            "gen_ai.response.id": getattr(answer, "id", None) or None,
            "gen_ai.response.model": self._facts.get("gen_ai.response.model"),
            "gen_ai.response.finish_reasons": (reason,) if reason else None,
            "gen_ai.conversation.id": getattr(answer, "conversation_id", None),
            "gen_ai.usage.input_tokens": getattr(usage, "prompt_tokens", None),
            "gen_ai.usage.output_tokens": getattr(usage, "completion_tokens", None),
            "theo.usage.cost_cents": getattr(usage, "cost_cents", None),
            "theo.usage.tokens": getattr(answer, "tokens_used", None),
        }
        span.set_attributes({name: value for name, value in told.items() if value is not None})
        for kind in ("input", "output"):
            if isinstance(count := told[f"gen_ai.usage.{kind}_tokens"], int):
                self._measure("gen_ai.client.token.usage", "{token}", count, {"gen_ai.token.type": kind})

    def tried(self, attempt: int, headers: Mapping[str, str], status: int, seconds: float) -> None:
        """One request was answered. A word of deprecation from the service is passed on once."""
        if log.isEnabledFor(logging.INFO):
            told = {
                "request_id": word(headers.get("x-request-id")),
                "api_version": word(headers.get("theo-api-version")),
                "bytes": word(headers.get("content-length")),
            }
            self._log(logging.INFO, "response", attempt, status=status, elapsed_ms=_ms(seconds), **told)
        notice = headers.get("theo-deprecation")
        if notice is not None and self._route not in _deprecated:
            _deprecated.add(self._route)
            self._log(logging.WARNING, "deprecated", attempt, status=status)

    def waits(self, attempt: int, error: errors.TheoError, seconds: float) -> None:
        """A try failed, and the next comes in `seconds`."""
        self._log(logging.INFO, "retry", attempt, status=error.status, code=error.code, retry_in_ms=_ms(seconds))

    def end(self, attempts: int, error: BaseException | None = None) -> None:
        """The call is over."""
        seconds = perf_counter() - self._started
        kind = None if error is None else error.code if isinstance(error, errors.TheoError) else "cancelled"
        status = error.status if isinstance(error, errors.TheoError) else None
        if self._span is not None:
            self._close(self._span, attempts, seconds, kind, status)
        if kind is not None:
            self._log(logging.INFO, "failed", attempts, status=status, code=kind, elapsed_ms=_ms(seconds))

    @_harmless
    def _close(self, span: Span, attempts: int, seconds: float, kind: str | None, status: int | None) -> None:
        span.set_attribute("http.request.resend_count", max(0, attempts - 1))
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if kind is not None:
            from opentelemetry.trace import Status, StatusCode

            self._facts["error.type"] = kind
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR))
        if self._operation is not None:
            self._measure("gen_ai.client.operation.duration", "s", seconds, {})
        span.end()

    def _measure(self, name: str, unit: str, value: float, more: Mapping[str, str]) -> None:
        histogram = _histograms.get(name)
        if histogram is None:
            from opentelemetry import metrics

            histogram = _histograms[name] = metrics.get_meter(_SCOPE).create_histogram(name, unit)
        histogram.record(value, {**self._facts, **more})

    def _log(self, level: int, event: str, attempt: int, **facts: object) -> None:
        if not log.isEnabledFor(level):
            return
        known = {"event": event, "method": self._method, "path": self._route, "attempt": attempt, **facts}
        if self._span is not None:
            known["trace_id"] = f"{self._span.get_span_context().trace_id:032x}"
        told = {name: value for name, value in known.items() if value is not None}
        log.log(level, "%s %s: %s", self._method, self._route, event, extra={"facts": told})


def _is_listening() -> bool:
    """Whether an application has set up OpenTelemetry; importing its API (15 ms) sets up nothing."""
    trace = sys.modules.get("opentelemetry.trace")
    return trace is not None and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@lru_cache(maxsize=256)
def _route(path: str) -> str:
    return "/".join(path.partition("?")[0].split("/")[:_ROUTE_PARTS])


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
