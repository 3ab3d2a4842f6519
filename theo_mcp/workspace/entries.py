"""Reads a JSON object entry by entry, so that a remark on one of them can name its line; the json module forgets it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError

from pydantic import JsonValue


def _no_constant(name: str) -> JsonValue:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_SPACE = re.compile(r"[ \t\r\n]*+")


@dataclass(frozen=True)
class Entry:
    """A key of the outermost object, the line that it begins on, and its value."""

    key: str
    line: int
    value: JsonValue


def entries(text: str) -> Iterator[Entry]:
    """The entries of the object that `text` is, in their order; a key that comes twice is given twice.

    Raises:
        JSONDecodeError: it is no JSON object. Entries before the fault have been given by then.
    """
    at = _after(text, 0, "{", "a JSON object begins with {")
    line, counted = 1, 0
    closed = text[at : at + 1] == "}"
    while not closed:
        line += text.count("\n", counted, at)
        counted = at
        if text[at : at + 1] != '"':
            raise JSONDecodeError("a key in double quotes should stand here", text, at)
        key, at = _read(text, at)
        at = _after(text, at, ":", "a colon should stand here")
        value, at = _read(text, at)
        yield Entry(str(key), line, value)
        at = _skipped(text, at)
        closed = text[at : at + 1] == "}"
        if not closed:
            at = _after(text, at, ",", "a comma or } should stand here")
    at = _skipped(text, at + 1)
    if at < len(text):
        raise JSONDecodeError("nothing may follow the object", text, at)


def _read(text: str, at: int) -> tuple[JsonValue, int]:
    """The value that begins at `at`, and where it ends."""
    try:
        return _DECODER.raw_decode(text, at)
    except JSONDecodeError as error:  # its words differ between versions of Python
        raise JSONDecodeError("this is not JSON", text, error.pos) from None
    except RecursionError:
        raise JSONDecodeError("it is nested too deeply", text, at) from None
    except ValueError:  # a constant, or a number of thousands of digits
        raise JSONDecodeError("there is a number in it that JSON does not have", text, at) from None


def _after(text: str, at: int, mark: str, wanted: str) -> int:
    """The next place after `mark`, which stands at or after `at`."""
    at = _skipped(text, at)
    if text[at : at + 1] != mark:
        raise JSONDecodeError(wanted, text, at)
    return _skipped(text, at + 1)


def _skipped(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
