"""The user interface that a prompt asks for by its words, as a draft for the small built-in model to add prose to.

Fields, columns, items and numbers are the prompt's; what it does not name is left open and said to be.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from theo_mcp.engine import brief
from theo_mcp.engine.genui.libraries import Library
from theo_mcp.engine.prose import Prose

Node: TypeAlias = dict[str, JsonValue]
Kind: TypeAlias = Literal["form", "dashboard", "table", "cards", "page"]

_WORDS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    ("form", re.compile(r"\b(form|sign[ -]?up|log[ -]?in|registration|survey|checkout|questionnaire|booking)\b", re.I)),
    ("dashboard", re.compile(r"\b(dashboard|chart|graph|kpis?|metrics?|statistics|stats|analytics)\b", re.I)),
    ("table", re.compile(r"\b(table|spreadsheet|schedule|timetable|comparison|compare)\b", re.I)),
    ("cards", re.compile(r"\b(cards?|pricing|plans|gallery|features?|team|catalogue?|products?)\b", re.I)),
)
_FIELDS: Final[tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]] = (
    (re.compile(r"\blog[ -]?in\b", re.I), ("Email", "Password")),
    (re.compile(r"\b(sign[ -]?up|registration)\b", re.I), ("Name", "Email", "Password")),
    (re.compile(r"\bbooking\b", re.I), ("Name", "Email", "Date", "Time")),
    (re.compile(r"", re.I), ("Name", "Email", "Message")),
)
_INPUTS: Final[Mapping[str, str]] = {
    "email": "email", "mail": "email", "password": "password", "phone": "tel", "telephone": "tel", "mobile": "tel",
    "date": "date", "birthday": "date", "day": "date", "time": "time", "website": "url", "url": "url", "link": "url",
    "age": "number", "amount": "number", "quantity": "number", "number": "number", "guests": "number",
    "message": "textarea", "comment": "textarea", "comments": "textarea", "description": "textarea",
    "feedback": "textarea", "notes": "textarea", "agree": "checkbox", "consent": "checkbox", "newsletter": "checkbox",
    "terms": "checkbox", "subscribe": "checkbox",
}  # fmt: skip
NO_NUMBERS: Final = (
    "The request has no numbers with names, and the built-in model invents none: the values are left open."
)


def kind_of(prompt: str) -> Kind:
    """What the words ask for; the first such word decides."""
    found = [(match.start(), kind) for kind, pattern in _WORDS if (match := pattern.search(prompt))]
    return min(found)[1] if found else "page"


async def nodes(prompt: str, title: str, library: Library, prose: Prose, notices: list[str]) -> AsyncIterator[Node]:
    """The nodes of the draft, in their order."""
    kind = kind_of(prompt)
    if kind in ("form", "cards", "page"):  # numbers need no introduction, and a small model would invent one
        wish = "asks people to fill in this form" if kind == "form" else "welcomes people to this page"
        if intro := await prose.sentence("introduction", f"Write one short sentence that {wish}: {title}."):
            yield {"id": "intro", "parent": "", "type": "text", "text": intro}
    match kind:
        case "form":
            made = _form(prompt)
        case "dashboard":
            made = _dashboard(prompt, title, library, notices)
        case "table":
            made = _table(prompt, title, notices)
        case _:
            async for node in _cards(prompt, title, library, prose):
                yield node
            return
    for node in made:
        yield node


def _form(prompt: str) -> list[Node]:
    fields = brief.items(prompt) or next(names for pattern, names in _FIELDS if pattern.search(prompt))
    made: list[Node] = [{"id": "form", "parent": "", "type": "form", "submit": "Send"}]
    for number, label in enumerate(fields, 1):
        kind = next((_INPUTS[word] for word in re.findall(r"\w+", label.lower()) if word in _INPUTS), "text")
        required = kind not in ("checkbox", "url")
        made.append(
            {"id": f"f{number}", "parent": "form", "type": "input", "label": label, "kind": kind, "required": required}
        )
    return made


def _dashboard(prompt: str, title: str, library: Library, notices: list[str]) -> list[Node]:
    numbers = brief.numbers(prompt)
    if not numbers:
        notices.append(NO_NUMBERS)
    shown = [(number.label, number.written) for number in numbers] or [(item, "—") for item in brief.items(prompt)]
    shown = [(label[:1].upper() + label[1:], value) for label, value in shown] or [(title, "—")]
    if not {"grid", "stat", "chart"} <= library.components:
        rows: list[JsonValue] = [[label, value] for label, value in shown]
        return [{"id": "table", "parent": "", "type": "table", "columns": ["What", "Value"], "rows": rows}]
    made: list[Node] = [{"id": "grid", "parent": "", "type": "grid", "columns": min(4, len(shown))}]
    made += [
        {"id": f"s{number}", "parent": "grid", "type": "stat", "label": label, "value": value}
        for number, (label, value) in enumerate(shown[:8], 1)
    ]
    units = {re.sub(r"[\d.,\s+-]", "", number.written) for number in numbers}
    if len(numbers) > 1 and len(units) == 1:  # numbers of different units do not stand on one axis
        series: list[JsonValue] = [{"name": "", "values": [number.value for number in numbers]}]
        kind = "line" if re.search(r"\b(line|trend|over time)\b", prompt, re.I) else "bar"
        labels: list[JsonValue] = [label for label, _ in shown]
        made.append(
            {
                "id": "chart",
                "parent": "",
                "type": "chart",
                "title": title,
                "kind": kind,
                "labels": labels,
                "series": series,
            }
        )
    return made


def _table(prompt: str, title: str, notices: list[str]) -> list[Node]:
    numbers = brief.numbers(prompt)
    columns: list[JsonValue] = ["Name", "Value"] if numbers else [*(brief.items(prompt) or ("Name", "Description"))]
    rows: list[JsonValue] = [[number.label, number.written] for number in numbers]
    if not rows:
        notices.append(
            "The request names no rows, and the built-in model invents none: one empty row shows their place."
        )
        rows = [["—"] * len(columns)]
    return [{"id": "table", "parent": "", "type": "table", "caption": title, "columns": columns, "rows": rows}]


async def _cards(prompt: str, title: str, library: Library, prose: Prose) -> AsyncIterator[Node]:
    framed = {"grid", "card"} <= library.components
    kind = "card" if framed else "section"
    if framed:
        yield {"id": "grid", "parent": "", "type": "grid", "columns": 3}
    for number, item in enumerate(brief.items(prompt) or ("About", "What you get", "Contact"), 1):
        yield {"id": f"c{number}", "parent": "grid" if framed else "", "type": kind, "title": item}
        text = await prose.sentence(
            f"text about {item[:40]}",
            f"A page is about: {title}. Write one short sentence for its part called {item}.",
            about=item,
        )
        text = text or "Your text for this part."
        yield {"id": f"t{number}", "parent": f"c{number}", "type": "text", "text": text}
