"""A fix for everything that is reported of one kind, at once.

Its kind is a quick fix, not ``source.fixAll``: that means fixes without a doubt, and editors run it by themselves when
a document is saved. What a model writes is looked at by a person, so nothing may start this but a person.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from theo_lsp.actions import Action, Offer
from theo_lsp.cut import cut
from theo_lsp.edits.places import Span
from theo_lsp.selection import Flaw, Selection, is_prose
from theo_lsp.subject import MOST_LINES

_SHORT: Final = 300  # lines: where one is given of a longer document, the others are not looked for
_AROUND: Final = 3  # lines, where no block is around one
_MOST_SAID: Final = 3_000
_NAMED: Final = re.compile(r"`[^`]*`|‘[^’]*’|“[^”]*”|'[^']*'|\"[^\"]*\"|\d+")


def _offer(selection: Selection) -> Offer | None:
    if not selection.flaws or is_prose(selection.document.language):
        return None
    alike = _alike(selection)
    if len(alike) == 1:
        return _everywhere(selection, alike[0])
    rows = [_rows(selection, flaw) for flaw in alike]
    first, last = min(begin for begin, _ in rows), max(end for _, end in rows)
    if last - first >= MOST_LINES:
        return None
    words = " ".join(alike[0].message.split())
    what = alike[0].code or (words if len(words) <= 50 else words[:49] + "…")
    return Offer(selection.over(first, last), f"Fix all {len(alike)} of this kind: {what}", _said(selection, alike))


def _everywhere(selection: Selection, flaw: Flaw) -> Offer | None:
    text, lines = selection.document.text, selection.document.lines
    if not flaw.code or len(lines) > _SHORT:
        return None
    span = Span(0, len(text.rstrip()))
    said = f"{_said(selection, [flaw])}\nThe same may be wrong at other places of the marked code; correct each."
    return Offer(span, f"Fix every ‘{flaw.code}’ in this document", said)


def _alike(selection: Selection) -> list[Flaw]:
    """Those of the kind that is reported here, or else of the kind that is reported most."""
    flaws = sorted(selection.flaws, key=lambda flaw: flaw.span)
    first, last = selection.rows
    number = selection.document.lines.number
    here = [flaw for flaw in flaws if number(flaw.span.start) <= last and first <= number(flaw.span.end)]
    ((kind, _),) = Counter(_kind(flaw) for flaw in here or flaws).most_common(1)
    return [flaw for flaw in flaws if _kind(flaw) == kind]


def _kind(flaw: Flaw) -> tuple[str, str]:
    return flaw.source, flaw.code or _NAMED.sub("", flaw.message)


def _rows(selection: Selection, flaw: Flaw) -> tuple[int, int]:
    at = Selection(selection.document, flaw.span, outline=selection.outline)
    return at.block or (
        max(0, at.rows[0] - _AROUND),
        min(len(at.document.lines) - 1, at.rows[1] + _AROUND),
    )


def _said(selection: Selection, flaws: list[Flaw]) -> str:
    number = selection.document.lines.number
    said, length = [], 0
    for flaw in flaws:
        rule = f" ({flaw.source} {flaw.code})" if flaw.code else ""
        said.append(cut(f"line {number(flaw.span.start) + 1}: {flaw.message}{rule}", 300))
        length += len(said[-1])
        if length > _MOST_SAID:
            said[-1] = f"and {len(flaws) - len(said) + 1} more of the same kind"
            break
    return "\n".join(said)


def _task(selection: Selection, instruction: str) -> str:
    return (
        "Correct the code so that none of the following is reported any more. Change nothing else, and return all of "
        f"the marked code, corrected.\n{instruction}"
    )


ACTION = Action(
    name="fix_all",
    title="Fix all of this kind",
    kind="quickfix.theo.fixAll",
    order=6,
    offer=_offer,
    task=_task,
    keeps="names",
    for_flaws=True,
)
