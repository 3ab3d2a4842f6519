"""A fix for what another server, or a linter, says about this place."""

from __future__ import annotations

from theo_lsp.actions import Action, Offer
from theo_lsp.cut import cut
from theo_lsp.selection import Selection

_MOST_SAID = 1_000


def _offer(selection: Selection) -> Offer | None:
    if not selection.flaws:
        return None
    first = selection.flaws[0]
    words = " ".join(first.message.split())
    at = Selection(selection.document, first.span)
    rows = at.block or at.rows  # what is more than its own lines, an answer may leave out and nobody notices
    return Offer(selection.over(*rows), f"Fix: {words if len(words) <= 60 else words[:59] + '…'}", _said(selection))


def _said(selection: Selection) -> str:
    lines = selection.document.lines
    said = []
    for flaw in selection.flaws:
        rule = f" ({flaw.source} {flaw.code})" if flaw.code else ""
        said.append(f"line {lines.number(flaw.span.start) + 1}: {flaw.message}{rule}")
    return cut("\n".join(said), _MOST_SAID)


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Correct the code so that the following is no longer reported. Change nothing else, and return all of the "
        f"marked code, corrected.\n{instruction}"
    )


ACTION = Action(
    name="fix",
    title="Fix this diagnostic",
    kind="quickfix.theo.fix",
    order=5,
    offer=_offer,
    task=_task,
    keeps="names",
    for_flaws=True,
)
