"""What the commands ``theo.run`` and ``theo.do`` are given: one argument each.

That of ``theo.run`` was made by this server when it offered the action; an editor hands it back as it was, but nothing
proves that. That of ``theo.do`` is written by a plug-in, which names an action and a place. Both are checked as if a
stranger had written them: only a document that the editor has open can be meant, at the version that it has now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from lsprotocol import types
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from theo_lsp.actions import Action, Gives, NewFile, Offer, all_actions, find, offer_for
from theo_lsp.cut import cut
from theo_lsp.documents import Document, Documents
from theo_lsp.edits.places import Span
from theo_lsp.selection import Flaw, Selection
from theo_mcp.errors import InputError

_Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
_MOST_FLAWS = 200
_LONGEST_MESSAGE = 500
_LONGEST_INSTRUCTION = 4_000


class _Argument(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)


_ArgumentT = TypeVar("_ArgumentT", bound=_Argument)


class _Position(_Argument):
    line: _Count
    character: _Count


class _Range(_Argument):
    start: _Position
    end: _Position


class _Diagnostic(_Argument):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, defer_build=True)

    range: _Range
    message: str
    source: str | None = None
    code: str | int | None = None


class _Place(_Argument):
    action: str = Field(max_length=40)
    uri: str = Field(max_length=8192)
    range: _Range
    instruction: str = Field("", max_length=_LONGEST_INSTRUCTION)
    diagnostics: list[_Diagnostic] = Field(default=[], max_length=10_000)
    dry: bool = False


class _Run(_Place):
    v: Literal[1]
    version: int


class _Do(_Place):
    version: int | None = None


@dataclass(frozen=True)
class Order:
    """A checked argument."""

    action: Action
    document: Document
    span: Span
    instruction: str
    dry: bool
    """Whether only the prompt is shown, and nothing is sent."""
    flaws: tuple[Flaw, ...] = ()
    file: NewFile | None = None
    """The file that is made, once the disk was looked at."""

    @property
    def title(self) -> str:
        return self.action.title

    @property
    def prompt(self) -> str:
        """What the model is told to do."""
        task = self.action.task(self.selection, self.instruction)
        return f"{task}\n{self.file.about}" if self.file and self.file.about else task

    @property
    def gives(self) -> Gives:
        """What becomes of the answer."""
        return self.action.gives_in(self.document.language)

    @property
    def selection(self) -> Selection:
        return Selection(self.document, self.span, self.flaws)

    def with_file(self, folders: Iterable[Path]) -> Order:
        """The same order, with the file that is to be made; it looks at the disk."""
        make = self.action.new_file if self.gives == "file" else None
        return replace(self, file=make(self.selection, self.instruction, [*folders])) if make else self


def argument(action: Action, offer: Offer, selection: Selection, *, dry: bool = False) -> dict[str, JsonValue]:
    """What `checked` takes, for an action that is offered at `selection`."""
    document = selection.document
    return {
        "v": 1,
        "action": action.name,
        "uri": document.uri,
        "version": document.version,
        "range": _written(document, offer.span),
        "instruction": cut(offer.instruction, _LONGEST_INSTRUCTION),
        "diagnostics": [
            {
                "range": _written(document, flaw.span),
                "message": cut(flaw.message, _LONGEST_MESSAGE),
                "source": flaw.source,
                "code": flaw.code,
            }
            for flaw in selection.flaws
        ],
        "dry": dry,
    }


def checked(arguments: Sequence[object] | None, documents: Documents) -> Order:
    """The order that the arguments of ``theo.run`` are.

    Raises:
        InputError: they are not what this server offers, or mean another document or another version.
    """
    run = _parsed(_Run, "theo.run", arguments)
    action, document = _action(run), _document(run, documents, run.version)
    return Order(action, document, _span(document, run.range), run.instruction.strip(), run.dry, _flaws(document, run))


def asked(arguments: Sequence[object] | None, documents: Documents, *, locale: str = "") -> Order:
    """The order that the arguments of ``theo.do`` are: what the menu would offer at that place.

    Raises:
        InputError: as `checked`, or the action is not offered there.
    """
    do = _parsed(_Do, "theo.do", arguments)
    action, document = _action(do), _document(do, documents, do.version)
    selection = Selection(document, _span(document, do.range), _flaws(document, do), locale=locale)
    offer = offer_for(action, selection, do.instruction)
    if offer is None:
        raise InputError(
            f"“{action.title}” is not offered here.",
            code="not_offered",
            hint="Put the cursor into the definition or the comment that is meant, or select its lines.",
        )
    return Order(action, document, offer.span, offer.instruction, do.dry, selection.flaws)


def _parsed(kind: type[_ArgumentT], command: str, arguments: Sequence[object] | None) -> _ArgumentT:
    if arguments is None or len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise InputError(f"{command} takes one argument, an object.", hint="Choose an action from the editor's menu.")
    try:
        return kind.model_validate(arguments[0])
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"])
        wrong = "input should be an object" if first["type"] == "model_type" else first["msg"][:80].lower()
        raise InputError(
            f"The argument of {command} is not one that this server offers: {where}: {wrong}.",
            hint="Choose the action again from the editor's menu.",
        ) from None


def _action(place: _Place) -> Action:
    action = find(place.action)
    if action is None:
        near = get_close_matches(place.action, [action.name for action in all_actions()], n=1)
        raise InputError(
            "There is no such action.",
            hint=f"Did you mean {near[0]}?" if near else "Choose one from the editor's menu.",
        )
    return action


def _document(place: _Place, documents: Documents, version: int | None) -> Document:
    document = documents.get(place.uri)
    if document is None:
        raise InputError(
            "The document is not open in the editor, and only open documents are read or changed.",
            code="not_open",
            hint="Open it, and choose the action again.",
        )
    if version is not None and document.version != version:
        raise InputError(
            "The document has changed since the action was offered.",
            code="stale",
            hint="Choose the action again.",
        )
    return document


def _span(document: Document, range: _Range) -> Span:
    start, end = (types.Position(edge.line, edge.character) for edge in (range.start, range.end))
    return document.span(types.Range(start, end))


def _flaws(document: Document, place: _Place) -> tuple[Flaw, ...]:
    return tuple(
        Flaw(
            _span(document, each.range),
            cut(each.message, _LONGEST_MESSAGE),
            each.source or "",
            "" if each.code is None else str(each.code),
        )
        for each in place.diagnostics[:_MOST_FLAWS]
    )


def _written(document: Document, span: Span) -> dict[str, JsonValue]:
    range = document.range(span)
    return {
        "start": {"line": range.start.line, "character": range.start.character},
        "end": {"line": range.end.line, "character": range.end.character},
    }
