"""A tree of components as one HTML page that stands alone: no script, no address but those of the request.

Every text is escaped here and nowhere else; a component has no markup to bring.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import count
from typing import assert_never

from theo_mcp.engine.genui import graph
from theo_mcp.engine.genui.components import (
    Alert,
    AnyComponent,
    Badge,
    Button,
    Card,
    Divider,
    Form,
    Graph,
    Grid,
    Heading,
    Image,
    Input,
    Items,
    Link,
    Page,
    Progress,
    Section,
    Select,
    Stack,
    Stat,
    Table,
    Tabs,
    Text,
)
from theo_mcp.engine.genui.libraries import Library

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; base-uri 'none'"


def html(page: Page, library: Library, language: str = "") -> str:
    """The page of `page`, in the look of `library`."""
    body = _Renderer().page(page)
    lang = f' lang="{escape(language)}"' if language else ""
    return (
        f'<!doctype html>\n<html{lang}>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        f"<title>{escape(page.title)}</title>\n<style>{library.style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


class _Renderer:
    """One page: it counts the ids that labels need."""

    def __init__(self) -> None:
        self._ids = count(1)

    def page(self, page: Page) -> str:
        return f"<main>\n<h1>{escape(page.title)}</h1>\n{self._all(page.children, 2, page.title)}\n</main>"

    def _all(self, children: Iterable[AnyComponent], level: int, above: str = "") -> str:
        """The children; a heading that only says the title above it again is left out."""
        return "\n".join(
            self._one(child, level)
            for child in children
            if not (isinstance(child, Heading) and child.text.casefold() == above.casefold())
        )

    def _one(self, part: AnyComponent, level: int) -> str:
        match part:
            case Section():
                return self._titled("section", "", part.title, part.children, level)
            case Card():
                return self._titled("div", "card", part.title, part.children, level)
            case Form():
                return self._form(part, level)
            case Stack():
                kind = "row" if part.direction == "row" else "stack"
                return f'<div class="{kind}">{self._all(part.children, level)}</div>'
            case Grid():
                return f'<div class="grid">{self._all(part.children, level)}</div>'
            case Tabs():
                return self._tabs(part, level)
            case Heading():
                return _heading(part.text, level)
            case Text():
                return "".join(f"<p>{escape(line)}</p>" for line in part.text.split("\n") if line.strip())
            case Items():
                tag = "ol" if part.ordered else "ul"
                return f"<{tag}>{''.join(f'<li>{escape(item)}</li>' for item in part.items)}</{tag}>"
            case Table():
                return _table(part)
            case Input():
                return self._input(part)
            case Select():
                id = self._id()
                options = "".join(f"<option>{escape(option)}</option>" for option in part.options)
                return _field(id, part.label, f'<select id="{id}" name="{id}"{_required(part)}>{options}</select>')
            case Button():
                secondary = ' class="secondary"' if part.kind == "secondary" else ""
                return f'<button type="button"{secondary}>{escape(part.label)}</button>'
            case Link():
                return f'<a href="{escape(part.href or "#")}" rel="noopener noreferrer">{escape(part.label)}</a>'
            case Image():
                return _image(part)
            case Graph():
                return graph.figure(part)
            case Alert():
                return f'<div class="alert {part.tone}" role="note">{escape(part.text)}</div>'
            case Badge():
                return f'<span class="badge {part.tone}">{escape(part.text)}</span>'
            case Stat():
                change = f'<dd class="change">{escape(part.change)}</dd>' if part.change else ""
                return f'<dl class="stat"><dt>{escape(part.label)}</dt><dd>{escape(part.value)}</dd>{change}</dl>'
            case Progress():
                id = self._id()
                bar = f'<progress id="{id}" max="100" value="{part.value:g}">{part.value:g} %</progress>'
                return _field(id, f"{part.label} ({part.value:g} %)", bar)
            case Divider():
                return "<hr>"
            case _:
                assert_never(part)

    def _titled(self, tag: str, kind: str, title: str, children: tuple[AnyComponent, ...], level: int) -> str:
        named = f' class="{kind}"' if kind else ""
        if not title:
            return f"<{tag}{named}>{self._all(children, level)}</{tag}>"
        return f"<{tag}{named}>{_heading(title, level)}{self._all(children, level + 1, title)}</{tag}>"

    def _form(self, form: Form, level: int) -> str:
        title = _heading(form.title, level) if form.title else ""
        inside = self._all(form.children, level + bool(title), form.title)
        sends = any(isinstance(child, Button) and child.kind == "primary" for child in form.children)
        button = "" if sends else f'<button type="submit">{escape(form.submit)}</button>'
        return f"<form>{title}{inside}{button}</form>"

    def _tabs(self, tabs: Tabs, level: int) -> str:
        """Parts that open one at a time, without a script; only the first is open."""
        group = self._id()
        shown = []
        for number, child in enumerate(tabs.children):
            titled = isinstance(child, Section | Card)
            title = child.title if isinstance(child, Section | Card) else ""
            inside = self._all(child.children, level) if isinstance(child, Section | Card) else self._one(child, level)
            opened = " open" if number == 0 else ""
            name = escape(title if titled and title else f"{number + 1}")
            shown.append(f'<details name="{group}"{opened}><summary>{name}</summary>{inside}</details>')
        return f'<div class="tabs">{"".join(shown)}</div>'

    def _input(self, field: Input) -> str:
        id = self._id()
        if field.kind == "checkbox":
            box = f'<input type="checkbox" id="{id}" name="{id}"{_required(field)}>'
            return f'<p class="check">{box}<label for="{id}">{escape(field.label)}</label></p>'
        hint = f' placeholder="{escape(field.placeholder)}"' if field.placeholder else ""
        if field.kind == "textarea":
            return _field(id, field.label, f'<textarea id="{id}" name="{id}"{hint}{_required(field)}></textarea>')
        complete = {"email": "email", "tel": "tel", "url": "url"}.get(field.kind)
        complete = f' autocomplete="{complete}"' if complete else ""
        return _field(
            id, field.label, f'<input type="{field.kind}" id="{id}" name="{id}"{complete}{hint}{_required(field)}>'
        )

    def _id(self) -> str:
        return f"part-{next(self._ids)}"


def _heading(text: str, level: int) -> str:
    tag = f"h{min(level, 6)}"
    return f"<{tag}>{escape(text)}</{tag}>"


def _field(id: str, label: str, control: str) -> str:
    return f'<p class="field"><label for="{id}">{escape(label)}</label>{control}</p>'


def _required(field: Input | Select) -> str:
    return " required" if field.required else ""


def _table(table: Table) -> str:
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in table.rows)
    inside = f"{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="scroll" tabindex="0" role="group"><table>{inside}</table></div>'


def _cell(text: str) -> str:
    number = ' class="number"' if text and text.strip("-+$€£% ").replace(",", "").replace(".", "", 1).isdigit() else ""
    return f"<td{number}>{escape(text)}</td>"


def _image(image: Image) -> str:
    if image.src.startswith("https://"):
        return f'<img src="{escape(image.src)}" alt="{escape(image.alt)}" loading="lazy" referrerpolicy="no-referrer">'
    return f'<figure class="missing"><p>Image: {escape(image.alt)}</p></figure>'
