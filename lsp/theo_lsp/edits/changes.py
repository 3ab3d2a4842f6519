"""The smallest edits that make one text of another, and where a place is after edits of others.

Edits are listed from the last to the first, so that they are right both all at once, as a `TextEdit[]` is read, and one
after the other, as the changes of `didChange` are.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from theo_lsp.edits.places import Span

_LINE: Final = re.compile(r"[^\r\n]*+(?:\r\n|\r|\n)|[^\r\n]++")
_MOST_COMPARED: Final = 4_000_000  # pairs of lines: above it only lines that occur once are matched
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f\u200c")


@dataclass(frozen=True)
class Change:
    """Replaces `span` by `text`."""

    span: Span
    text: str


def applied(text: str, changes: Sequence[Change]) -> str:
    """`text` after `changes`, one after the other."""
    if all(later.span.end <= earlier.span.start for earlier, later in itertools.pairwise(changes)):
        parts: list[str] = []  # from the last to the first: the text is copied once
        end = len(text)
        for change in changes:
            parts += (text[change.span.end : end], change.text)
            end = change.span.start
        return text[:end] + "".join(reversed(parts))
    for change in changes:
        text = text[: change.span.start] + change.text + text[change.span.end :]
    return text


def minimal(before: str, after: str) -> list[Change]:
    """Changes that make exactly `after` of `before`, none longer than the lines that differ."""
    head, tail = _same_lines(before, after)
    old, new = _lines(before[head : len(before) - tail]), _lines(after[head : len(after) - tail])
    changes: list[Change] = []
    offsets = [head]
    for line in old:
        offsets.append(offsets[-1] + len(line))
    for old_start, old_end, new_start, new_end in _hunks(old, new):
        if old_end - old_start == new_end - new_start:  # line by line, so that what stands between is left alone
            rows = [(at, at + 1, at - old_start + new_start) for at in range(old_start, old_end)]
            pairs = [(Span(offsets[start], offsets[end]), new[row]) for start, end, row in rows]
        else:
            pairs = [(Span(offsets[old_start], offsets[old_end]), "".join(new[new_start:new_end]))]
        changes += [_trimmed(before, span, text) for span, text in pairs if span.of(before) != text]
    changes.reverse()
    return changes


def inside(text: str, changes: Sequence[Change]) -> list[Change]:
    """The same changes, with lines that come after the last one written before its ending: Neovim 0.11 tells of an edit
    behind all lines as if it had made one more."""
    ending = next((each for each in ("\r\n", "\n", "\r") if text.endswith(each)), "")
    end = len(text)

    def moved(change: Change) -> Change:
        if not (ending and change.span == Span(end, end) and change.text.endswith(ending)):
            return change
        return Change(Span(end - len(ending), end - len(ending)), ending + change.text[: -len(ending)])

    return [moved(change) for change in changes]


def rebased(span: Span, changes: Sequence[Change]) -> Span | None:
    """Where `span` is after `changes`, one after the other, or None where one of them touched its inside.

    An edit that ends where the span begins, or begins where it ends, is outside. What is typed at an empty span, where
    the answer was to be inserted, is inside: the answer was made for a place without it.
    """
    for change in changes:
        start, end = change.span.start, change.span.end
        if span.start == span.end == start == end and change.text:
            return None
        if end <= span.start:
            moved = len(change.text) - (end - start)
            span = Span(span.start + moved, span.end + moved)
        elif start < span.end:
            return None
    return span


def carried(before: str, after: str, now: str) -> str | None:
    """`now` with the changes that make `after` of `before`, or None where `now` was changed at one of their places."""
    if now == before:
        return after
    between = minimal(before, now)
    moved = []
    for change in minimal(before, after):
        span = rebased(change.span, between)
        if span is None:
            return None
        moved.append(Change(span, change.text))
    return applied(now, moved)


def common(one: str, other: str, most: int) -> int:
    """How many characters the two begin with in common, by halving: a line may be a megabyte."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _lines(text: str) -> list[str]:
    """The lines of `text` with their endings; `str.splitlines` would split at form feeds too."""
    return _LINE.findall(text)


def _same_lines(before: str, after: str) -> tuple[int, int]:
    """How many characters the texts have in common in whole lines, at their start and at their end: an edit of a long
    text is mostly short, and only what is between is cut into lines."""
    most = min(len(before), len(after))
    head = before.rfind("\n", 0, common(before, after, most)) + 1
    low, high = 0, most - head
    while low < high:
        middle = (low + high + 1) // 2
        if before[len(before) - middle : len(before) - low] == after[len(after) - middle : len(after) - low]:
            low = middle
        else:
            high = middle - 1
    line = before.find("\n", len(before) - low) + 1 if low else 0
    return head, len(before) - line if line else 0


def _hunks(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Where the lines differ: start and end in `old`, start and end in `new`."""
    return _between(old, new, 0, len(old), 0, len(new), unique=True)


def _between(
    old: list[str], new: list[str], old_start: int, old_end: int, new_start: int, new_end: int, *, unique: bool
) -> list[tuple[int, int, int, int]]:
    while old_start < old_end and new_start < new_end and old[old_start] == new[new_start]:
        old_start, new_start = old_start + 1, new_start + 1
    while old_start < old_end and new_start < new_end and old[old_end - 1] == new[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    if old_start == old_end and new_start == new_end:
        return []
    if old_start == old_end or new_start == new_end:
        return [(old_start, old_end, new_start, new_end)]
    if (old_end - old_start) * (new_end - new_start) <= _MOST_COMPARED:
        matcher = SequenceMatcher(None, old[old_start:old_end], new[new_start:new_end], autojunk=True)
        return [
            (a + old_start, b + old_start, c + new_start, d + new_start)
            for tag, a, b, c, d in matcher.get_opcodes()
            if tag != "equal"
        ]
    anchors = _once_in_both(old, new, old_start, old_end, new_start, new_end) if unique else []
    if not anchors:
        return [(old_start, old_end, new_start, new_end)]
    hunks: list[tuple[int, int, int, int]] = []
    for old_at, new_at in [*anchors, (old_end, new_end)]:
        hunks += _between(old, new, old_start, old_at, new_start, new_at, unique=False)
        old_start, new_start = old_at, new_at
    return hunks


def _once_in_both(
    old: list[str], new: list[str], old_start: int, old_end: int, new_start: int, new_end: int
) -> list[tuple[int, int]]:
    """Lines that occur once in each text, in an order that both have: a longest rising run of them."""
    places = [_once(old, old_start, old_end), _once(new, new_start, new_end)]
    found = [(at, places[1][line]) for line, at in places[0].items() if line in places[1]]
    ends: list[int] = []  # of the runs so far: indices into `found`
    before: list[int] = []
    for index, (_, new_at) in enumerate(found):
        row = bisect_left(ends, new_at, key=lambda end: found[end][1])
        before.append(ends[row - 1] if row else -1)
        ends[row : row + 1] = [index]
    run: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        run.append(found[at])
        at = before[at]
    run.reverse()
    return run


def _once(lines: list[str], start: int, end: int) -> dict[str, int]:
    seen: dict[str, int] = {}
    for at in range(start, end):
        seen[lines[at]] = -1 if lines[at] in seen else at
    return {line: at for line, at in seen.items() if at >= 0}


def _trimmed(before: str, span: Span, text: str) -> Change:
    """The change without what both sides begin and end with; no character that is several code points is split."""
    start, end = span.start, span.end
    most = min(end - start, len(text))
    head = common(before[start:end], text, most)
    while head and not (_parted(before, start + head) and _parted_in(text, head, before, end)):
        head -= 1
    most -= head
    tail = common(before[start + head : end][::-1], text[head:][::-1], most)
    while tail and not (_parted(before, end - tail) and _parted_in(text, len(text) - tail, before, end)):
        tail -= 1
    return Change(Span(start + head, end - tail), text[head : len(text) - tail])


def _parted_in(text: str, at: int, before: str, end: int) -> bool:
    return _parted(text, at) if at < len(text) else _parted(text[-1:] + before[end : end + 1], 1)


def _parted(text: str, at: int) -> bool:
    """Whether `text` may be cut at `at`: not inside CRLF, nor before what joins the character before it."""
    if not 0 < at < len(text):
        return True
    left, right = text[at - 1], text[at]
    if right < "\u0300":
        return not (left == "\r" and right == "\n")
    return not (
        right in _JOINERS
        or left == "\u200d"
        or unicodedata.category(right)[0] == "M"
        or "\U0001f3fb" <= right <= "\U0001f3ff"  # the colour of a skin
        or "\U0001f1e6" <= right <= "\U0001f1ff"  # half a flag
        or "\u1160" <= right <= "\u11ff"  # a part of a Korean syllable
        or ("\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff")
    )
