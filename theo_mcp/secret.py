"""A key that cannot be printed by accident, and the filter that keeps keys out of logs and messages.

Every `Secret` made in this process is known to `redact`, so a service that echoes a key back in an error does not
bring it to the screen either.
"""

from __future__ import annotations

import hmac
import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

MASK = "***"
_SHORTEST_KNOWN = 8  # shorter values are placeholders ("ollama"), and masking them would garble ordinary text
_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:theo_sk|gc|sk)[_-][A-Za-z0-9_-]{12,}|(?<=Bearer )[^\s\"',;]{8,}")
_known: set[str] = set()


class Secret:
    """A string whose repr, str, format and pickle are ``***``; `reveal` is the only way to the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        if len(value) >= _SHORTEST_KNOWN:
            _known.add(value)

    def reveal(self) -> str:
        """The value itself: for a request header and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(_bytes(self), _bytes(other))

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            _secret, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def redact(text: str) -> str:
    """`text` with every known secret, and everything that looks like a key, as ``***``."""
    for value in sorted(_known, key=len, reverse=True):  # one may be the beginning of another
        if value in text:
            text = text.replace(value, MASK)
    return _LOOKS_LIKE_A_KEY.sub(MASK, text)


class RedactingFilter(logging.Filter):
    """Keeps keys out of log records: the message, its arguments and the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a log call with the wrong arguments is no reason to fail
            message = str(record.msg)
        record.msg = redact(message)
        record.args = None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


def _bytes(secret: Secret) -> bytes:
    return secret.reveal().encode("utf-8", "surrogatepass")


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    raise ValueError("should be a string")
