"""Two sides measured in turn, and what the numbers say: medians, spread and the ratio, round by round."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeVar

MeasuredT = TypeVar("MeasuredT")


@dataclass(frozen=True)
class Target:
    """What the ratio, ours to the bare one's, should be."""

    sign: Literal["≥", "≤"]
    ratio: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.ratio if self.sign == "≥" else ratio <= self.ratio


@dataclass(frozen=True)
class Side:
    """One side of a comparison: who it is, with which parameters, and its samples in each round."""

    name: str
    parameters: str
    rounds: Sequence[Sequence[float]]

    @property
    def samples(self) -> list[float]:
        return [sample for samples in self.rounds for sample in samples]


@dataclass(frozen=True)
class Comparison:
    """Our side beside the bare one. `note` says what the numbers do not."""

    title: str
    unit: str
    ours: Side
    bare: Side
    target: Target | None = None
    note: str = ""

    @property
    def ratios(self) -> list[float]:
        """Ours to the bare one's, of each round: what a slow minute of the machine does to both sides cancels out."""
        return [median(ours) / median(bare) for ours, bare in zip(self.ours.rounds, self.bare.rounds, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def met(self) -> bool:
        return self.target is None or self.target.met(self.ratio)


async def in_turn(
    numbers: Iterable[int], measures: Sequence[Callable[[int], Awaitable[MeasuredT]]]
) -> list[tuple[MeasuredT, ...]]:
    """What each of `measures` gave for each number; for odd numbers they run in the opposite order."""
    results = []
    for number in numbers:
        order = [*range(len(measures))]
        measured = {index: await measures[index](number) for index in (order if number % 2 == 0 else reversed(order))}
        results.append(tuple(measured[index] for index in order))
    return results
