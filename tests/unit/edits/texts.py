"""Texts by a seeded generator: of pieces that are hard to cut, with lines that come again."""

from __future__ import annotations

from random import Random

PIECES = (
    "a", "b", "  ", "\t", "\n", "\r\n", "\r", "x = 1\n", "}\r\n", "é", "e\u0301", "日本", "🦊", "👩\u200d👧", "🇩🇪",
    "👍🏽", "\u2028", "\x0c", "\ufeff", "각", "\u1100\u1161", "return x\n", "\n\n", "ä̈",
)  # fmt: skip


def text(random: Random, most: int = 30) -> str:
    return "".join(random.choice(PIECES) for _ in range(random.randrange(most)))


def changed(random: Random, before: str) -> str:
    """`before` after a few edits."""
    for _ in range(random.randrange(1, 4)):
        start = random.randrange(len(before) + 1)
        end = min(len(before), start + random.choice((0, 0, 1, 3, 20)))
        before = before[:start] + text(random, 4) + before[end:]
    return before
