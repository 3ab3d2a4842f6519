"""A request's body: read whole within limits of size and time, understood as JSON, with what it cannot be refused.

The documents ignore unknown fields and take null for absent, so both are dropped here; the wire models refuse them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final, TypeVar

import anyio
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from theo_mcp.gateway.refusals import Refusal
from theo_mcp.wire.model import Request, read_json

RequestT = TypeVar("RequestT", bound=Request)
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

BODY_BYTES: Final = 2 * 2**20
UPLOAD_BYTES: Final = 30 * 2**20
_DEPTH: Final = 64
_SKIMMED_BYTES: Final = 64 * 2**20  # a client sees the refusal of a large body once it is sent, not a broken pipe
_SKIMMED_S: Final = 5.0
_JSON_TYPES: Final = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_WHERE: Final = re.compile(r"line \d+ column \d+")
_BOM: Final = b"\xef\xbb\xbf"
_CLOSE: Final = {"connection": "close"}
_NAMED: Final = 60


class Gone(Exception):  # noqa: N818 - it is no error
    """The client closed the connection."""


async def read(receive: Receive, headers: Mapping[str, str], most: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        Refusal: it has more than `most` bytes, is not there in time, or is not sent as JSON.
        Gone: the client left.
    """
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        if "expect" not in headers:
            await _skim(receive)
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    with anyio.move_on_after(seconds):
        while True:
            chunk, more = await _chunk(receive)
            size += len(chunk)
            if size > most:
                await _skim(receive)
                raise _too_large(most)
            chunks.append(chunk)
            if not more:
                break
        body = b"".join(chunks)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(400, "validation_error", "The body is compressed (Content-Encoding): send it as it is.")
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if kind and not _JSON_TYPES.fullmatch(kind):
            raise Refusal(400, "validation_error", "The body is JSON: send it with Content-Type: application/json.")
        return body
    raise Refusal(408, "request_timeout", f"The body did not come within {seconds:g} seconds.", headers=_CLOSE)


def fields_of(body: bytes) -> dict[str, object]:
    """The fields of the JSON object in `body`, without those that are null.

    Raises:
        Refusal: it is not a JSON object, or nested too deeply.
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise Refusal(400, "validation_error", "The body is empty: send a JSON object.")
    try:
        fields = read_json(body)
    except ValueError as error:
        if "recursion" in str(error) or "nested" in str(error):
            raise _too_deep() from None
        where = _WHERE.search(str(error))
        said = f" ({where[0]})" if where else ""
        raise Refusal(400, "validation_error", f"The body is not valid JSON{said}.") from None
    if not isinstance(fields, dict):
        raise Refusal(400, "validation_error", "The body is JSON, but not an object.")
    _check(fields)
    return {name: value for name, value in fields.items() if value is not None}


def request_of(model: type[RequestT], fields: Mapping[str, object], no_prompt: str = "validation_error") -> RequestT:
    """The request in `fields`; what `model` does not know is ignored at every depth.

    Raises:
        Refusal: a field is missing or wrong; `no_prompt` is the code for a missing prompt.
    """
    try:
        return model.model_validate(fields, extra="ignore")
    except ValidationError as error:
        raise _wrong(error.errors(include_url=False, include_context=False, include_input=False), no_prompt) from None


def _wrong(problems: list[ErrorDetails], no_prompt: str) -> Refusal:
    missing = [problem for problem in problems if problem["type"] == "missing" and problem["loc"] == ("prompt",)]
    if missing:
        return Refusal(400, no_prompt, "The prompt is missing.")
    problem = problems[0]
    place = ".".join(str(part) for part in problem["loc"] if isinstance(part, int) or str(part).isidentifier())
    said = problem["msg"].removeprefix("Value error, ")
    said = said[0].lower() + said[1:].removesuffix(".")
    named = place[:_NAMED] or "The body"
    what = "is missing" if problem["type"] == "missing" else f"is not usable: {said}"
    return Refusal(400, "validation_error", f"{named} {what}.")


async def _chunk(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    return message.get("body", b""), bool(message.get("more_body"))


async def _skim(receive: Receive) -> None:
    """Reads on and forgets, for as long as that is no burden."""
    skimmed = 0
    with anyio.move_on_after(_SKIMMED_S):
        while skimmed < _SKIMMED_BYTES:
            chunk, more = await _chunk(receive)
            skimmed += len(chunk)
            if not more:
                return


def _check(fields: object) -> None:
    """Looks at every level, without recursion.

    Raises:
        Refusal: there are too many, or a number is too large for JSON.
    """
    level: list[object] = [fields]
    for _ in range(_DEPTH):
        below: list[object] = []
        for each in level:
            below += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        if any(isinstance(each, float) and not math.isfinite(each) for each in below):
            raise Refusal(400, "validation_error", "The body has a number that is too large, or none.")
        level = [each for each in below if isinstance(each, dict | list)]
        if not level:
            return
    raise _too_deep()


def _too_large(most: int) -> Refusal:
    return Refusal(413, "validation_error", f"The body has more than {most // 2**20} MiB.", headers=_CLOSE)


def _too_deep() -> Refusal:
    return Refusal(400, "validation_error", f"The body is nested deeper than {_DEPTH} levels.")
