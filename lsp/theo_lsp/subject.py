"""What an action is about that changes code as a whole: what is selected, or the definition around the cursor."""

from __future__ import annotations

from typing import Final

from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection, is_prose

MOST_LINES: Final = 500
"""More is no place to rewrite at once."""


def code_at(selection: Selection) -> Span | None:
    """The two or more lines of code that are selected, else the definition around the cursor."""
    if is_prose(selection.document.language):
        return None
    rows = selection.block if selection.is_cursor or not _is_much(selection) else selection.rows
    return selection.over(*rows) if rows and rows[1] - rows[0] < MOST_LINES else None


def _is_much(selection: Selection) -> bool:
    first, last = selection.rows
    coded = 0
    for row in range(first, min(last, first + MOST_LINES) + 1):
        coded += bool(selection.line(row).strip()) and selection.says(row) is None
        if coded == 2:
            return True
    return False


def paragraph_at(selection: Selection) -> Span | None:
    """The lines around the cursor, or in the selection, up to the next blank ones."""
    first, last = selection.rows
    if not selection.is_cursor:
        while first < last and not selection.line(first).strip():
            first += 1
        while last > first and not selection.line(last).strip():
            last -= 1
    else:
        while first > 0 and last - first < MOST_LINES and selection.line(first - 1).strip():
            first -= 1
        while last + 1 < len(selection.document.lines) and last - first < MOST_LINES and _goes_on(selection, last):
            last += 1
    span = selection.over(first, last)
    return span if last - first < MOST_LINES and span.of(selection.document.text).strip() else None


def _goes_on(selection: Selection, row: int) -> bool:
    return bool(selection.line(row).strip() and selection.line(row + 1).strip())
