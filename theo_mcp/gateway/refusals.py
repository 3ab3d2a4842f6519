"""Every way in which the gateway says no: the documented status and code, in the envelope of the API that was asked.

The one table from what the backend raises to what a client reads. Neither a traceback nor a prompt gets through it, and
of what a model server says not more than a line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from theo_mcp import errors
from theo_mcp.secret import redact

if TYPE_CHECKING:
    from theo_mcp.backend import Api

_LINE: Final = 100
_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    501: "not_available_error",
}
_KEPT: Final = frozenset({"invalid_format", "image_engine_required", "missing_text", "missing_file", "empty_prompt"})
"""Codes of wrong input that the documents or the engine name beside ``validation_error``."""
_BUSY: Final = frozenset({"queue_unavailable", "sandbox_busy"})
_CLOSING: Final = frozenset({"closing", "not_open"})


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is a no. `headers` are its own, beside ``Retry-After``."""

    status: int
    code: str
    message: str
    retry_after: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, api: Api, request_id: str) -> bytes:
        """Its JSON, in the envelope of `api`."""
        if api == "getcode":
            return _json({"error": self.message})
        return _json(envelope(self, request_id))

    @property
    def wait(self) -> str | None:
        """The value of ``Retry-After``: whole seconds, at least one."""
        return None if self.retry_after is None else str(max(1, math.ceil(self.retry_after)))


def envelope(refusal: Refusal, request_id: str) -> dict[str, dict[str, str]]:
    """Theo's, which is OpenAI's as well."""
    kind = _TYPES.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "server_error")
    return {"error": {"message": refusal.message, "type": kind, "code": refusal.code, "request_id": request_id}}


def refusal_of(error: errors.TheoError, no_prompt: str = "validation_error") -> Refusal:
    """What `error` is to a client. `no_prompt` is the endpoint's word for a missing prompt."""
    said = _sentence(error)
    if error.code in _BUSY:
        return Refusal(503, "queue_unavailable", said, error.retry_after or 1.0)
    if error.code in _CLOSING:
        return closing()
    match error:
        case errors.InputError(code="missing_prompt"):
            return Refusal(400, no_prompt, said)
        case errors.InputError(code="image_engine_required") | errors.NotAvailableError(code="image_engine_required"):
            return Refusal(422, "image_engine_required", said)
        case errors.InputError():
            return Refusal(400, error.code if error.code in _KEPT else "validation_error", said)
        case errors.NotAvailableError(code="not_available_here"):  # whose hint speaks of hosted services
            return Refusal(501, "not_available_here", _safe(error.message))
        case errors.NotAvailableError():
            return Refusal(501, "not_available_here", said)
        case errors.BudgetError():
            return Refusal(402, "insufficient_credits", said)
        case errors.StoreError(retryable=True):
            return Refusal(503, "server_error", "Another program holds what this machine keeps between calls.", 1.0)
        case errors.StoreError():  # which names a path
            return Refusal(500, "server_error", "What this machine keeps between calls cannot be read or written.")
        case errors.APIError(status=None):
            return _own(error, said)
        case errors.RateLimitError():
            return Refusal(503, "queue_unavailable", "The model server takes no more.", error.retry_after or 1.0)
        case errors.TimeoutExceededError():
            return Refusal(504, "server_error", said)
        case errors.APIError() | errors.TransportError() | errors.StreamError():
            return Refusal(502, "server_error", said)
        case _:
            return Refusal(500, "server_error", said)


def failure() -> Refusal:
    """What is our own fault."""
    return Refusal(500, "server_error", "The gateway failed. Its log has the reason under this request's id.")


def not_allowed(endpoints: Iterable[str]) -> Refusal:
    """What a path says to a method that is none of its `endpoints`."""
    methods = sorted({*endpoints, *({"HEAD"} if "GET" in endpoints else set())})
    return Refusal(
        405, "bad_request", f"This path takes {' and '.join(methods)}.", headers={"allow": ", ".join(methods)}
    )


def closing() -> Refusal:
    """What a request gets that the gateway's end interrupts."""
    return Refusal(503, "server_error", "The gateway is being stopped.", 5.0)


def place_of(error: BaseException) -> dict[str, str]:
    """What and where it was; its text may hold a prompt."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else ""
    return {"error": type(error).__name__, "where": where}


def _own(error: errors.APIError, said: str) -> Refusal:
    """The engine's own word, which no server sent."""
    match error:
        case errors.NotFoundError():
            return Refusal(404, "not_found", said)
        case errors.CreditsError():
            return Refusal(402, "insufficient_credits", said)
        case errors.PermissionDeniedError():
            return Refusal(403, "missing_scope", said)
        case errors.RateLimitError():
            return Refusal(429, error.code, said, error.retry_after or 1.0)
        case errors.BadRequestError(code="conflict"):
            return Refusal(409, "conflict", said)
        case errors.BadRequestError():
            return Refusal(400, "bad_request", said)
        case _:
            return Refusal(500, "server_error", said)


def _sentence(error: errors.TheoError) -> str:
    upstream = isinstance(error, errors.APIError | errors.ModelError) and (error.status is not None or error.attempts)
    return _safe(_line(error.message) if upstream else str(error))


def _line(text: str) -> str:
    """The beginning of what a model server says, which may repeat what it was sent."""
    return text if len(text) <= _LINE else text[:_LINE] + "…"


def _safe(text: str) -> str:
    return redact(text).encode("utf-8", "replace").decode("utf-8")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
