"""Takes the code fence off while the text streams: what is passed on is the source, and what stands around it is kept
apart."""

from __future__ import annotations

import re
from typing import Final

_OPENING: Final = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})[^`\n]*\n")
_BEGINS: Final = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,})", re.M)
_SOURCE: Final = re.compile(
    r"\s*(?:<[!a-zA-Z?]|[{\[]|import\s|from\s+\S+\s+import\b|export\s|const\s|def\s|class\s|['\"]use |#!|//|/\*)"
)
_MOST_TALK: Final = 2000  # characters before a fence; more than that is no lead-in


class Unfence:
    """Feed it the pieces; each `feed` returns what can be passed on."""

    def __init__(self) -> None:
        self._before = self._after = ""
        self._held = ""
        self._fence = ""
        self._state = "before"
        self._mid = False
        """Whether the line that comes has begun already, so that it is no fence."""

    @property
    def around(self) -> str:
        """What stood before and behind the fence."""
        return "\n\n".join(part.strip() for part in (self._before, self._after) if part.strip())

    def feed(self, text: str) -> str:
        self._held += text
        out = ""
        if self._state == "before":
            self._begin(whole=False)
        if self._state == "inside":
            out = self._inside()
        elif self._state == "bare":
            out, self._held = self._held, ""
        if self._state == "after":
            self._after += self._held
            self._held = ""
        return out

    def rest(self) -> str:
        """What is left when the text has ended."""
        if self._state == "before":
            self._begin(whole=True)
        held, self._held = self._held, ""
        if self._state == "inside":  # a last line without its end
            return "" if not self._mid and self._closes(held) else held
        if self._state == "bare":
            return held
        self._after += held
        return ""

    def _begin(self, *, whole: bool) -> None:
        """Finds out what the text begins with, once enough of it is there."""
        held = self._held
        if not held.strip():
            return
        opening = next((found for found in _OPENING.finditer(held) if _at_line_start(held, found.start())), None)
        if opening is not None and not _SOURCE.match(held[: opening.start()]):
            self._before = held[: opening.start()]
            self._fence, self._held, self._state = opening[1], held[opening.end() :], "inside"
        elif _SOURCE.match(held) or (whole and not _BEGINS.search(held)) or len(held) > _MOST_TALK:
            self._state, self._held = "bare", held.lstrip("\r\n")
        elif whole:  # a fence without a line behind it
            self._state = "bare"

    def _inside(self) -> str:
        """The whole lines before the closing fence; a line that may still become it is held."""
        out: list[str] = []
        while (end := self._held.find("\n")) >= 0:
            line, self._held = self._held[: end + 1], self._held[end + 1 :]
            if not self._mid and self._closes(line):
                self._state = "after"
                return "".join(out)
            self._mid = False
            out.append(line)
        if self._held and (self._mid or not self._may_close(self._held)):
            out.append(self._held)
            self._held, self._mid = "", True
        return "".join(out)

    def _closes(self, line: str) -> bool:
        bare = line.strip()
        return (
            len(bare) >= len(self._fence) and set(bare) == {self._fence[0]} and len(line) - len(line.lstrip(" ")) <= 3
        )

    def _may_close(self, start: str) -> bool:
        return set(start.strip()) <= {self._fence[0]} and start == start.lstrip("\t")


def _at_line_start(text: str, at: int) -> bool:
    return at == 0 or text[at - 1] == "\n"
