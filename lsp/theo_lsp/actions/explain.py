"""An explanation of the selection, or of the definition around the cursor, as a document to read."""

from __future__ import annotations

from theo_lsp.actions import Action, Offer
from theo_lsp.selection import Selection


def _offer(selection: Selection) -> Offer | None:
    if not selection.is_cursor:
        return Offer(selection.whole_lines) if selection.text.strip() else None
    return Offer(selection.over(*selection.block)) if selection.block else None


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Explain the marked code to a developer who does not know it: first what it is for, in two sentences; then how "
        "it works, step by step; then what may go wrong with it. Write Markdown."
    )


ACTION = Action(
    name="explain",
    title="Explain this",
    kind="refactor.theo.explain",
    order=60,
    offer=_offer,
    task=_task,
    gives="text",
)
