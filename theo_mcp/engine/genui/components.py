"""The components of a user interface, as data. None holds markup, a script or a style: how they look is the library's.

A tree of them is what `structured_output` carries; `theo_mcp.engine.genui.draft` makes it from what a model wrote.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from theo_mcp.artifacts.draft import Line, Series, Words, fitting

Prose: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Tone: TypeAlias = Literal["info", "success", "warning", "error"]


class Component(BaseModel):
    """One component; what it does not know is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    holds: ClassVar[bool] = False
    """Whether other components stand in it."""


class Container(Component):
    """A component that others stand in."""

    holds: ClassVar[bool] = True


class Section(Container):
    type: Literal["section"] = "section"
    title: Words = ""
    children: tuple[AnyComponent, ...] = ()


class Stack(Container):
    type: Literal["stack"] = "stack"
    direction: Literal["row", "column"] = "column"
    children: tuple[AnyComponent, ...] = ()


class Grid(Container):
    type: Literal["grid"] = "grid"
    columns: int = Field(2, ge=1, le=4)
    children: tuple[AnyComponent, ...] = ()


class Card(Container):
    type: Literal["card"] = "card"
    title: Words = ""
    children: tuple[AnyComponent, ...] = ()


class Tabs(Container):
    """Its sections and cards are shown one at a time, under their titles."""

    type: Literal["tabs"] = "tabs"
    children: tuple[AnyComponent, ...] = ()


class Form(Container):
    type: Literal["form"] = "form"
    title: Words = ""
    submit: Line = "Send"
    children: tuple[AnyComponent, ...] = ()


class Heading(Component):
    type: Literal["heading"] = "heading"
    text: Line


class Text(Component):
    type: Literal["text"] = "text"
    text: Prose


class Items(Component):
    type: Literal["list"] = "list"
    items: tuple[Line, ...] = Field(min_length=1, max_length=50)
    ordered: bool = False


class Table(Component):
    type: Literal["table"] = "table"
    caption: Words = ""
    columns: tuple[Line, ...] = Field(min_length=1, max_length=12)
    rows: tuple[tuple[Words, ...], ...] = Field(default=(), max_length=200)

    @model_validator(mode="after")
    def _as_wide(self) -> Self:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row has {len(row)} cells, and there are {len(self.columns)} columns")
        return self


class Input(Component):
    type: Literal["input"] = "input"
    label: Line
    kind: Literal[
        "text", "email", "password", "number", "date", "time", "tel", "url", "search", "textarea", "checkbox"
    ] = "text"
    placeholder: Words = ""
    required: bool = False


class Select(Component):
    type: Literal["select"] = "select"
    label: Line
    options: tuple[Line, ...] = Field(min_length=1, max_length=100)
    required: bool = False


class Button(Component):
    type: Literal["button"] = "button"
    label: Line
    kind: Literal["primary", "secondary"] = "primary"


class Link(Component):
    """A link; an address that the prompt does not hold is taken out of it."""

    type: Literal["link"] = "link"
    label: Line
    href: Words = ""


class Image(Component):
    """An image by what it shows; an address that the prompt does not hold is taken out, and a frame says what is
    missing."""

    type: Literal["image"] = "image"
    alt: Line
    src: Words = ""


class Graph(Component):
    type: Literal["chart"] = "chart"
    title: Words = ""
    kind: Literal["bar", "line"] = "bar"
    labels: tuple[Words, ...] = Field(min_length=1, max_length=60)
    series: tuple[Series, ...] = Field(min_length=1, max_length=6)

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        return fitting(self, self.labels, self.series)


class Alert(Component):
    type: Literal["alert"] = "alert"
    tone: Tone = "info"
    text: Prose


class Badge(Component):
    type: Literal["badge"] = "badge"
    tone: Tone = "info"
    text: Line


class Stat(Component):
    type: Literal["stat"] = "stat"
    label: Line
    value: Line
    change: Words = ""


class Progress(Component):
    type: Literal["progress"] = "progress"
    label: Line
    value: float = Field(ge=0, le=100)


class Divider(Component):
    type: Literal["divider"] = "divider"


AnyComponent: TypeAlias = Annotated[
    Section | Stack | Grid | Card | Tabs | Form | Heading | Text | Items | Table | Input | Select | Button | Link
    | Image | Graph | Alert | Badge | Stat | Progress | Divider,
    Field(discriminator="type"),
]  # fmt: skip


class Page(Container):
    """The root of a tree."""

    type: Literal["page"] = "page"
    title: Line
    children: tuple[AnyComponent, ...] = ()


_CLASSES: Final = (
    Section, Stack, Grid, Card, Tabs, Form, Heading, Text, Items, Table, Input, Select, Button, Link, Image, Graph,
    Alert, Badge, Stat, Progress, Divider,
)  # fmt: skip
COMPONENTS: Final[dict[str, type[Component]]] = {each.model_fields["type"].default: each for each in _CLASSES}
"""Every component but the page, by its type."""
for _each in (*_CLASSES[:6], Page):
    _each.model_rebuild()
