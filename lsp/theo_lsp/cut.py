"""A message at a length that is borne, cut between two words: half a secret has no shape by which it could be told."""

from __future__ import annotations

MARK = "…"


def cut(text: str, most: int) -> str:
    """`text` in at most `most` characters; nothing of a word that does not fit."""
    if len(text) <= most:
        return text
    end = most - len(MARK)
    while end > 0 and not text[end].isspace():
        end -= 1
    return text[:end].rstrip() + MARK
