"""Where bytes of UTF-8 are in code points."""

from __future__ import annotations

from bisect import bisect_right

_STEP = 4096


class Places:
    """The code point that each byte of `text` belongs to, by ``places[byte]``. Knows where each of its steps begins, so
    that a place costs no more than a step."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._ascii = text.isascii()
        self._bytes, self._points = [0], [0]
        if not self._ascii:
            for start in range(0, len(text), _STEP):
                self._bytes.append(min(start + _STEP, len(text)))
                self._points.append(self._points[-1] + _count(text[start : start + _STEP]))

    def __getitem__(self, byte: int) -> int:
        if self._ascii:
            return byte
        step = bisect_right(self._bytes, byte) - 1
        return self._points[step] + _count(self._text[self._bytes[step] : byte])

    def trimmed(self, start: int, end: int) -> int:
        """`end` without the line's ending that some grammars take for a part of a comment."""
        while end > start and self._text[end - 1] in b"\r\n":
            end -= 1
        return end


def _count(piece: bytes) -> int:
    """How many characters begin in `piece`."""
    return len(piece) - len(piece.translate(None, _BEGINNINGS))


_BEGINNINGS = bytes(byte for byte in range(256) if byte & 0xC0 != 0x80)
