"""What becomes of an answer: one edit, a document to read, or a new file.

An edit goes only where nothing was typed since, or where the user says so. What is doubtful is shown before, and so is
every edit if the user wants that. Editors refuse an edit of an older version, and one of them says that it applied it
all the same; so what the document becomes is looked at, and the edit is made anew for the version that came between.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Final, Literal

import anyio
import anyio.to_thread
from lsprotocol import types

from theo_lsp.actions import NewFile
from theo_lsp.documents import Document, Documents, Target, names_of, path_of
from theo_lsp.editor import Editor
from theo_lsp.edits.answer import Found, Refused, code_of
from theo_lsp.edits.changes import carried, inside, minimal, shows
from theo_lsp.edits.edited import Doubt, Edited, edited
from theo_lsp.edits.parsing import parses
from theo_lsp.edits.places import Span
from theo_lsp.edits.written import written
from theo_lsp.generation import Answer
from theo_lsp.order import Order
from theo_lsp.preview import agreed_to
from theo_lsp.shown import Shown
from theo_mcp.errors import ModelError

ANYWAY, COPY, DISCARD = "Apply anyway", "Copy to a new document", "Discard"
_DOUBTS: Final[Mapping[Doubt, str]] = {
    "truncated": "the answer was cut",
    "left out": "the answer leaves code out",
    "joined": "the answer comes in several pieces",
    "beyond": "the answer changes more than was asked for",
    "does not parse": "the document would not parse",
    "refuses": "the answer may be a refusal",
}
_TRIES = 3
_MOST_LATE = 20
_SETTLE_S = 1.0
_LOOK_S = 0.02
_CLOSED_S = 0.1


@dataclass(frozen=True)
class _Proposal:
    """What a document shall become, and the text of it that this was made for."""

    before: str
    after: str
    agreed: bool = False
    """Whether the user has seen it."""


class Delivery:
    """Brings answers to their place. What it returns tells the user how it went."""

    def __init__(
        self,
        editor: Editor,
        documents: Documents,
        shown: Shown,
        *,
        worse: Callable[[str, str, str], Awaitable[bool | None]],
        preview: Literal["auto", "always", "never"] = "auto",
        phase: Callable[[str], None] = lambda phase: None,
    ) -> None:
        """`worse` tells whether a text (the second) has more faults than another (the first), in a language."""
        self._editor, self._documents, self._shown, self._worse = editor, documents, shown, worse
        self._preview, self._phase = preview, phase

    async def deliver(self, order: Order, target: Target, answer: Answer) -> str:
        """Raises:
        ModelError: the answer holds nothing that can be used.
        """
        if order.gives == "text":
            if not answer.text.strip():
                raise ModelError("The answer is empty.", hint="Try again, or with another model.")
            await self._shown.show(f"{order.action.name}.md", answer.text)
            return _done("shown", answer)
        if order.file is not None:
            name, language = order.file.name, order.file.language
            found = code_of(answer.text, language, file=name, finish_reason=answer.finish_reason)
            if isinstance(found, Refused):
                raise _unusable(found)
            return _done(await self._new_file(order, order.file, found), answer)
        return _done(await self._replace(order, target, answer), answer)

    async def _replace(self, order: Order, target: Target, answer: Answer) -> str:
        proposal: _Proposal | None = None
        tries = late = 0
        while True:
            document = self._documents.get(target.uri)
            if document is None or target.touched or tries == _TRIES or late == _MOST_LATE:
                question = _question(order, closed=document is None or target.lost)
                choice = await self._editor.choose(
                    question, [COPY, DISCARD] if target.lost else [ANYWAY, COPY, DISCARD]
                )
                document = self._documents.get(target.uri)
                nowhere = document is None or target.lost
                if choice in (COPY, None) or (choice == ANYWAY and nowhere):  # an answer that nobody refused is kept
                    return await self._copy(order.document, answer, "copied to a new document")
                if choice != ANYWAY or document is None:
                    return "discarded"
                target.touched, tries, late, proposal = False, 0, 0, None
            if proposal is None:
                made = await self._proposed(order, target.span, document, answer)
                if isinstance(made, str):
                    return made
                proposal = made  # none where the document was closed before anybody agreed
                continue  # somebody may have typed meanwhile
            after = carried(proposal.before, proposal.after, document.text)
            if after is None:  # it was typed where the edit goes, and yet not inside of the target
                target.touched, late, proposal = proposal.agreed, late + 1, None
                continue
            changes = minimal(document.text, after)
            if not changes:
                return "nothing to change"
            changes = inside(document.text, changes)
            edits = [types.TextEdit(document.range(change.span), change.text) for change in changes]
            versioned = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
            edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(versioned, edits)])
            target.awaited = after  # somebody may type on before it is looked at again
            taken = await self._editor.apply(f"Theo: {order.title}", edit)
            if taken is None:
                return "the editor did not say whether it applied the edit"
            if taken and await self._landed(target, document):
                return "applied"
            if self._documents.get(target.uri) is document:
                tries += 1
            else:  # somebody types faster than an edit travels
                late += 1

    async def _proposed(self, order: Order, span: Span, document: Document, answer: Answer) -> _Proposal | str | None:
        """What the document shall become, agreed by the user where that is wanted; or how it ended without; None where
        the document was closed meanwhile."""
        make = partial(_edited, order, answer, document, span)
        result = await anyio.to_thread.run_sync(make, abandon_on_cancel=True)  # a long text takes long
        if isinstance(result, Refused):
            raise _unusable(result)
        if result.unsure and await self._worse(document.text, result.after, document.language):
            result = result.doubted("does not parse")
        doubt = _DOUBTS[result.doubts[0]] if result.doubts else ""
        if doubt and (self._preview == "never" or not self._editor.previews):
            return await self._copy(document, answer, f"not applied: {doubt}; it is shown")
        if not result.changes or not (doubt or self._preview == "always"):
            return _Proposal(document.text, result.after)
        self._phase("waiting for you")
        text: str | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._until_closed, document.uri, tasks.cancel_scope.cancel)
            text = await agreed_to(self._editor, self._shown, f"Theo: {order.title}", document, result.after, doubt)
            tasks.cancel_scope.cancel()
        self._phase("applying")
        if text is None:
            return "rejected" if self._documents.get(document.uri) else None
        return _Proposal(document.text, text, agreed=True)

    async def _until_closed(self, uri: str, then: Callable[[], None]) -> None:
        while self._documents.get(uri) is not None:  # noqa: ASYNC110 - it may be open for an hour
            await anyio.sleep(_CLOSED_S)
        then()

    async def _copy(self, document: Document, answer: Answer, how: str) -> str:
        name = _name(document)
        found = code_of(answer.text, document.language, file=name, finish_reason=answer.finish_reason)
        await self._shown.show(_copy_of(name), answer.text if isinstance(found, Refused) else found.code)
        return how

    async def _landed(self, target: Target, before: Document) -> bool:
        """Whether the edit that an editor says it applied is in the document, as far as the editor tells of it."""
        looked: Document | None = None
        with anyio.move_on_after(_SETTLE_S):
            while True:
                now = self._documents.get(target.uri)
                if now is None or target.awaited is None:
                    return True
                if now is not looked and (target.touched or now.version != before.version):  # typed too, or instead
                    looked, seen = now, partial(shows, now.text, before.text, target.awaited)
                    if await anyio.to_thread.run_sync(seen, abandon_on_cancel=True):
                        return True
                    if not target.touched:
                        return False
                await anyio.sleep(_LOOK_S)
        return not target.touched

    async def _doubt(self, found: Found, language: str) -> str:
        """Why a new file is only shown; empty where there is no doubt."""
        if found.truncated:
            return _DOUBTS["truncated"]
        if found.elided or found.diff:
            return _DOUBTS["left out"]
        parsed = parses(found.code, language)
        fails = await self._worse("", found.code, language) if parsed is None else not parsed
        return "it does not parse" if fails else ""

    async def _new_file(self, order: Order, file: NewFile, found: Found) -> str:
        path, code = path_of(order.document.uri), found.code
        reason = await self._doubt(found, file.language)
        if path is None or not self._editor.creates_files or reason:
            await self._shown.show(_copy_of(file.name), code)
            return f"no file made: {reason}; it is shown" if reason else "shown"
        free = self._free((file.folder or path.parent) / file.name)
        uri = free.as_uri()
        start = types.Range(types.Position(0, 0), types.Position(0, 0))
        edit = types.WorkspaceEdit(
            document_changes=[
                types.CreateFile(uri, options=types.CreateFileOptions(overwrite=False, ignore_if_exists=False)),
                types.TextDocumentEdit(
                    types.OptionalVersionedTextDocumentIdentifier(uri),
                    [types.TextEdit(start, code if code.endswith("\n") else code + "\n")],
                ),
            ]
        )
        taken = await self._editor.apply(f"Theo: {order.title}", edit)
        if taken is False:
            await self._shown.show(_copy_of(file.name), code)
            return "shown"
        await self._editor.show(uri)
        return f"{free.name} made" if taken else "the editor did not say whether it made the file"

    def _free(self, path: Path) -> Path:
        """`path`, or one like it with a number, where nothing is: no file, no link, and no document that is open."""
        numbered = (path.with_name(f"{path.stem}_{number}{path.suffix}") for number in count(2))
        opened = {path_of(document.uri) for document in self._documents.all()}
        return next(each for each in chain([path], numbered) if not (each in opened or os.path.lexists(each)))


def _edited(order: Order, answer: Answer, document: Document, span: Span) -> Edited | Refused:
    if order.gives == "prose":
        return written(
            answer.text,
            document.text,
            span,
            finish_reason=answer.finish_reason,
            may_grow=order.action.improves,
        )
    return edited(
        answer.text,
        document.language,
        document.text,
        span,
        file=_name(document),
        finish_reason=answer.finish_reason,
        keeps=order.action.keeps,
    )


def _unusable(refused: Refused) -> ModelError:
    return ModelError(refused.said, hint="Try again, or with another model.")


def _done(how: str, answer: Answer) -> str:
    return " · ".join(part for part in (how, answer.who) if part)


def _question(order: Order, *, closed: bool) -> str:
    what = "the document was closed" if closed else "this place was changed"
    return f"Theo: {order.title}: {what} meanwhile, and the answer is not applied."


def _name(document: Document) -> str:
    return names_of(document.uri).name or "untitled"


def _copy_of(name: str) -> str:
    return "".join(mark if mark.isalnum() or mark in "._-" else "_" for mark in name[-80:])
