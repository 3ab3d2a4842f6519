"""Code for what a comment or a TODO asks for; the comment stays, and the code is put below it."""

from __future__ import annotations

from theo_lsp.actions import Action, Offer
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection, is_prose


def _offer(selection: Selection) -> Offer | None:
    rows = selection.comment
    if rows is None or is_prose(selection.document.language):
        return None
    end = selection.over(*rows).end
    says = " ".join(selection.says(row) or "" for row in range(rows[0], rows[1] + 1))
    short = says if len(says) <= 40 else says[:39] + "…"
    return Offer(Span(end, end), f"Generate code: {short}", says)


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Write the code that this comment asks for. It is inserted right below the comment, which stays as it is and "
        f"is not repeated. The comment: {instruction}"
    )


ACTION = Action(
    name="generate",
    title="Generate code from this comment",
    kind="refactor.rewrite.theo.generate",
    order=10,
    offer=_offer,
    task=_task,
)
