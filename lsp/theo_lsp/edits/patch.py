"""Applies a diff as models write them: line numbers wrong, context shifted or without its space, headers missing; and
blocks of what to search and what to put there, between the marks of a merge conflict.

A hunk goes where its old lines are, and only there: lines that are nowhere, or at several places with nothing to tell
them apart, make the whole diff unusable. Nothing is placed by its line number alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from theo_lsp.edits.indent import margin

_RANGE: Final = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@")
_SWAP: Final = re.compile(r"^<{5,9} .*\n((?:(?!={5,9}$).*\n)*)={5,9}\n((?:(?!>{5,9}).*\n)*)>{5,9}", re.MULTILINE)
_HEADER: Final = re.compile(r"(?:diff |index |new file|deleted file|old mode|new mode|similarity |rename )")
_SAME: Final[tuple[Callable[[str], str], ...]] = (str, str.rstrip, str.strip)
_MOST_PLACES: Final = 1000
_NO_NEWLINE: Final = "\\ No newline"


@dataclass(frozen=True)
class Hunk:
    """Lines with their mark (space, plus, minus); `hint` is the line that the header names, from 0, or -1."""

    rows: tuple[tuple[str, str], ...]
    hint: int = -1

    @property
    def old(self) -> list[str]:
        return [line for mark, line in self.rows if mark != "+"]


@dataclass(frozen=True)
class Patched:
    """The lines after a diff, and which of the old ones it touched: the first, and the one behind the last."""

    lines: list[str]
    first: int
    end: int


def hunks_of(diff: str, file: str = "") -> list[Hunk]:
    """The hunks of `diff`; of several files, those for `file`."""
    if swaps := _SWAP.findall(diff):
        return [Hunk((*_rows("-", old), *_rows("+", new))) for old, new in swaps]
    sections: list[tuple[str, list[Hunk]]] = [("", [])]
    rows: list[tuple[str, str]] = []
    hint = -1

    def end_hunk() -> None:
        while rows and rows[-1] == (" ", ""):
            rows.pop()
        if any(mark != " " for mark, _ in rows):
            sections[-1][1].append(Hunk(tuple(rows), hint))
        rows.clear()

    lines = diff.split("\n")
    skipped = False
    for number, line in enumerate(lines):
        if skipped:
            skipped = False
        elif line.startswith("--- ") and lines[number + 1 : number + 2] and lines[number + 1].startswith("+++ "):
            end_hunk()
            sections.append((_name(lines[number + 1][4:]) or _name(line[4:]), []))
            skipped, hint = True, -1
        elif line.startswith("@@"):
            end_hunk()
            found = _RANGE.match(line)
            hint = int(found[1]) - 1 if found else -1
        elif (_HEADER.match(line) and not rows) or line.startswith(_NO_NEWLINE):
            continue
        elif line[:1] in ("+", "-", " "):
            rows.append((line[0], line[1:]))
        else:
            rows.append((" ", line))  # the space before it was forgotten
    end_hunk()
    named = [section for section in sections if section[1]]
    name = PurePosixPath(file.replace("\\", "/")).name
    here = [section for section in named if section[0] == name]
    if name and here:
        named = here
    elif len({section[0] for section in named}) > 1:
        return []
    return [hunk for _, hunks in named for hunk in hunks]


def patched(lines: Sequence[str], hunks: Sequence[Hunk], within: tuple[int, int]) -> Patched | None:
    """`lines`, without their endings, after `hunks`; those in `within` come first where the old lines stand twice."""
    indexes = [_index(lines, same) for same in _SAME]
    placed: list[tuple[int, Hunk]] = []
    for hunk in hunks:
        at = _where(indexes, lines, hunk, within)
        if at is None:
            return None
        placed.append((at, hunk))
    placed.sort(key=lambda item: item[0])
    result: list[str] = []
    done, first, last = 0, len(lines), 0
    for at, hunk in placed:
        if at < done:
            return None
        result += lines[done:at]
        done = at
        margins = _margins(lines[at : at + len(hunk.old)], hunk.old)
        for mark, line in hunk.rows:
            if mark == "+":
                result.append(_moved(line, margins))
            else:
                if mark == " ":
                    result.append(lines[done])  # as it is here, not as the diff has it
                done += 1
            if mark != " ":
                first, last = min(first, done - (mark == "-")), max(last, done)
    return Patched([*result, *lines[done:]], first, last)


def _rows(mark: str, text: str) -> list[tuple[str, str]]:
    return [(mark, line) for line in text.removesuffix("\n").split("\n")] if text else []


def _index(lines: Sequence[str], same: Callable[[str], str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        found.setdefault(same(line), []).append(at)
    return found


def _where(
    indexes: list[dict[str, list[int]]], lines: Sequence[str], hunk: Hunk, within: tuple[int, int]
) -> int | None:
    old = hunk.old
    if not any(line.strip() for line in old):
        blank = all(not line.strip() for line in lines[within[0] : within[1]])
        return within[0] if blank and not old else None
    for same, index in zip(_SAME, indexes, strict=True):
        places = [index.get(same(line), []) for line in old]
        rarest = min(range(len(places)), key=lambda row: len(places[row]))
        starts = [at - rarest for at in places[rarest][:_MOST_PLACES] if 0 <= at - rarest <= len(lines) - len(old)]
        key = [same(line) for line in old]
        found = [at for at in starts if [same(line) for line in lines[at : at + len(old)]] == key]
        inside = [at for at in found if within[0] <= at and at + len(old) <= within[1]]
        if len(inside) == 1 or len(found) == 1:
            return (inside or found)[0]
        if found:  # the header may count from the start of the document, or of what the model was shown
            meant = {at for at in inside or found if hunk.hint >= 0 and at in (hunk.hint, hunk.hint + within[0])}
            return meant.pop() if len(meant) == 1 else None
    return None


def _margins(here: Sequence[str], old: Sequence[str]) -> dict[str, str]:
    """The white space that stands here for the one of the diff."""
    return {margin(said): margin(line) for line, said in zip(here, old, strict=True) if line.strip()}


def _moved(line: str, margins: dict[str, str]) -> str:
    """An added line, as far in as the lines beside it are here."""
    has = margin(line)
    if not line.strip() or has in margins:
        return margins.get(has, "") + line[len(has) :] if line.strip() else ""
    known = max((one for one in margins if has.startswith(one)), key=len, default=None)
    if known is not None:
        return margins[known] + _deeper(has[len(known) :], margins) + line[len(has) :]
    below = min((one for one in margins if one.startswith(has)), key=len, default="")
    there = margins.get(below, has)  # further out than every line that is known
    return there[: max(0, len(there) - len(below) + len(has))] + line[len(has) :]


def _deeper(more: str, margins: dict[str, str]) -> str:
    tabs = any("\t" in here for here in margins.values())
    step = min((len(said) for said, here in margins.items() if here == "\t"), default=4)
    return "\t" * max(1, len(more) // step) if tabs and "\t" not in more else more


def _name(header: str) -> str:
    name = PurePosixPath(header.split("\t")[0].strip().replace("\\", "/")).name
    return "" if name == "null" else name
