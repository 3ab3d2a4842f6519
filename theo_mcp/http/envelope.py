"""One parser for every shape of error that the two services send, and the one table from status to error."""

from __future__ import annotations

import json
import re

from theo_mcp import errors
from theo_mcp.secret import redact

_BY_STATUS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.CreditsError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.BadRequestError,
    413: errors.BadRequestError,
    422: errors.BadRequestError,
    429: errors.RateLimitError,
}
_HINTS: dict[int, str] = {
    401: "Check the key: `theo-mcp config show --origin` names its source.",
    402: "Add credits to the account, or raise its cap, and call again.",
    403: "Give the key the scope that this call needs, or use another key.",
    408: "The service gave up waiting for the request and did nothing; call again.",
    425: "The service did nothing yet; call again.",
    429: "Wait before the next call; trying at once only extends the limit.",
    501: "The service does not have this, and did nothing.",
    503: "The service takes no requests at the moment and did nothing; call again later.",
    500: "The service failed; the work may have been done and billed, so look before you call again.",
}
_MAX_TEXT = 500
_WORD = re.compile(r"[\w.:-]{1,80}", re.ASCII)


def error_from(status: int, body: bytes, *, request_id: str | None, retry_after: float | None) -> errors.APIError:
    """The typed error of a reply whose status says that it failed; `request_id` is the header's, used if the body has
    none."""
    message, code, body_id = parse(body)
    hint = _HINTS.get(status) or (_HINTS[500] if status >= 500 else "")
    if retry_after is not None and status in (429, 503):
        hint = f"Come back in {retry_after:,.0f} s. {hint}"
    kind = _BY_STATUS.get(status, errors.ServiceError)
    return kind(
        message or f"The service answered with status {status} and no reason.",
        code=code,
        hint=hint,
        retry_after=retry_after,
        status=status,
        request_id=body_id or request_id,
    )


def parse(body: bytes) -> tuple[str, str | None, str | None]:
    """(message, code, request id) of an error body: Theo's object, GetCode's string, or whatever an edge sent."""
    text = body.decode("utf-8", "replace")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return _sentence(_without_markup(text)), None, None
    if not isinstance(fields, dict):
        return _sentence(text), None, None
    error = fields.get("error", fields)
    if isinstance(error, str):
        return _sentence(error), None, word(fields.get("request_id"))
    if not isinstance(error, dict):
        error = fields
    message = _string(error.get("message")) or _detail(error.get("detail")) or _string(fields.get("message")) or ""
    return _sentence(message), word(error.get("code")) or word(error.get("type")), word(error.get("request_id"))


def _sentence(text: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    text = redact(" ".join(printable.split()))
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    return text if not text or text[-1] in ".!?…" else text + "."


def _without_markup(text: str) -> str:
    """An edge's HTML page says its reason in the title, if anywhere."""
    lowered = text.lower()
    start, end = lowered.find("<title>"), lowered.find("</title>")
    if 0 <= start < end:
        return text[start + len("<title>") : end]
    return "" if "<html" in lowered else text


def word(value: object) -> str | None:
    """`value` if it is a code or an id that can be shown; anything else that a server sends there is dropped."""
    return redact(value) if isinstance(value, str) and _WORD.fullmatch(value) else None


def _detail(value: object) -> str | None:
    """FastAPI's reason: a string, or a list of places with a message each."""
    if not isinstance(value, list):
        return _string(value)
    said = []
    for item in value[:3]:
        if isinstance(item, dict):
            place = item.get("loc")
            where = ".".join(str(part) for part in place) if isinstance(place, list) else ""
            said.append(": ".join(part for part in (where, str(item.get("msg") or "")) if part))
    return "; ".join(said) or None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
