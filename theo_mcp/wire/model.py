"""What all wire models share: a request refuses what the documents do not know, a reply takes what comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticSerializationError, from_json

# All models here are built at their first use: a server that only lists its tools need not wait 15 ms for them.


class Request(BaseModel):
    """A request body. Unknown fields are refused here, because a service would ignore them without a word."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    def body(self) -> bytes:
        """The JSON to send: absent is absent, never null."""
        try:
            return self.model_dump_json(exclude_none=True, by_alias=True).encode()
        except PydanticSerializationError:  # a lone surrogate, from a shell argument that is not UTF-8
            return scrubbed(json.dumps(self.model_dump(exclude_none=True, by_alias=True), ensure_ascii=False)).encode()


class Reply(BaseModel):
    """A reply, or a part of one. Whatever can be read is kept: unknown fields stay, and a field of another type than
    documented takes its default instead of costing the caller a paid answer."""

    model_config = ConfigDict(
        extra="allow", frozen=True, populate_by_name=True, defer_build=True, coerce_numbers_to_str=True
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep_what_can_be_read(
        cls, value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
    ) -> object:
        try:
            return validate(value)
        except ValidationError:
            default = cls.model_fields[info.field_name or ""].get_default(call_default_factory=True)
            if isinstance(default, dict) and isinstance(value, dict):
                return {name: kept for name, item in value.items() for kept in _readable_named(name, item, validate)}
            if not isinstance(default, tuple):
                return default
            return tuple(kept for item in _items(value) for kept in _readable(item, validate))


def read_json(data: bytes | str, *, keep_halves: bool = False) -> object:
    """What JSON says. Lone surrogates, which JavaScript services send and strict parsers refuse, become U+FFFD; or they
    stay, for `theo_mcp.wire.pairs` to join them with their other half.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return from_json(data)
    except ValueError:
        text = data if isinstance(data, str) else data.decode("utf-8", "replace")
        if "\\ud" not in text.lower():
            raise
        try:
            read = json.loads(text)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        return read if keep_halves else scrubbed_json(read)


def scrubbed_json(value: Any) -> Any:
    """`value` without lone surrogates, names included.

    Raises:
        ValueError: it is nested too deeply.
    """
    if not value:
        return value
    try:
        return from_json(scrubbed(json.dumps(value, ensure_ascii=False)))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def alone(name: str) -> Callable[[object], object]:
    """Reads a part of a reply that came as its `name` alone, such as a tool that is only its name."""
    return lambda fields: {name: fields} if isinstance(fields, str) and fields else fields


def scrubbed(text: str) -> str:
    """`text` without lone surrogates, which cannot be encoded and would cost a whole message."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_of(value: object) -> str:
    """The text in whatever shape it comes, because it was paid for: a string, a list of parts, an object."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(text_of(part) for part in value)
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _items(value: object) -> list[object]:
    """The items of what should have been a list: one item or address alone, or an object that names the items."""
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        return list(value.values())
    if isinstance(value, dict) or (isinstance(value, str) and value.startswith(("https://", "http://"))):
        return [value]
    return value if isinstance(value, list) else []


def _readable(item: object, validate: ValidatorFunctionWrapHandler) -> list[object]:
    try:
        read = validate([item])
    except ValidationError:
        return []
    return list(read) if isinstance(read, list | tuple) else []


def _readable_named(name: object, item: object, validate: ValidatorFunctionWrapHandler) -> list[object]:
    try:
        read = validate({name: item})
    except ValidationError:
        return []
    return list(read.values()) if isinstance(read, dict) else []


class Check(Reply):
    """Whether a piece of code parses in its language, as far as this machine can tell."""

    language: str = ""
    status: Literal["parses", "fails", "not checked"] = "not checked"
    message: str = ""
    """Why it fails, with the line; or why it was not checked."""


class Extension(Reply):
    """Our own facts about an answer, for which the documents have no field: the key ``theo_mcp``."""

    backend: str = ""
    """``hosted`` or ``engine``: what answered."""
    engine: str = ""
    model: str = ""
    draft: bool = False
    """The small built-in model made it: check it before you use it."""
    notice: str = ""
    """What the caller should know, and how to get a better answer."""
    explanation: str = ""
    """What the model wrote around the code."""
    checks: tuple[Check, ...] = ()
    follow_ups: str = ""
    """``rule`` where follow-ups were made by rule, ``model`` where the model that answered was asked for them."""
    finish_reason: str = ""
    """``length`` where the answer was cut: at the longest that was allowed, or because the model repeated itself.
    ``tool_calls`` where it ends with calls that nobody here can carry out."""
    cost_cents: float | None = None
    """What an answer of GetCode's cost, whose documents have no field for it; None where the price is not known."""


class Extended(Reply):
    """A reply that may carry our extension key."""

    theo_mcp: Extension = Field(default_factory=Extension)

    @property
    def delivered(self) -> bool:
        """Whether it holds what was asked and paid for; an error beside that does not take it away."""
        return False
