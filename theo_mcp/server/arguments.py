"""Tool arguments: one pydantic model is the signature, the published schema and the validator.

Published schemas are flat, because one ``anyOf`` or ``$ref`` makes some hosts drop every tool; and a wrong argument is
answered with one sentence instead of a validator's report.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from theo_mcp.errors import InputError

ArgumentsT = TypeVar("ArgumentsT", bound="Arguments")
_ECHO = 60
_TEXTS: Final = frozenset({"prompt", "original_prompt", "persona", "tools", "metadata", "file_data"})
"""May be long and hold anything: a log with its colours can be a prompt. What is said of the others is for a name."""
_LONGEST_NAME: Final = 4_096
_LONGEST_TEXT: Final = 200_000
_CHECKED_LATER: Final = frozenset({"prompt", "file_data"})  # they have limits and sentences of their own
_MOST_ITEMS: Final = 100


class Arguments(BaseModel):
    """The base of every tool's arguments. An optional one has the default None, which also stands for null."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def schema(arguments: type[Arguments]) -> dict[str, JsonValue]:
    """The JSON Schema to publish: an object of plain values, optional meaning absent."""
    full: dict[str, Any] = arguments.model_json_schema()
    properties: dict[str, JsonValue] = {}
    for name, made in full.get("properties", {}).items():
        options = [option for option in made.get("anyOf", [made]) if option.get("type") != "null"]
        if len(options) != 1 or "$ref" in options[0]:
            raise TypeError(f"{arguments.__name__}.{name} is not flat")
        kept = {key: value for key, value in options[0].items() if key not in ("title", "default")}
        if made.get("default") is not None:
            kept["default"] = made["default"]
        properties[name] = {**kept, "description": made["description"]}
    return {
        "type": "object",
        "properties": properties,
        "required": full.get("required", []),
        "additionalProperties": False,
    }


def parse(arguments: type[ArgumentsT], raw: Mapping[str, object]) -> ArgumentsT:
    """`raw` as checked arguments.

    Raises:
        InputError: something is wrong with them: the first thing, in one sentence.
    """
    try:
        parsed = arguments.model_validate({name: _whole(value) for name, value in raw.items()})
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # An unknown name explains a missing one better than the other way round.
        problem = next((found for found in problems if found["type"] == "extra_forbidden"), problems[0])
        raise _sentence(problem, arguments) from None
    for name, value in parsed:
        _check(name, value, arguments.model_fields[name].description or "")
    return parsed


def _whole(value: object) -> object:
    """A whole number as one: hosts that know only one kind of number write 2 as 2.0, and JSON Schema takes that."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _check(name: str, value: object, description: str) -> None:
    """Refuses what no text can be, whatever tool it is for.

    Raises:
        InputError: a text is blank or too long, or a name has a control character in it; or a list is too long.
    """
    if isinstance(value, list):
        if len(value) > _MOST_ITEMS:
            raise InputError(f"The argument {name!r} has {len(value):,} items, and {_MOST_ITEMS} are the most.")
        for number, item in enumerate(value):
            _check_text(f"{name}.{number}", item, description, name in _TEXTS)
    elif isinstance(value, str) and name not in _CHECKED_LATER:
        _check_text(name, value, description, name in _TEXTS)


def _check_text(name: str, text: str, description: str, free: bool) -> None:
    longest = _LONGEST_TEXT if free else _LONGEST_NAME
    if not text.strip():
        raise InputError(f"The argument {name!r} is empty.", hint=description)
    if len(text) > longest:
        raise InputError(f"The argument {name!r} has {len(text):,} characters, and {longest:,} are the most.")
    if not free and any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise InputError(f"The argument {name!r} has a control character in it.", hint=description)


def _sentence(problem: ErrorDetails, arguments: type[Arguments]) -> InputError:
    name = ".".join(str(part) for part in problem["loc"])
    given = problem["input"]
    context = problem.get("ctx", {})
    names = list(arguments.model_fields)
    description = field.description or "" if (field := arguments.model_fields.get(str(problem["loc"][0]))) else ""
    match problem["type"]:
        case "missing":
            return InputError(f"The argument {name!r} is missing.", code=_code(name), hint=description)
        case "extra_forbidden":
            near = difflib.get_close_matches(name[:_ECHO], names, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            return InputError(
                f"There is no argument {name[:_ECHO]!r}.",
                hint=f"{hint}The arguments are: {', '.join(names) or 'none'}.",
            )
        case "literal_error":
            allowed = [str(choice).strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
            near = difflib.get_close_matches(given[:_ECHO], allowed, n=1) if isinstance(given, str) else []
            hint = f"Did you mean {near[0]!r}? " if near else ""
            return InputError(
                f"The argument {name!r} is {_shown(given)}, which is not one of its values.",
                hint=f"{hint}The values are: {', '.join(allowed)}.",
            )
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            limit = next(iter(context.values()))
            word = "at least" if "greater" in problem["type"] else "at most"
            return InputError(
                f"The argument {name!r} is {_shown(given)}; it should be {word} {limit}.", hint=description
            )
        case "value_error":
            return InputError(f"The argument {name!r} {context['error']}.", hint=description)
        case _:
            wanted = problem["msg"].removeprefix("Input ").removeprefix("should be ")
            return InputError(f"The argument {name!r} is {_shown(given)}; it should be {wanted}.", hint=description)


def _code(name: str) -> str:
    return "missing_prompt" if name == "prompt" else "validation_error"


def _shown(given: object) -> str:
    """What came, short and without its content where that could be long or private."""
    if given is None:
        return "null"
    if isinstance(given, int) and abs(given) >= 10**_ECHO:
        return "a number of many digits"
    if isinstance(given, bool | int | float):
        return str(given)
    if isinstance(given, str):
        return repr(given) if len(given) <= _ECHO and given.isprintable() else f"a string of {len(given):,} characters"
    return {"dict": "an object", "list": "an array"}.get(type(given).__name__, type(given).__name__)
