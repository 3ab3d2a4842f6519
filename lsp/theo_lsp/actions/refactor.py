"""The selection, or the definition around the cursor, changed as an instruction says.

The instruction comes from a plug-in that asks for it, or stands in the selection as a comment: ``# theo: use a set``.
"""

from __future__ import annotations

from theo_lsp.actions import Action, Offer
from theo_lsp.selection import Selection
from theo_lsp.subject import MOST_LINES, code_at

_MARK = "theo:"


def _offer(selection: Selection) -> Offer | None:
    if said := selection.instruction:
        span = code_at(selection) or (None if selection.is_cursor else selection.whole_lines)
        return Offer(span, f"Refactor: {said[:40]}", said) if span else None
    first, last = selection.rows
    if selection.is_cursor or last - first > MOST_LINES:
        return None
    comments = [selection.says(row) or "" for row in range(first, last + 1)]
    wanted = " ".join(words[len(_MARK) :].strip() for words in comments if words.lower().startswith(_MARK))
    return Offer(selection.whole_lines, f"Refactor: {wanted[:40]}", wanted) if wanted else None


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Change the marked code as the instruction says, and nothing else of it. Return all of the marked code, "
        f"changed, without a comment that holds the instruction. The instruction: {instruction}"
    )


ACTION = Action(
    name="refactor",
    title="Refactor as I say",
    kind="refactor.rewrite.theo.instruction",
    order=25,
    offer=_offer,
    task=_task,
    instruction="required",
)
