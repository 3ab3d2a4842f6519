"""What the protocol's meta model says of a message, read from the classes that lsprotocol makes of it.

Stricter than an editor: nothing may stand in a message that the model does not know, nothing may be null that is only
allowed to be absent, and an open enumeration is still of its type. `tests/editors` asks TypeScript the same of the
types that the meta model itself is made from.
"""

from __future__ import annotations

import collections.abc
import enum
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from lsprotocol import types

_PROGRESS = {
    "begin": types.WorkDoneProgressBegin,
    "report": types.WorkDoneProgressReport,
    "end": types.WorkDoneProgressEnd,
}
_OF_A_SERVER = ("serverToClient", "both")


def faults(message: Any, asked: Mapping[int | str, str]) -> list[str]:
    """What is wrong with a message of the server; `asked` are the methods of the requests to it, by id."""
    return list(_message(message, asked))


def _message(message: Any, asked: Mapping[int | str, str]) -> Iterator[str]:
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        yield "not JSON-RPC 2.0"
        return
    if "method" in message:
        yield from _told(message)
        return
    if message.keys() not in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"}):
        yield f"an answer with {sorted(message)}"
        return
    id = message["id"]
    if "error" in message:
        yield from _value(message["error"], types.ResponseError, "error")
        if id is None and message["error"].get("code") not in (-32700, -32600):
            yield "an answer to nobody"
    elif id in asked:
        method = asked[id]
        wanted = _field(types.METHOD_TO_TYPES[method][1], "result").type
        yield from _value(message["result"], wanted, f"{method}.result")


def _told(message: dict[str, Any]) -> Iterator[str]:
    method: str = message["method"]
    params: Any = message.get("params")
    if message.keys() - {"id"} != {"jsonrpc", "method", "params"}:
        yield f"{method} with {sorted(message)}"
        return
    if method.startswith("theo/"):  # ours, for clients that say they know it
        return
    if method not in types.METHOD_TO_TYPES or types.message_direction(method) not in _OF_A_SERVER:
        yield f"{method} is no message of a server"
        return
    _, response, wanted, _ = types.METHOD_TO_TYPES[method]
    if (response is not None) != ("id" in message):
        yield f"{method} is a {'request' if response else 'notification'}"
    yield from _value(params, wanted, method)
    if method == "$/progress":
        value = params["value"]
        yield from _value(value, _PROGRESS[value["kind"]], f"{method}.value")


def _value(value: Any, wanted: Any, where: str) -> Iterator[str]:
    origin, options = typing.get_origin(wanted), typing.get_args(wanted)
    if wanted in (Any, object) or wanted == types.LSPAny:
        return
    if origin is typing.Union:
        yield from min(([*_value(value, option, where)] for option in options), key=len)
    elif origin is collections.abc.Sequence:
        if not isinstance(value, list):
            yield f"{where}: no list"
            return
        for number, each in enumerate(value):
            yield from _value(each, options[0], f"{where}[{number}]")
    elif origin is collections.abc.Mapping:
        if not isinstance(value, dict):
            yield f"{where}: no object"
            return
        for key, each in value.items():
            yield from _value(each, options[1], f"{where}.{key}")
    elif origin is typing.Literal:
        if value not in options:
            yield f"{where}: none of {options}"
    elif isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        if value not in [each.value for each in wanted]:
            yield f"{where}: no {wanted.__name__}"
    elif attrs.has(wanted):
        yield from _object(value, wanted, where)
    elif wanted is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{where}: no number"
    elif type(value) is not wanted:
        yield f"{where}: {type(value).__name__} instead of {wanted.__name__}"


def _object(value: Any, wanted: type, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: no {wanted.__name__}"
        return
    fields = _fields(wanted)
    for name in value.keys() - fields.keys():
        yield f"{where}: {wanted.__name__} has no {name}"
    for name, field in fields.items():
        kept = types.is_special_property(wanted, field.name)
        if name not in value:
            if field.default is attrs.NOTHING or kept:
                yield f"{where}: {wanted.__name__} without {name}"
        elif value[name] is None and field.default is None and not kept:
            yield f"{where}.{name}: null instead of absent"
        else:
            found = [*_value(value[name], field.type, f"{where}.{name}")]
            yield from found
            if not found and value[name] is not None and field.validator is not None:
                try:
                    field.validator(None, field, value[name])
                except (TypeError, ValueError) as error:
                    yield f"{where}.{name}: {error}"


@functools.cache
def _fields(wanted: type) -> dict[str, Any]:
    attrs.resolve_types(wanted, types.ALL_TYPES_MAP, {})
    return {_wire_name(field.name): field for field in attrs.fields(wanted)}


def _field(wanted: Any, name: str) -> Any:
    return _fields(wanted)[name]


def _wire_name(name: str) -> str:
    first, *others = name.rstrip("_").split("_")
    return first + "".join(other.capitalize() for other in others)
