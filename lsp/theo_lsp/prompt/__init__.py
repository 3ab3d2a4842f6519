"""The prompt for an order: its task, the place, and what stands around it and in other open documents."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import anyio.to_thread

from theo_lsp.documents import Document, names_of, path_of
from theo_lsp.order import Order
from theo_lsp.prompt import context, wording
from theo_lsp.prompt.ignored import why_ignored, why_named
from theo_lsp.prompt.rules import Rules, rules_for
from theo_lsp.prompt.symbols import Symbol
from theo_lsp.prompt.wording import Prompt
from theo_lsp.selection import Flaw
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings
from theo_mcp.workspace.deny import Deny

_BUDGET = 12_000  # characters of context
_BUDGET_HERE = (
    3_000  # a model on this machine reads some hundred tokens a second, and a small one loses its task in more
)
_CURSOR = "<<<CURSOR>>>"
_MOST_OTHERS = 8


async def prompt_of(
    order: Order,
    open_documents: Iterable[Document],
    folders: Iterable[Path],
    settings: Settings,
    *,
    on_this_machine: bool = False,
) -> Prompt:
    """The whole prompt, as it is sent, and the secrets that it does without.

    Raises:
        InputError: the document is one that is never read, such as a file of keys.
    """
    roots = [*folders]
    near = [document for document in open_documents if document.uri != order.document.uri][-_MOST_OTHERS:]
    named = [order.document, *reversed(near)]
    return await anyio.to_thread.run_sync(
        partial(_made, order, named, roots, settings, _BUDGET_HERE if on_this_machine else _BUDGET),
        abandon_on_cancel=True,
    )


def _made(order: Order, named: list[Document], roots: list[Path], settings: Settings, budget: int) -> Prompt:
    deny = Deny.of(settings)
    known = {each.uri: _refused(each, roots, deny) for each in named}
    if reason := known[order.document.uri]:
        raise InputError(
            f"This document is never sent, because {reason}.",
            code="file_denied",
            hint="Copy what you need into another document.",
        )
    if order.action.improves:
        return wording.alone(order.prompt, source=order.document.text)
    described = {each.uri: _of(each, roots) for each in named}
    refused = {(described[uri].path, described[uri].project): reason for uri, reason in known.items()}
    document, (first, last) = described[order.document.uri], order.selection.rows
    path = path_of(order.document.uri)
    root = _root(path, roots)
    rules = rules_for(path, root, settings) if path is not None and root is not None else Rules()
    around = (
        context.Context((), ())
        if order.gives == "prose"
        else context.context(
            document,
            first,
            last + 1,
            budget=budget,
            symbols=_symbols(order),
            diagnostics=() if order.action.for_flaws else [_diagnostic(order, flaw) for flaw in order.flaws],
            others=[described[each.uri] for each in named[1:]],
            refused=lambda other: refused[other.path, other.project],
            rules=rules.files,
            trusted=rules.trusted,
        )
    )
    answer = "" if order.gives in ("text", "prose") else "\nAnswer with one fenced block and nothing else."
    sources = [*(each.text for each in named if known[each.uri] is None), *(each.text for each in rules.files)]
    return wording.prompt(order.prompt + answer, _place(order, document.path), around, sources=sources)


def _diagnostic(order: Order, flaw: Flaw) -> context.Diagnostic:
    lines = order.document.lines
    return context.Diagnostic(
        lines.number(flaw.span.start), lines.number(flaw.span.end) + 1, flaw.message, flaw.code or flaw.source
    )


def _place(order: Order, path: str) -> wording.Selection:
    selection, span = order.selection, order.span
    first, last = selection.rows
    if span.end > span.start:
        title, text = (
            f"The marked {'text' if order.gives == 'prose' else 'code'}, lines {first + 1} to {last + 1} of {path}",
            selection.text,
        )
    else:
        line = order.document.lines.line(first)
        at = span.start - line.start
        title = f"Line {first + 1} of {path}, where {_CURSOR} marks the place and is no part of it"
        text = selection.line(first)[:at] + _CURSOR + selection.line(first)[at:]
    return wording.Selection(title, text, order.document.language)


def _symbols(order: Order) -> list[Symbol] | None:
    """What the outline of the document knows around the place; None where there is none."""
    outline, lines = order.selection.outline, order.document.lines
    place = order.selection.content
    if outline is None:
        return None
    around = outline.holders(place)
    if not around and (outline.is_new(place) or outline.is_broken(place)):
        return None
    found: list[Symbol] = []
    for each in reversed(around):
        first, last = lines.number(each.span.start), lines.number(each.span.end)
        found = [Symbol(each.name, each.kind, first, last + 1, tuple(found))]
    return found


def _of(document: Document, roots: list[Path]) -> context.Document:
    path = path_of(document.uri)
    root = _root(path, roots)
    if path is None or root is None:
        name = names_of(document.uri).name or "untitled"
        return context.Document(name, document.language, document.text)
    return context.Document(path.relative_to(root).as_posix(), document.language, document.text, str(root))


def _refused(document: Document, roots: list[Path], deny: Deny) -> str | None:
    path = path_of(document.uri)
    root = _root(path, roots)
    if path is not None and root is not None:
        return why_ignored(path, root, deny)
    return why_named(names_of(document.uri), deny)


def _root(path: Path | None, roots: list[Path]) -> Path | None:
    """The folder of the workspace that holds `path`, or its own folder."""
    if path is None:
        return None
    return next((root for root in roots if path.is_relative_to(root)), path.parent)
