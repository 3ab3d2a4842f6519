"""What the command ``theo.run`` is given: one argument, which this server made when it offered the action.

An editor hands it back as it was, but nothing proves that. So it is checked as if a stranger had written it: only a
document that the editor has open can be meant, at the version that it has now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from lsprotocol import types
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from theo_lsp.actions import Action, Offer, find
from theo_lsp.documents import Document, Documents
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection
from theo_mcp.errors import InputError

_Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Argument(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


class _Position(_Argument):
    line: _Count
    character: _Count


class _Range(_Argument):
    start: _Position
    end: _Position


class _Run(_Argument):
    v: Literal[1]
    action: str = Field(max_length=40)
    uri: str = Field(max_length=8192)
    version: int
    range: _Range
    instruction: str = Field("", max_length=4_000)
    dry: bool = False


@dataclass(frozen=True)
class Order:
    """A checked argument."""

    action: Action
    document: Document
    span: Span
    instruction: str
    dry: bool
    """Whether only the prompt is shown, and nothing is sent."""

    @property
    def title(self) -> str:
        return self.action.title

    @property
    def prompt(self) -> str:
        """What the model is told to do."""
        return self.action.task(self.selection, self.instruction)

    @property
    def selection(self) -> Selection:
        return Selection(self.document, self.span)


def argument(action: Action, offer: Offer, document: Document, *, dry: bool = False) -> dict[str, JsonValue]:
    """What `checked` takes, for an action that is offered."""
    range = document.range(offer.span)
    return {
        "v": 1,
        "action": action.name,
        "uri": document.uri,
        "version": document.version,
        "range": {
            "start": {"line": range.start.line, "character": range.start.character},
            "end": {"line": range.end.line, "character": range.end.character},
        },
        "instruction": offer.instruction[:4_000],
        "dry": dry,
    }


def checked(arguments: Sequence[object] | None, documents: Documents) -> Order:
    """The order that the arguments of a command are.

    Raises:
        InputError: they are not what this server offers, or mean another document or another version.
    """
    try:
        if arguments is None or len(arguments) != 1 or not isinstance(arguments[0], dict):
            raise InputError("theo.run takes one argument, an object.", hint="Choose an action from the editor's menu.")
        run = _Run.model_validate(arguments[0])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"])
        raise InputError(
            f"The argument of theo.run is not one that this server offers: {where}: {first['msg'][:80].lower()}.",
            hint="Choose the action again from the editor's menu.",
        ) from None
    action = find(run.action)
    if action is None:
        raise InputError("There is no such action.", hint="Choose one from the editor's menu.")
    document = documents.get(run.uri)
    if document is None:
        raise InputError(
            "The document is not open in the editor, and only open documents are read or changed.",
            code="not_open",
            hint="Open it, and choose the action again.",
        )
    if document.version != run.version:
        raise InputError(
            "The document has changed since the action was offered.",
            code="stale",
            hint="Choose the action again.",
        )
    edges = [types.Position(edge.line, edge.character) for edge in (run.range.start, run.range.end)]
    span = document.span(types.Range(*edges))
    return Order(action, document, span, run.instruction.strip(), run.dry)
