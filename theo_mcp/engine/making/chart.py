"""``chart``: a chart as data (`theo_mcp.artifacts.draft.Chart`). A model writes no drawing language."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator
from typing import Final

from pydantic import ValidationError

from theo_mcp.artifacts.draft import Chart, ChartKind, Series
from theo_mcp.engine import brief
from theo_mcp.engine.making import Checked, Making, Wish
from theo_mcp.engine.prose import Prose
from theo_mcp.errors import InputError
from theo_mcp.wire.model import Check, read_json

_KINDS: Final[tuple[tuple[ChartKind, re.Pattern[str]], ...]] = (
    ("pie", re.compile(r"\b(pie|donut|doughnut|share|shares|proportions?)\b", re.I)),
    ("area", re.compile(r"\barea (chart|graph|plot)\b", re.I)),
    ("scatter", re.compile(r"\bscatter\b", re.I)),
    ("bar", re.compile(r"\b(bars?|columns?|histogram)\b", re.I)),
    ("line", re.compile(r"\b(lines?|trends?|over time|by (year|month|day|week))\b", re.I)),
)


def _system(wish: Wish) -> str:
    return (
        'You describe one chart as a JSON object: {"title": "…", "type": "bar" | "line" | "area" | "pie" | "scatter", '
        '"x_title": "…", "y_title": "…", "labels": ["…"], "series": [{"name": "…", "values": [1, 2]}]}. '
        "Each series has one number for each label, or null where it is not known. Use the numbers of the request and "
        "no others. Answer with the JSON object alone."
    )


def _check(source: str, wish: Wish) -> Checked:
    try:
        chart = Chart.model_validate(read_json(source.strip()))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")
        return Checked(Check(language="json", status="fails", message=f"it is no chart: {said}"))
    except ValueError:
        return Checked(Check(language="json", status="fails", message="it is not one JSON object"))
    known = {number.value for number in brief.numbers(wish.prompt)} | set(_plain(wish.prompt))
    added = [value for row in chart.series for value in row.values if value is not None and value not in known]
    notices = (f"{len(added)} of its numbers do not stand in the prompt: check them.",) if added else ()
    return Checked(Check(language="json", status="parses"), notices)


async def _draft(wish: Wish, prose: Prose) -> AsyncGenerator[str, None]:
    """The chart by rule: its numbers are the prompt's, so no model is needed for it."""
    numbers = brief.numbers(wish.prompt)
    if not numbers:
        raise InputError(
            "The prompt has no numbers with names, and the built-in model invents none.",
            code="missing_data",
            hint='Put them into the prompt: "Sales: Q1 10, Q2 20". A larger model (--engine-url) may find its own.',
        )
    prose.notices.append("Its labels and numbers are the prompt's; the model wrote none of it.")
    kind = next((kind for kind, pattern in _KINDS if pattern.search(wish.prompt)), "bar")
    chart = Chart(
        title=brief.title(wish.prompt, "Chart").partition(f" {numbers[0].label} ")[0],  # which may run into the first
        type=kind,
        labels=tuple(number.label for number in numbers),
        series=(Series(values=tuple(number.value for number in numbers)),),
    )
    yield json.dumps(chart.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"


def _plain(prompt: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?", prompt)]


MAKING = Making(output_type="chart", system=_system, check=_check, shape=Chart, draft=_draft)
