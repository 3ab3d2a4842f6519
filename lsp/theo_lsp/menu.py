"""The code actions for one place. Pure, local and quick: an editor may ask at every key.

Every entry is a command and carries neither an edit nor data, so no editor has a reason to resolve it: some wait for
that with a frozen screen, and drop what takes longer than their limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from theo_lsp.actions import all_actions, offered, wanted
from theo_lsp.documents import Document
from theo_lsp.order import argument
from theo_lsp.selection import Flaw, Selection

RUN, CANCEL = "theo.run", "theo.cancel"
_CANCEL_KIND, _PROMPT_KIND = "refactor.theo.cancel", "refactor.theo.prompt"
_MOST_FLAWS = 20


def kinds() -> list[str]:
    """Every kind that may come."""
    return [*dict.fromkeys(action.kind for action in all_actions()), _CANCEL_KIND, _PROMPT_KIND]


def menu(
    document: Document,
    params: types.CodeActionParams,
    *,
    at_work: Iterable[tuple[str, str]] = (),
    marked: bool = False,
) -> list[types.CodeAction]:
    """What is offered; first the cancelling of what is `at_work` (id, title). `marked` says that a model makes it."""
    context = params.context
    only = [kind if isinstance(kind, str) else kind.value for kind in context.only] if context.only else None
    automatic = context.trigger_kind == types.CodeActionTriggerKind.Automatic
    selection = Selection(document, document.span(params.range), _flaws(document, context.diagnostics))
    tags = [types.CodeActionTag.LlmGenerated] if marked else None
    entries: list[types.CodeAction] = []
    if not automatic and (not only or wanted(_CANCEL_KIND, only)):
        for id, title in at_work:
            entries.append(_entry(f"Theo: Cancel “{title}”", _CANCEL_KIND, CANCEL, {"jobId": id}))
    first = None
    for action, offer in offered(selection, only=only, automatic=automatic):
        entry = _entry(f"Theo: {offer.title or action.title}", action.kind, RUN, argument(action, offer, document))
        entry.tags = tags
        if action.for_flaws:
            entry.diagnostics = list(context.diagnostics)
        entries.append(entry)
        first = first or (action, offer)
    if first and not automatic and (not only or wanted(_PROMPT_KIND, only)):
        action, offer = first
        shown = argument(action, offer, document, dry=True)
        entries.append(_entry(f"Theo: Show the exact prompt of “{action.title}”", _PROMPT_KIND, RUN, shown))
    return entries


def _entry(title: str, kind: str, command: str, argument: object) -> types.CodeAction:
    return types.CodeAction(title=title, kind=kind, command=types.Command(title, command, arguments=[argument]))


def _flaws(document: Document, diagnostics: Iterable[types.Diagnostic]) -> tuple[Flaw, ...]:
    return tuple(
        Flaw(
            document.span(each.range),
            each.message,
            each.source or "",
            "" if each.code is None else str(each.code),
        )
        for each in list(diagnostics)[:_MOST_FLAWS]
    )
