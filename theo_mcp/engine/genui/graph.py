"""A small bar or line chart as SVG, with its numbers in a table for whoever cannot see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Final, TypeAlias

from theo_mcp.artifacts.draft import Series
from theo_mcp.engine.genui.components import Graph

Height: TypeAlias = Callable[[float], float]
"""The height of a value in the picture."""
_WIDTH: Final = 640
_HEIGHT: Final = 260
_LEFT: Final = 56
_FOOT: Final = 28
_TOP: Final = 10
_MOST_NAMES: Final = 12


def figure(graph: Graph) -> str:
    """The chart, its key where it has several series, and its table."""
    title = f"<figcaption>{escape(graph.title)}</figcaption>" if graph.title else ""
    key = "".join(
        f'<li class="c{number}"><i></i>{escape(series.name or f"Series {number + 1}")}</li>'
        for number, series in enumerate(graph.series)
    )
    shown_key = f'<ul class="key">{key}</ul>' if len(graph.series) > 1 else ""
    name = escape(graph.title or f"A {graph.kind} chart")
    drawing = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{name}">{"".join(_drawn(graph))}</svg>'
    return f"<figure>{title}{drawing}{shown_key}<details><summary>Numbers</summary>{_numbers(graph)}</details></figure>"


def _drawn(graph: Graph) -> Iterator[str]:
    values = [value for series in graph.series for value in series.values if value is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    high = high if high > low else low + 1
    bottom = _HEIGHT - _FOOT

    def y(value: float) -> float:
        return round(bottom - (value - low) / (high - low) * (bottom - _TOP), 1)

    for mark in dict.fromkeys((low, 0.0, (low + high) / 2, high)):
        yield f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH}" y1="{y(mark)}" y2="{y(mark)}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y(mark) + 4}" text-anchor="end">{short(mark)}</text>'
    step = (_WIDTH - _LEFT) / len(graph.labels)
    every = -(-len(graph.labels) // _MOST_NAMES)
    room = max(3, int(step * every / 7))
    for number, label in enumerate(graph.labels):
        if number % every == 0:
            text = label if len(label) <= room else label[: room - 1] + "…"
            middle = round(_LEFT + step * (number + 0.5), 1)
            yield f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(text)}</text>'
    for place, series in enumerate(graph.series):
        yield f'<g class="c{place}">'
        if graph.kind == "bar":
            yield from _bars(series, place, len(graph.series), step, y)
        else:
            yield from _line(series, step, y)
        yield "</g>"


def _bars(series: Series, place: int, several: int, step: float, y: Height) -> Iterator[str]:
    wide = step * 0.7 / several
    for number, value in enumerate(series.values):
        if value is None:
            continue
        left = _LEFT + step * (number + 0.15) + wide * place
        top, tall = min(y(value), y(0)), abs(y(value) - y(0))
        yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{tall:.1f}" rx="2"/>'


def _line(series: Series, step: float, y: Height) -> Iterator[str]:
    """The line, broken where a value is missing."""
    runs: list[list[str]] = [[]]
    for number, value in enumerate(series.values):
        if value is None:
            runs.append([])
            continue
        runs[-1].append(f"{_LEFT + step * (number + 0.5):.1f},{y(value)}")
    for run in runs:
        if len(run) > 1:
            yield f'<polyline points="{" ".join(run)}"/>'
        for point in run:
            x, _, height = point.partition(",")
            yield f'<circle cx="{x}" cy="{height}" r="3"/>'


def _numbers(graph: Graph) -> str:
    names = "".join(f'<th scope="col">{escape(series.name or "Value")}</th>' for series in graph.series)
    rows = ""
    for number, label in enumerate(graph.labels):
        values = "".join(_value(series.values[number]) for series in graph.series)
        rows += f'<tr><th scope="row">{escape(label)}</th>{values}</tr>'
    return f"<table><thead><tr><td></td>{names}</tr></thead><tbody>{rows}</tbody></table>"


def _value(value: float | None) -> str:
    return f'<td class="number">{"" if value is None else f"{value:,.10g}"}</td>'


def short(value: float) -> str:
    """A number as it stands beside an axis."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
