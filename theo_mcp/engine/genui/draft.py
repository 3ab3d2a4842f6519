"""Between what a model writes and a tree of components.

The model writes a flat list: each node names its parent by id. Such a list has no recursion, which grammars of model
servers handle badly, and it can be read while it comes. What does not fit is told in words that the model can act on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from pydantic import JsonValue, ValidationError

from theo_mcp.engine import brief
from theo_mcp.engine.genui.components import COMPONENTS, Component, Container, Page
from theo_mcp.engine.genui.libraries import Library
from theo_mcp.engine.schemas import schema_of
from theo_mcp.wire.model import read_json

MOST_NODES: Final = 120
_DEEPEST: Final = 8
_MOST_TOLD: Final = 8
_FENCE: Final = re.compile(r"\s*```[a-z]*[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)


class UnfitError(Exception):
    """What a model wrote is no tree of the library; each of `problems` is a sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems[:_MOST_TOLD]))
        self.problems = problems[:_MOST_TOLD]


@cache
def schema(library: Library) -> dict[str, JsonValue]:
    """The JSON schema of a draft: two levels deep, with a limit on every length."""
    nodes: list[JsonValue] = [_node_schema(kind) for kind in sorted(library.components)]
    return {
        "type": "object",
        "properties": {
            "title": {"type": "string", "maxLength": 120},
            "nodes": {"type": "array", "minItems": 1, "maxItems": 60, "items": {"anyOf": nodes}},
        },
        "required": ["title", "nodes"],
        "additionalProperties": False,
    }


def instructions(library: Library) -> str:
    """What a model is told beside the prompt."""
    holders = sorted(kind for kind in library.components if COMPONENTS[kind].holds)
    kinds = "\n".join(f"- {kind}: {', '.join(_fields(kind)) or 'nothing else'}" for kind in sorted(library.components))
    return (
        "Design a user interface for this request. Answer with one JSON object alone: "
        '{"title": "…", "nodes": [{"id": "a", "parent": "", "type": "section", "title": "…"}, …]}.\n'
        "Each node has an id, the id of its parent (an empty string for the top) and a type; a parent comes before its "
        f"children. The types, with their further fields:\n{kinds}\n"
        f"Only these hold other nodes: {', '.join(holders)}. Use only facts, numbers and addresses of the request."
    )


def tree(text: str, library: Library, prompt: str) -> Page:
    """The page that `text` describes. Addresses that `prompt` does not hold are taken out.

    Raises:
        UnfitError: it is no draft, or does not fit the library.
    """
    title, nodes = _read(text)
    problems: list[str] = []
    known: dict[str, Component] = {}
    below: dict[str, list[str]] = {"": []}
    for number, node in enumerate(nodes, 1):
        id, parent = str(node.get("id", number)), str(node.get("parent") or "")
        parent = "" if parent in ("page", "root", "null") and parent not in known else parent
        place = f"node {id[:40]!r}"
        if id in known or id == "":
            problems.append(f"{place}: its id is not its own")
        elif parent and parent not in known:
            problems.append(f"{place}: its parent {parent[:40]!r} does not come before it")
        elif parent and not known[parent].holds:
            problems.append(f"{place}: its parent {parent[:40]!r} holds no other nodes")
        else:
            try:
                known[id] = _component(node, library, brief.addresses(prompt))
            except ValueError as error:
                problems.append(f"{place}: {error}")
                continue
            below.setdefault(parent, []).append(id)
    if problems:
        raise UnfitError(problems)
    try:
        return Page(title=title, children=tuple(_grown(known, below, "", 1)))
    except ValidationError as error:
        raise UnfitError([_said(error)]) from None


def _read(text: str) -> tuple[str, list[dict[str, JsonValue]]]:
    fenced = _FENCE.match(text)
    try:
        read = read_json(fenced[1] if fenced else text)
    except ValueError:
        raise UnfitError(["it is not one JSON object; it may have been cut"]) from None
    nodes = read.get("nodes") if isinstance(read, dict) else None
    if not isinstance(read, dict) or not isinstance(nodes, list) or not nodes:
        raise UnfitError(['it is not an object with "title" and a list "nodes"'])
    if len(nodes) > MOST_NODES:
        raise UnfitError([f"it has {len(nodes)} nodes, and {MOST_NODES} are the most"])
    title = read.get("title")
    if not isinstance(title, str) or not title.strip() or not all(isinstance(node, dict) for node in nodes):
        raise UnfitError(["the title is not a text" if not isinstance(title, str) else "a node is not an object"])
    return title.strip()[:200], nodes


def _component(node: dict[str, JsonValue], library: Library, addresses: frozenset[str]) -> Component:
    """
    Raises:
        ValueError: it does not fit.
    """
    kind = str(node.get("type", ""))
    if kind not in library.components:
        raise ValueError(f"the library {library.name} has no component {kind[:40]!r}")
    fields = {
        name: value for name, value in node.items() if name not in ("id", "parent", "children") and value is not None
    }
    for name in ("href", "src"):
        if str(fields.get(name, "")).removeprefix("mailto:") not in addresses:
            fields.pop(name, None)
    try:
        return COMPONENTS[kind].model_validate(fields)
    except ValidationError as error:
        raise ValueError(f"{kind}: {_said(error)}") from None


def _grown(known: dict[str, Component], below: dict[str, list[str]], parent: str, depth: int) -> Iterator[Component]:
    for id in below.get(parent, ()):
        component = known[id]
        children = below.get(id)
        if not children:
            yield component
            continue
        if depth >= _DEEPEST:
            raise UnfitError([f"it is more than {_DEEPEST} levels deep"])
        assert isinstance(component, Container)
        yield component.model_copy(update={"children": tuple(_grown(known, below, id, depth + 1))})


def _said(error: ValidationError) -> str:
    """The first complaint, without what was written."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")


def _fields(kind: str) -> list[str]:
    return [name for name in COMPONENTS[kind].model_fields if name not in ("type", "children")]


def _node_schema(kind: str) -> JsonValue:
    whole = schema_of(COMPONENTS[kind])
    inside, required = whole["properties"], whole.get("required", [])
    assert isinstance(inside, dict) and isinstance(required, list)
    inside.pop("children", None)
    name: JsonValue = {"type": "string", "maxLength": 20}
    names: dict[str, JsonValue] = {"id": name, "parent": name}
    return {
        "type": "object",
        "properties": {**names, **inside, "type": {"type": "string", "enum": [kind]}},
        "required": ["id", "parent", "type", *required],
        "additionalProperties": False,
    }
