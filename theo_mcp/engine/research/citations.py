"""Citations by number, [1] or [2, 3]: a number without a source is taken out while the text streams."""

from __future__ import annotations

import re
from typing import Final

_CITED: Final = re.compile(r"\[\s*\^?\d{1,3}(?:\s*[,;]\s*\^?\d{1,3})*\s*\]")
_BEGINS: Final = re.compile(r"\[[\s\d,;^]{0,60}\Z")
_SENTENCE: Final = re.compile(r"[^.!?\n]*\w[^.!?\n]*[.!?]?(?:\s*\[[\d, ]+\])*")
_MARKS: Final = re.compile(r"\[[\d, ]+\]")


class Citations:
    """Feed it the text; what comes back cites only the sources 1 to `sources`. `used` are those that it cites."""

    def __init__(self, sources: int) -> None:
        self._sources = sources
        self._held = ""
        self.used: set[int] = set()
        self.invented = 0
        """Numbers that were taken out."""

    def feed(self, text: str) -> str:
        self._held += text
        begun = _BEGINS.search(self._held)
        at = begun.start() if begun else len(self._held)
        whole, self._held = self._held[:at], self._held[at:]
        return _CITED.sub(self._checked, whole)

    def rest(self) -> str:
        """What is left when the text has ended."""
        held, self._held = self._held, ""
        return held

    def _checked(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in re.findall(r"\d+", match[0])]
        real = [number for number in dict.fromkeys(numbers) if 1 <= number <= self._sources]
        self.invented += len(set(numbers) - set(real))
        self.used.update(real)
        return "".join(f"[{number}]" for number in real)


def without_source(text: str) -> tuple[int, int]:
    """How many sentences of `text` cite nothing, and how many there are; headings and lead-ins do not count."""
    body = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    sentences = [found for found in _SENTENCE.findall(body) if len(_MARKS.sub("", found).split()) >= 5]
    return sum(not _MARKS.search(found) for found in sentences), len(sentences)
