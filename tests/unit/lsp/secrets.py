"""The corpus of secrets and look-alikes: made up, and written so that no scanner takes it for real.

«…» marks a secret, ‹…› a look-alike, and · inside one is nothing: it keeps the shapes of keys out of the repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "golden" / "secrets"
_MARKS = re.compile(r"[«»‹›·]")


@dataclass(frozen=True)
class Sample:
    """A file as a user would have it: its text, its secrets and its look-alikes by their places."""

    name: str
    text: str
    secrets: tuple[tuple[int, int], ...]
    look_alikes: tuple[tuple[int, int], ...]


def samples() -> list[Sample]:
    """All files of the corpus."""
    return [_sample(path) for path in sorted(FOLDER.glob("*.txt"))]


def _sample(path: Path) -> Sample:
    parts, length, done = [], 0, 0
    opened = {"«": 0, "‹": 0}
    secrets, look_alikes = [], []
    marked = path.read_text(encoding="utf-8")
    for mark in _MARKS.finditer(marked):
        parts.append(marked[done : mark.start()])
        length += mark.start() - done
        done = mark.end()
        if mark[0] in opened:
            opened[mark[0]] = length
        elif mark[0] == "»":
            secrets.append((opened["«"], length))
        elif mark[0] == "›":
            look_alikes.append((opened["‹"], length))
    text = "".join([*parts, marked[done:]])
    return Sample(path.stem, text, tuple(secrets), tuple(look_alikes))
