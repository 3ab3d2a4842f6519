"""Where something is in a document: offsets in code points inside, lines and characters of an encoding on the wire.

A line ends with LF, CRLF or CR, as the LSP says, and with nothing else: a form feed or U+2028 is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_ENDING: Final = re.compile(r"\r\n|\r|\n")


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
    """The lines of one version of a document. Made once, it converts without reading the text again."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._ascii = text.isascii()
        self._starts = [0]
        self._ends: list[int] = []  # before the line's ending
        for ending in _ENDING.finditer(text):
            self._ends.append(ending.start())
            self._starts.append(ending.end())
        self._ends.append(len(text))

    def __len__(self) -> int:
        return len(self._starts)

    def line(self, number: int) -> Span:
        """The line without its ending."""
        return Span(self._starts[number], self._ends[number])

    def number(self, offset: int) -> int:
        """The line that `offset` is in."""
        return bisect_right(self._starts, offset) - 1

    def start(self, number: int) -> int:
        """Where the line begins; behind the last line that is the end of the text."""
        return self._starts[number] if number < len(self._starts) else len(self.text)

    def place(self, offset: int, encoding: Encoding) -> Place:
        """`offset` as a position; one between CR and LF is the end of their line."""
        offset = min(max(offset, 0), len(self.text))
        number = self.number(offset)
        before = self.text[self._starts[number] : min(offset, self._ends[number])]
        return Place(number, len(before) if self._ascii else _units(before, encoding))

    def offset(self, place: Place, encoding: Encoding) -> int:
        """`place` as an offset: past the end of a line is its end, inside a character is before it."""
        if place.line < 0:
            return 0
        if place.line >= len(self._starts):
            return len(self.text)
        start, end = self._starts[place.line], self._ends[place.line]
        character = max(place.character, 0)
        if not self._ascii and encoding != "utf-32":
            # A code point is at most four units, so that only what can matter is encoded.
            character = _points(self.text[start : min(end, start + character)], character, encoding)
        return min(start + character, end)

    def span(self, start: Place, end: Place, encoding: Encoding) -> Span:
        """The span between two positions, in whichever order they come."""
        first, second = self.offset(start, encoding), self.offset(end, encoding)
        return Span(min(first, second), max(first, second))


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
