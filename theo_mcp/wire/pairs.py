"""Joins the halves of a character that a service cut between two pieces of text.

A JavaScript service that streams its text in UTF-16 units may end one token with the first half of a character and
begin the next with the second. Each half alone cannot be encoded; together they are the character that was meant.
"""

from __future__ import annotations

from theo_mcp.wire.model import scrubbed, scrubbed_json, text_of

_LOST = "\ufffd"


class Pairs:
    """Feed it the pieces of one text in order; what it returns can always be encoded."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """`piece` with its halves joined; a first half at its end is held back until the next piece."""
        text = self._held + piece
        self._held = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return scrubbed(text[: len(text) - len(self._held)])

    def feed_json(self, value: object) -> str:
        """The same for a piece in whatever shape it came; only a string can be half of something."""
        return self.feed(value if isinstance(value, str) else text_of(scrubbed_json(value)))

    def rest(self) -> str:
        """What is left when no piece follows: U+FFFD for a half that stayed alone, or nothing."""
        rest, self._held = _LOST if self._held else "", ""
        return rest
