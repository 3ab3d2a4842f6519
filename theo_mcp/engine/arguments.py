"""Whether the arguments of a call are what the tool's schema asks for, as far as a model can be told what to change.

Known are type, enum, const, required, properties, additionalProperties, items, and the limits of numbers and lengths.
What else a schema says is for the tool itself to check: a pattern from a stranger could take for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
_DEEPEST: Final = 12
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_KEPT: Final = ("type", "enum", "maxLength", "minimum", "maximum", "minItems", "maxItems")


def problem(value: JsonValue, schema: Schema, place: str = "", depth: int = 0) -> str:
    """What is wrong with `value`, as the rest of a sentence that begins with its place; empty if nothing is."""
    here = place or "The whole"
    kinds = _kinds(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{here} should be of the type {' or '.join(kinds)}"
    allowed = schema.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        return f"{here} should be one of {', '.join(map(str, allowed))[:200]}"
    if "const" in schema and value != schema["const"]:
        return f"{here} should be {str(schema['const'])[:100]}"
    if found := _beyond(value, schema):
        return f"{here} is {found}"
    if depth < _DEEPEST and isinstance(value, dict):
        return _in_object(value, schema, place, depth)
    items = schema.get("items")
    if depth < _DEEPEST and isinstance(value, list) and isinstance(items, dict):
        problems = (problem(item, items, f"{here}[{number}]", depth + 1) for number, item in enumerate(value))
        return next(filter(None, problems), "")
    return ""


def plain(schema: JsonValue, depth: int = 0) -> dict[str, JsonValue]:
    """`schema` in the words that every server with structured output knows; what it says beyond them is left out."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {}
    kept: dict[str, JsonValue] = {name: schema[name] for name in _KEPT if name in schema}
    properties = schema.get("properties")
    if isinstance(properties, dict):
        kept["properties"] = {name: plain(each, depth + 1) for name, each in properties.items()}
    required = schema.get("required")
    if isinstance(required, list):
        kept["required"] = required
    if isinstance(items := schema.get("items"), dict):
        kept["items"] = plain(items, depth + 1)
    return kept


def _beyond(value: JsonValue, schema: Schema) -> str:
    """Which limit `value` is beyond."""
    size: float
    match value:
        case bool():
            return ""
        case int() | float():
            size, least, most = value, "minimum", "maximum"
        case str():
            size, least, most = len(value), "minLength", "maxLength"
        case list():
            size, least, most = len(value), "minItems", "maxItems"
        case _:
            return ""
    low, high = schema.get(least), schema.get(most)
    if isinstance(low, int | float) and size < low:
        return f"below the {least} {low}"
    return f"above the {most} {high}" if isinstance(high, int | float) and size > high else ""


def _in_object(value: dict[str, JsonValue], schema: Schema, place: str, depth: int) -> str:
    properties = schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    for name in required if isinstance(required, list) else []:
        if isinstance(name, str) and name not in value:
            return f"{_at(place, name)} is missing"
    for name, item in value.items():
        inner = known.get(name)
        if isinstance(inner, dict):
            if found := problem(item, inner, _at(place, name), depth + 1):
                return found
        elif name not in known and schema.get("additionalProperties") is False:
            return f"{_at(place, name)[:100]} is not known; there are {', '.join(known)[:200] or 'no arguments'}"
    return ""


def _kinds(schema: Schema) -> list[str]:
    said = schema.get("type")
    return [kind for kind in (said if isinstance(said, list) else [said]) if isinstance(kind, str) and kind in _TYPES]


def _is(value: JsonValue, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
