"""Says what of an answer is not as documented: a small language for the shapes of JSON.

A shape is a function from a value to the problems that it sees, each with the path of the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

Problems = list[str]
Shape = Callable[[object, str], Problems]


def text(value: object, path: str) -> Problems:
    """A string that is not empty."""
    return [] if isinstance(value, str) and value else [f"{path}: {_said(value)} is no text"]


def string(value: object, path: str) -> Problems:
    """A string, which may be empty."""
    return [] if isinstance(value, str) else [f"{path}: {_said(value)} is no string"]


def whole(value: object, path: str) -> Problems:
    """A whole number, zero or more."""
    fine = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return [] if fine else [f"{path}: {_said(value)} is no count"]


def number(value: object, path: str) -> Problems:
    """A number, zero or more."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return [] if fine else [f"{path}: {_said(value)} is no number"]


def boolean(value: object, path: str) -> Problems:
    return [] if isinstance(value, bool) else [f"{path}: {_said(value)} is neither true nor false"]


def anything(value: object, path: str) -> Problems:
    return []


def time(value: object, path: str) -> Problems:
    """A time as ISO 8601 with a zone."""
    try:
        fine = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        fine = False
    return [] if fine else [f"{path}: {_said(value)} is no ISO 8601 time with a zone"]


def exactly(*wanted: object) -> Shape:
    """One of these values."""
    return lambda value, path: [] if value in wanted else [f"{path}: {_said(value)} is none of {wanted}"]


def matching(pattern: str) -> Shape:
    """A string that is all of `pattern`."""

    def check(value: object, path: str) -> Problems:
        fine = isinstance(value, str) and re.fullmatch(pattern, value, re.S)
        return [] if fine else [f"{path}: {_said(value)} does not match {pattern}"]

    return check


def holding(needle: str) -> Shape:
    """A string that holds `needle`."""
    return lambda value, path: [] if isinstance(value, str) and needle in value else [f"{path}: {needle!r} is missing"]


def nothing_or(shape: Shape) -> Shape:
    """Null, or of `shape`."""
    return lambda value, path: [] if value is None else shape(value, path)


def list_of(shape: Shape, *, least: int = 0) -> Shape:
    """A list of at least so many items, each of `shape`."""

    def check(value: object, path: str) -> Problems:
        if not isinstance(value, list):
            return [f"{path}: {_said(value)} is no list"]
        found = [problem for index, item in enumerate(value) for problem in shape(item, f"{path}[{index}]")]
        return found if len(value) >= least else [f"{path}: {len(value)} items, {least} or more are wanted", *found]

    return check


def named(shape: Shape) -> Shape:
    """An object with whatever names, each value of `shape`."""

    def check(value: object, path: str) -> Problems:
        if not isinstance(value, dict):
            return [f"{path}: {_said(value)} is no object"]
        return [problem for name, item in value.items() for problem in shape(item, f"{path}.{name}")]

    return check


def fields(wanted: Mapping[str, Shape], **optional: Shape) -> Shape:
    """An object with all of `wanted`; what is `optional` has its shape where it is there. Others may be there too."""

    def check(value: object, path: str) -> Problems:
        if not isinstance(value, dict):
            return [f"{path}: {_said(value)} is no object"]
        found: Problems = []
        for name, shape in wanted.items():
            found += shape(value[name], f"{path}.{name}") if name in value else [f"{path}.{name}: missing"]
        for name, shape in optional.items():
            found += shape(value[name], f"{path}.{name}") if name in value else []
        return found

    return check


def _said(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 60 else said[:60] + "…"
