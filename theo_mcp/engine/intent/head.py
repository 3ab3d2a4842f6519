"""The trained head: from the embedding of a prompt to the probability of each mode. ``tests/training`` made it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul
from pathlib import Path
from typing import Final

from theo_mcp.engine.words import ResolvedMode

PATH: Final = Path(__file__).with_name("head.json")
_FIRST: Final = 400
_LAST: Final = 200
"""Bytes, because other scripts and emoji have more tokens a character."""


@dataclass(frozen=True)
class Head:
    """A row of weights for each mode, for the vectors of one version of one model."""

    package: str
    version: str
    sha256: str
    """Of the weights of that model."""
    modes: tuple[ResolvedMode, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def probabilities(self, vector: Sequence[float]) -> dict[ResolvedMode, float]:
        """How likely each mode is for the prompt that `vector` stands for.

        Raises:
            ValueError: `vector` is none of that model.
        """
        if len(vector) != len(self.weights[0]):
            raise ValueError(f"{len(vector)} numbers instead of {len(self.weights[0])}")
        scores = [sum(map(mul, row, vector)) + bias for row, bias in zip(self.weights, self.bias, strict=True)]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        whole = sum(powers)
        return {mode: power / whole for mode, power in zip(self.modes, powers, strict=True)}


@cache
def load() -> Head:
    """The head that comes with this package."""
    told = json.loads(PATH.read_text(encoding="utf-8"))
    return Head(
        package=told["package"],
        version=told["version"],
        sha256=told["sha256"],
        modes=tuple(told["modes"]),
        weights=tuple(tuple(row) for row in told["weights"]),
        bias=tuple(told["bias"]),
    )


def excerpt(prompt: str) -> str:
    """What of a prompt is embedded: people say what they want at the beginning or at the end, and a long text takes
    longer than it is worth (measured on a busy machine: 500 bytes 0.2 s, 2,500 1.3 s)."""
    text = prompt.strip().encode("utf-8", "ignore")
    if len(text) > _FIRST + _LAST:
        text = text[:_FIRST] + b"\n" + text[-_LAST:]
    return text.decode("utf-8", "ignore")  # a character that is cut goes
