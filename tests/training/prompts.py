"""Reads the labelled prompts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from theo_mcp.engine.words import ResolvedMode

HERE: Final = Path(__file__).parent
MODES: Final[tuple[ResolvedMode, ...]] = get_args(ResolvedMode)
LANGUAGES: Final = ("en", "de", "es")


@dataclass(frozen=True)
class Labelled:
    """A prompt and the mode that it wants."""

    mode: ResolvedMode
    language: str
    text: str
    trap: bool = False
    """It has the cue word of another mode."""


def read(name: str) -> list[Labelled]:
    """The prompts of a file: mode, language, for a hard one its kind, and text, parted by tabs."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [Labelled(_mode(mode), language, text, kind == ["trap"]) for mode, language, *kind, text in rows]


def runs(text: str, length: int = 4) -> set[tuple[str, ...]]:
    """Every run of `length` words in a row, in lower case and without punctuation."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def _mode(word: str) -> ResolvedMode:
    return next(mode for mode in MODES if mode == word)
