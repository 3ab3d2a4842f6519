"""Answers as JSON: every documented field, and of the others those that say something."""

from __future__ import annotations

import json
from typing import Final

from pydantic_core import PydanticSerializationError, to_json

from theo_mcp.wire.events import Token
from theo_mcp.wire.model import Extension, Reply

_NULLABLE: Final = frozenset(
    {
        "completed_at",
        "conversation_id",
        "download_url",
        "error",
        "metadata",
        "next_cursor",
        "result",
        "size_bytes",
        "url",
    }
)
"""Fields that the documents show as null; any other is left out where it has no value."""
_WHEN_SO: Final = frozenset({"cached", "skills_active", "url_as_sent", "event"})
"""Fields that are there only when there is something to tell."""


def shown(answer: Reply, **more: object) -> bytes:
    """`answer` as the JSON of a reply, with the fields `more` where it has them empty."""
    return dumped(fields_of(answer) | more)


def dumped(value: object) -> bytes:
    """`value` as JSON that every parser takes: without infinities, and without halves of characters."""
    try:
        return to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def fields_of(answer: Reply) -> dict[str, object]:
    """The fields of `answer` by their names on the wire."""
    if isinstance(answer, Token):  # there are thousands of them
        return {"token": answer.token}
    told: dict[str, object] = {}
    for name, field in type(answer).model_fields.items():
        value = getattr(answer, name)
        if name == "event" or (not value and (name in _WHEN_SO or isinstance(answer, Extension))):
            continue
        if name in _NULLABLE and value in (None, ""):
            value = None
        elif value is None:
            continue
        told[field.alias or name] = _plain(value)
    for name, value in (answer.model_extra or {}).items():
        told.setdefault(name, _plain(value))
    if "theo_mcp" in told:  # ours comes after what is documented
        told["theo_mcp"] = told.pop("theo_mcp")
    return told


def _plain(value: object) -> object:
    if isinstance(value, Reply):
        return fields_of(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
