"""The prompt for an action: what to do, and the code around the place, with the place marked."""

from __future__ import annotations

from theo_lsp.order import Order
from theo_lsp.selection import is_prose

_BEFORE, _AFTER = 6_000, 2_000  # characters of the document around the place
_START, _END, _CURSOR = "<<<MARKED", "MARKED>>>", "<<<CURSOR>>>"


def prompt_of(order: Order) -> str:
    """The whole prompt, as it is sent."""
    document, span = order.document, order.span
    text = document.text
    before = text[max(0, span.start - _BEFORE) : span.start]
    after = text[span.end : span.end + _AFTER]
    inside = f"{_START}\n{span.of(text)}\n{_END}" if span.end > span.start else _CURSOR
    what = "text" if is_prose(document.language) else "code"
    answer = "" if order.action.gives == "text" else f"\nAnswer with one fenced block of {what} and nothing else."
    return (
        f"{order.prompt}{answer}\n\n"
        f"The document is in {document.language or 'an unknown language'}. The place is marked by "
        f"{_START + ' and ' + _END if span.end > span.start else _CURSOR}; these marks are not part of it.\n\n"
        f"```{document.language}\n{before}{inside}{after}\n```\n"
    )
