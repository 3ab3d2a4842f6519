"""The document model: what a model fills and code renders. A chart, so far."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Line: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Drawn = TypeVar("Drawn")
ChartKind: TypeAlias = Literal["bar", "line", "area", "pie", "scatter"]


class Series(BaseModel):
    """One row of numbers, one for each label; None is a gap."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    name: Words = ""
    values: tuple[Annotated[float, Field(allow_inf_nan=False)] | None, ...] = Field(min_length=1, max_length=500)


class Chart(BaseModel):
    """A chart as data: which kind, what stands on its axes, and the numbers."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    title: Line
    type: ChartKind = "bar"
    x_title: Words = ""
    y_title: Words = ""
    labels: tuple[Words, ...] = Field(min_length=1, max_length=500)
    series: tuple[Series, ...] = Field(min_length=1, max_length=12)

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        return fitting(self, self.labels, self.series)


def fitting(chart: Drawn, labels: tuple[str, ...], series: tuple[Series, ...]) -> Drawn:
    """`chart`, if each series has a value for each label.

    Raises:
        ValueError: one has more or fewer.
    """
    for row in series:
        if len(row.values) != len(labels):
            raise ValueError(f"a series has {len(row.values)} values, and there are {len(labels)} labels")
    return chart
