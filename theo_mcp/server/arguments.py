"""Tool arguments: one pydantic model is the signature, the published schema and the validator.

Published schemas are flat, because one ``anyOf`` or ``$ref`` makes some hosts drop every tool; and a wrong argument is
answered with one sentence instead of a validator's report.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from theo_mcp.errors import InputError

ArgumentsT = TypeVar("ArgumentsT", bound="Arguments")
_ECHO = 60


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
        return arguments.model_validate(dict(raw))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # An unknown name explains a missing one better than the other way round.
        problem = next((found for found in problems if found["type"] == "extra_forbidden"), problems[0])
        raise _sentence(problem, arguments) from None


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
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            return InputError(
                f"There is no argument {name[:_ECHO]!r}.",
                hint=f"{hint}The arguments are: {', '.join(names) or 'none'}.",
            )
        case "literal_error":
            allowed = [str(choice).strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
            near = difflib.get_close_matches(str(given), allowed, n=1)
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
    if isinstance(given, bool | int | float):
        return str(given)[:_ECHO]
    if isinstance(given, str):
        return repr(given) if len(given) <= _ECHO and given.isprintable() else f"a string of {len(given):,} characters"
    return {"dict": "an object", "list": "an array"}.get(type(given).__name__, type(given).__name__)
