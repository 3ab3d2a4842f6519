"""The selection, or the definition around the cursor, made simpler; what it does stays the same."""

from __future__ import annotations

from theo_lsp.actions import Action, Offer
from theo_lsp.selection import Selection
from theo_lsp.subject import code_at


def _offer(selection: Selection) -> Offer | None:
    span = code_at(selection)
    return Offer(span) if span else None


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Simplify the marked code: fewer lines, less nesting, no repetition, what the language offers instead of what "
        "is written by hand. It does exactly the same as before, for every input; its names, parameters and comments "
        "that are still true stay. Return all of the marked code, simplified. If it cannot be simpler, return it as it "
        "is."
    )


ACTION = Action(
    name="simplify",
    title="Simplify this",
    kind="refactor.rewrite.theo.simplify",
    order=35,
    offer=_offer,
    task=_task,
    keeps="names",
)
