"""Where something is in a document: offsets in code points inside, lines and characters of an encoding on the wire.

A line ends with LF, CRLF or CR, as the LSP says, and with nothing else: a form feed or U+2028 is text.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final, Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_ENDING: Final = re.compile(r"\r\n|\r|\n")
_RUN: Final = 256


@dataclass(frozen=True, order=True)
class Place:
    """A position as the wire has it: `character` counts code units of the encoding that was agreed on."""

    line: int
    character: int


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of a document, in code points, without its end."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


class Lines:
    """The lines of one version of a document. Those of the next version are made of these, and most of them shared:
    somebody types in fifty thousand lines, and each key may take no longer than in fifty."""

    def __init__(self, text: str, runs: Sequence[tuple[int, array[int]]] | None = None) -> None:
        if runs is None:
            even = text.replace("\r\n", " \n").replace("\r", "\n") if "\r" in text else text
            starts = array("q", accumulate((len(line) + 1 for line in even.split("\n")), initial=0))
            runs = _cut(starts[:-1])
        self.text = text
        self._ascii = text.isascii()
        self._runs = [run for _, run in runs]
        """Where lines start, counted from the first of their run."""
        self._offsets = [offset for offset, _ in runs]
        """Where each run starts."""
        self._rows = [0, *accumulate(map(len, self._runs))]
        """The number of each run's first line, and how many there are."""

    def changed(self, span: Span, text: str) -> Lines:
        """The lines after `span` is replaced by `text`."""
        whole = self.text[: span.start] + text + self.text[span.end :]
        # Whether a line starts at a place is told by the characters on both sides of it alone.
        found = (each.end() for each in _ENDING.finditer(whole, max(span.start - 1, 0), span.start + len(text) + 1))
        new = [start for start in found if span.start <= start <= span.start + len(text)]
        first = max(bisect_right(self._offsets, span.start - 1) - 1, 0)
        last = bisect_right(self._offsets, span.end) - 1
        near = [offset + start for offset, run in self._over(first, last) for start in run]
        keep = max(bisect_left(near, span.start), 1 if first == 0 else 0)  # the text's own start is always one
        gone = max(bisect_right(near, span.end), keep)
        grown = len(text) - (span.end - span.start)
        starts = array("q", [*near[:keep], *new, *(start + grown for start in near[gone:])])
        behind = [(offset + grown, run) for offset, run in self._over(last + 1, len(self._runs))]
        return Lines(whole, [*self._over(0, first - 1), *_cut(starts), *behind])

    def _over(self, first: int, last: int) -> Iterator[tuple[int, array[int]]]:
        """The runs from `first` to `last`."""
        return zip(self._offsets[first : last + 1], self._runs[first : last + 1], strict=True)

    def __len__(self) -> int:
        return self._rows[-1]

    def line(self, number: int) -> Span:
        """The line without its ending."""
        at = bisect_right(self._rows, number) - 1
        run, row, offset = self._runs[at], number - self._rows[at], self._offsets[at]
        if row + 1 < len(run):
            end = offset + run[row + 1]
        elif at + 1 < len(self._runs):
            end = self._offsets[at + 1]
        else:
            return Span(offset + run[row], len(self.text))
        return Span(offset + run[row], end - (2 if self.text.startswith("\r\n", end - 2) else 1))

    def number(self, offset: int) -> int:
        """The line that `offset` is in."""
        at = max(bisect_right(self._offsets, offset) - 1, 0)
        return self._rows[at] + max(bisect_right(self._runs[at], offset - self._offsets[at]) - 1, 0)

    def start(self, number: int) -> int:
        """Where the line begins; behind the last line that is the end of the text."""
        if number >= len(self):
            return len(self.text)
        at = bisect_right(self._rows, number) - 1
        return self._offsets[at] + self._runs[at][number - self._rows[at]]

    def place(self, offset: int, encoding: Encoding) -> Place:
        """`offset` as a position; one between CR and LF is the end of their line."""
        offset = min(max(offset, 0), len(self.text))
        number = self.number(offset)
        line = self.line(number)
        before = self.text[line.start : min(offset, line.end)]
        return Place(number, len(before) if self._ascii else _units(before, encoding))

    def offset(self, place: Place, encoding: Encoding) -> int:
        """`place` as an offset: past the end of a line is its end, inside a character is before it."""
        if place.line < 0:
            return 0
        if place.line >= len(self):
            return len(self.text)
        line = self.line(place.line)
        start, end = line.start, line.end
        character = max(place.character, 0)
        if not self._ascii and encoding != "utf-32":
            # A code point is at most four units, so that only what can matter is encoded.
            character = _points(self.text[start : min(end, start + character)], character, encoding)
        return min(start + character, end)

    def span(self, start: Place, end: Place, encoding: Encoding) -> Span:
        """The span between two positions, in whichever order they come."""
        first, second = self.offset(start, encoding), self.offset(end, encoding)
        return Span(min(first, second), max(first, second))


def _cut(starts: array[int]) -> list[tuple[int, array[int]]]:
    """`starts` as runs, each with the first of them: short enough to be made anew at a key, and not many."""
    pieces = max(len(starts) // _RUN, 1)
    edges = [len(starts) * piece // pieces for piece in range(pieces + 1)]
    runs = (starts[start:end] for start, end in pairwise(edges))
    return [(run[0], array("q", (start - run[0] for start in run))) for run in runs]


def _units(text: str, encoding: Encoding) -> int:
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    if encoding == "utf-16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text)


def _points(text: str, units: int, encoding: Encoding) -> int:
    """How many whole code points of `text` fit in `units`."""
    if encoding == "utf-8":
        data = text.encode("utf-8", "surrogatepass")
        while 0 < units < len(data) and data[units] & 0xC0 == 0x80:
            units -= 1
        return len(data[:units].decode("utf-8", "surrogatepass"))
    data = text.encode("utf-16-le", "surrogatepass")
    cut = 2 * units
    if 2 <= cut < len(data) and data[cut - 1] & 0xFC == 0xD8 and data[cut + 1] & 0xFC == 0xDC:
        cut -= 2
    # Two lone surrogates side by side would be read as one character, and are none on the wire either.
    return len(data[:cut].decode("utf-16-le", "surrogatepass"))
