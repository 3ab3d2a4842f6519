"""Sees when a model has begun to say the same again and again, as small ones do until they are cut off.

Three things are looked for: lines, or blocks of a few, that come again and again; prose that is mostly made of the same
runs of eight words; and one line that is a short piece over and over. What repeats by nature (code, tables, data,
separators) has far more room than prose. A draft model is stopped early; of any other it takes what nobody would write.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

NOTICE: Final = "The model began to repeat itself and was stopped."

_Kind = Literal["prose", "code", "symbols"]
_FENCE: Final = re.compile(r"\s{0,3}(```|~~~)")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_PLAIN: Final = re.compile(r"[^={}\[\]<>;|\\_#@$]*|\s{0,3}#{1,6} [^={}\[\]<>;|\\@$]*")
_RUN: Final = 8
_LONGEST_BLOCK: Final = 6
_LONGEST_PIECE: Final = 80
_EVERY: Final = 24
_EVERY_WORDS: Final = 6 * _EVERY
_SEEN: Final = 2000
_SHOWN: Final = 320
_LONGEST_LINE: Final = 16_000


@dataclass(frozen=True)
class Patience:
    """How much repetition is let pass."""

    times: dict[_Kind, int]
    """How often the same lines may follow each other."""
    blank: int
    window: int
    """Of the last so many words of prose, at most the `share` may be in runs of eight that came `again` so often."""
    again: int
    share: float
    piece: dict[_Kind, int]
    """How many characters of one line may be the same piece over and over."""


DRAFT: Final = Patience(
    times={"prose": 3, "code": 14, "symbols": 80},
    blank=60,
    window=120,
    again=3,
    share=0.4,
    piece={"prose": 240, "code": 480, "symbols": 1200},
)
OTHER: Final = Patience(
    times={"prose": 8, "code": 60, "symbols": 400},
    blank=400,
    window=320,
    again=6,
    share=0.8,
    piece={"prose": 800, "code": 2400, "symbols": 6000},
)


class Repetition:
    """Feed it the pieces of one text in order."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._lines: list[str] = []
        self._words: list[str] = []
        self._line = ""
        self._checked = self._counted = 0
        self._blank = 0
        self._fenced = False

    def feed(self, piece: str) -> bool:
        """Whether the text repeats itself by now."""
        if "\n" in piece:
            *ended, self._line = (self._line + piece).split("\n")
            self._checked = self._counted = 0
            if any(map(self._end, ended)):
                return True
        else:
            self._line += piece
        if len(self._line) - self._checked < _EVERY:
            return False
        self._line = self._line[-_LONGEST_LINE // 2 :] if len(self._line) > _LONGEST_LINE else self._line
        self._checked = len(self._line)
        kind = self._kind(self._line[-_SHOWN:])
        if self._is_a_piece(self._line, kind):
            return True
        if kind != "prose" or self._checked - self._counted < _EVERY_WORDS:
            return False
        self._counted = self._checked
        return self._says_the_same([*self._words, *_WORD.findall(self._line[-_SEEN:].lower())])

    def _end(self, line: str) -> bool:
        same = " ".join(line.split())
        if not same:
            self._blank += 1
            return self._blank > self._patience.blank
        self._blank = 0
        kind = self._kind(line)
        if _FENCE.match(line):
            self._fenced = not self._fenced
        self._lines = [*self._lines, same][-_LONGEST_BLOCK * (self._patience.times["symbols"] + 1) :]
        if self._comes_again(kind):
            return True
        if kind != "prose":
            self._words = self._words if _PLAIN.fullmatch(line) else []  # a heading, say, interrupts no prose
            return False
        self._words = [*self._words, *_WORD.findall(line[-_SEEN:].lower())][-self._patience.window :]
        return self._says_the_same(self._words)

    def _kind(self, line: str) -> _Kind:
        if not _LETTERS.search(line):
            return "symbols"
        words = line.split()
        plain = sum(bool(_WORD.fullmatch(word.strip(".,:;!?\"'()*_-–—"))) for word in words)
        is_prose = not self._fenced and len(words) >= 4 and plain >= 0.6 * len(words) and _PLAIN.fullmatch(line)
        return "prose" if is_prose else "code"

    def _comes_again(self, kind: _Kind) -> bool:
        """Whether the last lines are one block, too often."""
        most = self._patience.times[kind]
        lines = self._lines
        for size in range(1, _LONGEST_BLOCK + 1):
            needed = size * (most + 1)
            if len(lines) >= needed and lines[-needed:-size] == lines[-needed + size :]:
                return True
        return False

    def _says_the_same(self, words: list[str]) -> bool:
        words = words[-self._patience.window :]
        runs = [tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)]
        if len(runs) < _RUN * (self._patience.again - 1):
            return False
        often = Counter(runs)
        recent = runs[-_RUN * self._patience.again :]
        again = sum(often[run] >= self._patience.again for run in recent)
        return again >= self._patience.share * len(recent)

    def _is_a_piece(self, line: str, kind: _Kind) -> bool:
        """Whether the end of the line is one short piece over and over."""
        last = line[-1]
        kind = "code" if kind == "symbols" else kind  # digits are written, too
        written = next((at for at in range(1, _LONGEST_PIECE) if line[-at : -at + 1 or None].isalnum()), len(line))
        for size in range(1, min(_LONGEST_PIECE, len(line) - 1) + 1):
            if line[-1 - size] != last:
                continue
            needed = max(self._patience.piece[kind if size >= written else "symbols"], 6 * size)
            end = line[-needed:]
            if len(end) == needed and end[size:] == end[:-size]:
                return True
        return False
