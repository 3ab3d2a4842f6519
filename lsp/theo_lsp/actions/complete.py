"""What most likely comes next at the cursor."""

from __future__ import annotations

from theo_lsp.actions import Action, Offer
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection, is_prose


def _offer(selection: Selection) -> Offer | None:
    document = selection.document
    if not selection.is_cursor or selection.comment or is_prose(document.language) or not document.text.strip():
        return None
    row = selection.rows[0]
    line = document.lines.line(row)
    at = line.end if selection.line(row)[selection.span.start - line.start :].strip() == "" else selection.span.start
    return Offer(Span(at, at))


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Continue the code at the cursor. Write only what is to be inserted there, so that the code before and after "
        "it stays as it is; finish the statement or the block that is begun, and no more."
    )


ACTION = Action(
    name="complete",
    title="Complete here",
    kind="refactor.rewrite.theo.complete",
    order=20,
    offer=_offer,
    task=_task,
)
