"""What becomes of an answer: one edit, a document to read, or a new file.

An edit goes only where nothing was typed since, or where the user says so. Editors refuse an edit of an older version,
and one of them says that it applied it all the same; so what the document becomes is looked at, and the edit is made
anew for the version that came between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread
from lsprotocol import types

from theo_lsp.documents import Document, Documents, Target, path_of
from theo_lsp.editor import Editor
from theo_lsp.edits.answer import Found, Refused, code_of
from theo_lsp.edits.changes import Change, applied, rebased
from theo_lsp.edits.edited import Doubt, Edited, edited
from theo_lsp.edits.places import Span
from theo_lsp.generation import Answer
from theo_lsp.order import Order
from theo_lsp.shown import Shown
from theo_mcp.errors import ModelError

ANYWAY, COPY, DISCARD = "Apply anyway", "Copy to a new document", "Discard"
_DOUBTS: Final[Mapping[Doubt, str]] = {
    "truncated": "the answer was cut",
    "left out": "the answer leaves code out",
    "joined": "the answer comes in several pieces",
    "beyond": "the answer changes more than was asked for",
    "does not parse": "the document would not parse",
}
_TRIES = 3
_MOST_LATE = 20
_SETTLE_S = 1.0
_LOOK_S = 0.02


class Delivery:
    """Brings answers to their place. What it returns tells the user how it went."""

    def __init__(self, editor: Editor, documents: Documents, shown: Shown) -> None:
        self._editor, self._documents, self._shown = editor, documents, shown

    async def deliver(self, order: Order, target: Target, answer: Answer) -> str:
        """Raises:
        ModelError: the answer holds nothing that can be used.
        """
        if order.action.gives == "text":
            if not answer.text.strip():
                raise ModelError("The answer is empty.", hint="Try again, or with another model.")
            await self._shown.show(f"{order.action.name}.md", answer.text)
            return _done("shown", answer)
        if order.action.gives == "file":
            name = order.action.new_file(order.selection)
            found = code_of(answer.text, order.document.language, file=name, finish_reason=answer.finish_reason)
            if isinstance(found, Refused):
                raise _unusable(found)
            return _done(await self._new_file(order, name, found), answer)
        return _done(await self._replace(order, target, answer), answer)

    async def _replace(self, order: Order, target: Target, answer: Answer) -> str:
        tries, late = 0, 0
        while True:
            document = self._documents.get(target.uri)
            if document is None or target.touched or tries == _TRIES or late == _MOST_LATE:
                choice = await self._editor.choose(_question(order, document), [ANYWAY, COPY, DISCARD])
                document = self._documents.get(target.uri)
                if choice == COPY or (choice == ANYWAY and document is None):
                    return await self._copy(order.document, answer, "copied to a new document")
                if choice != ANYWAY or document is None:
                    return "discarded"
                target.touched, tries, late = False, 0, 0
            target.typed.clear()
            make = partial(_edited, answer, document, target.span)
            result = await anyio.to_thread.run_sync(make, abandon_on_cancel=True)  # a long text takes long
            now = self._documents.get(target.uri)
            if now is not document:
                moved = None if now is None or target.touched else _moved(result, target.typed, now)
                if now is None or moved is None:
                    late += 1
                    continue
                document, result = now, moved
            if isinstance(result, Refused):
                raise _unusable(result)
            if not result.changes:
                return "nothing to change"
            if result.doubts:
                return await self._copy(document, answer, f"not applied: {_DOUBTS[result.doubts[0]]}; it is shown")
            edits = [types.TextEdit(document.range(change.span), change.text) for change in result.changes]
            versioned = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
            edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(versioned, edits)])
            target.awaited = result.after  # somebody may type on before it is looked at again
            taken = await self._editor.apply(f"Theo: {order.title}", edit)
            if taken is None:
                return "the editor did not say whether it applied the edit"
            if taken and await self._landed(target, document):
                return "applied"
            if self._documents.get(target.uri) is document:
                tries += 1
            else:  # somebody types faster than an edit travels
                late += 1

    async def _copy(self, document: Document, answer: Answer, how: str) -> str:
        name = _name(document)
        found = code_of(answer.text, document.language, file=name, finish_reason=answer.finish_reason)
        await self._shown.show(_copy_of(name), answer.text if isinstance(found, Refused) else found.code)
        return how

    async def _landed(self, target: Target, before: Document) -> bool:
        """Whether the edit that an editor says it applied is in the document, as far as the editor tells of it."""
        with anyio.move_on_after(_SETTLE_S):
            while True:
                now = self._documents.get(target.uri)
                if now is None or target.awaited is None or target.touched:
                    return True
                if now.version != before.version:
                    return False
                await anyio.sleep(_LOOK_S)
        return True

    async def _new_file(self, order: Order, wanted: str, found: Found) -> str:
        path, code = path_of(order.document.uri), found.code
        if path is None or not self._editor.creates_files or found.truncated or found.elided or found.diff:
            await self._shown.show(_copy_of(wanted), code)
            return "shown"
        free = _free(path.with_name(wanted))
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
            await self._shown.show(_copy_of(wanted), code)
            return "shown"
        await self._editor.show(uri)
        return f"{free.name} made" if taken else "the editor did not say whether it made the file"


def _edited(answer: Answer, document: Document, span: Span) -> Edited | Refused:
    return edited(
        answer.text,
        document.language,
        document.text,
        span,
        file=_name(document),
        finish_reason=answer.finish_reason,
    )


def _moved(result: Edited | Refused, typed: Sequence[Change], document: Document) -> Edited | Refused | None:
    """The same edits in a document in which somebody has typed meanwhile; None where that was in their places."""
    if isinstance(result, Refused):
        return result
    spans = [(rebased(change.span, typed), change.text) for change in result.changes]
    changes = [Change(span, text) for span, text in spans if span is not None]
    if len(changes) < len(spans):
        return None
    return Edited(applied(document.text, changes), tuple(changes), result.doubts)


def _unusable(refused: Refused) -> ModelError:
    return ModelError(refused.said, hint="Try again, or with another model.")


def _done(how: str, answer: Answer) -> str:
    return " · ".join(part for part in (how, answer.who) if part)


def _question(order: Order, document: Document | None) -> str:
    if document is None:
        return f"Theo: {order.title}: the document was closed meanwhile, and the answer is not applied."
    return f"Theo: {order.title}: this place was changed meanwhile, and the answer is not applied."


def _name(document: Document) -> str:
    return PurePosixPath(unquote(urlsplit(document.uri).path)).name or "untitled"


def _copy_of(name: str) -> str:
    return "".join(mark if mark.isalnum() or mark in "._-" else "_" for mark in name[-80:])


def _free(path: Path) -> Path:
    """`path`, or one like it with a number, that does not exist."""
    if not path.exists():
        return path
    numbered = (path.with_name(f"{path.stem}_{number}{path.suffix}") for number in count(2))
    return next(each for each in numbered if not each.exists())
