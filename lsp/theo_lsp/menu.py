"""The code actions for one place. Pure, local and quick: an editor may ask at every key.

Every entry is a command and carries neither an edit nor data, so no editor has a reason to resolve it: some wait for
that with a frozen screen, and drop what takes longer than their limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types
from pydantic import JsonValue

from theo_lsp.actions import all_actions, offered, wanted
from theo_lsp.documents import Document
from theo_lsp.order import argument
from theo_lsp.selection import Flaw, Selection

RUN, DO, CANCEL = "theo.run", "theo.do", "theo.cancel"
_CANCEL_KIND, _PROMPT_KIND = "refactor.theo.cancel", "refactor.theo.prompt"
_MOST_FLAWS = 20


def kinds() -> list[str]:
    """Every kind that may come."""
    return [*dict.fromkeys(action.kind for action in all_actions()), _CANCEL_KIND, _PROMPT_KIND]


def described() -> list[JsonValue]:
    """Every action, for plug-ins that offer them by name."""
    return [{"name": each.name, "title": each.title, "instruction": each.instruction} for each in all_actions()]


def menu(
    document: Document,
    params: types.CodeActionParams,
    *,
    at_work: Iterable[tuple[str, str]] = (),
    marked: bool = False,
    locale: str = "",
) -> list[types.CodeAction]:
    """What is offered; first the cancelling of what is `at_work` (id, title). `marked` says that a model makes it."""
    context = params.context
    only = [kind if isinstance(kind, str) else kind.value for kind in context.only] if context.only else None
    automatic = context.trigger_kind == types.CodeActionTriggerKind.Automatic
    flaws = _flaws(document, context.diagnostics)
    selection = Selection(document, document.span(params.range), flaws, locale=locale)
    tags = [types.CodeActionTag.LlmGenerated] if marked else None
    entries: list[types.CodeAction] = []
    if not automatic and (not only or wanted(_CANCEL_KIND, only)):
        for id, title in at_work:
            entries.append(_entry(f"Theo: Cancel “{title}”", _CANCEL_KIND, CANCEL, {"jobId": id}))
    first = None
    for action, offer in offered(selection, only=only, automatic=automatic):
        entry = _entry(f"Theo: {offer.title or action.title}", action.kind, RUN, argument(action, offer, selection))
        entry.tags = tags
        if action.for_flaws:
            entry.diagnostics = list(context.diagnostics)
        entries.append(entry)
        first = first or (action, offer)
    if first and not automatic and (not only or wanted(_PROMPT_KIND, only)):
        action, offer = first
        shown = argument(action, offer, selection, dry=True)
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
