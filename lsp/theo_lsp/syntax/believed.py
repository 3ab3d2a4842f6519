"""What the child tells of a text, if it can be: a child that has met a hostile text is not believed."""

from __future__ import annotations

from collections.abc import Mapping

from theo_lsp.edits.places import Span
from theo_lsp.syntax.outline import Definition, Outline
from theo_mcp.errors import SandboxError


def outline(told: object, length: int) -> Outline:
    """The outline of a text of `length` characters.

    Raises:
        SandboxError: what was told is none.
    """
    try:
        if not isinstance(told, Mapping):
            raise TypeError
        definitions = _definitions(told["definitions"], length)
        return Outline(definitions, _spans(told["comments"], length), _spans(told["broken"], length))
    except (KeyError, ValueError, TypeError, IndexError):
        raise SandboxError("What was told of a document is no outline.", code="job_crashed") from None


def faults(told: object) -> int:
    """How many faults a text has.

    Raises:
        SandboxError: what was told is no number.
    """
    if type(told) is not int or told < 0:
        raise SandboxError("What was told of a document is no number of faults.", code="job_crashed")
    return told


def _definitions(rows: list[list[object]], length: int) -> tuple[Definition, ...]:
    """The tree of them: each row names the number of the one around it, which stands before it."""
    inside: list[list[Definition]] = [[] for _ in range(len(rows) + 1)]  # the last one: of those in none
    for number in range(len(rows) - 1, -1, -1):
        name, kind, start, end, documented, untyped, parent = rows[number]
        if not (isinstance(name, str) and isinstance(kind, str) and len(name) < 200 and len(kind) < 40):
            raise ValueError
        if not (isinstance(documented, bool | None) and isinstance(untyped, bool | None)):
            raise TypeError
        if type(parent) is not int or not -1 <= parent < number:
            raise ValueError
        first, last = (rows[parent][2], rows[parent][3]) if parent >= 0 else (0, length)
        if not (_ordered(first, start) and _ordered(start, end) and _ordered(end, last)):
            raise ValueError
        children = tuple(reversed(inside[number]))
        inside[parent].append(Definition(name, kind, _span(start, end), documented, untyped, children))
    return tuple(reversed(inside[-1]))


def _spans(offsets: list[object], length: int) -> tuple[Span, ...]:
    spans = tuple(_span(start, end) for start, end in zip(offsets[::2], offsets[1::2], strict=True))
    if any(not 0 <= span.start <= span.end <= length for span in spans):
        raise ValueError
    return spans


def _span(start: object, end: object) -> Span:
    if type(start) is not int or type(end) is not int:
        raise TypeError
    return Span(start, end)


def _ordered(one: object, other: object) -> bool:
    return type(one) is int and type(other) is int and one <= other
