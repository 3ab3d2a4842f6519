"""The prompt for an order: its task, the place, and what stands around it and in other open documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import anyio.to_thread

from theo_lsp import context, prompting
from theo_lsp.documents import Document, path_of
from theo_lsp.ignored import why_ignored
from theo_lsp.order import Order
from theo_lsp.prompting import Prompt
from theo_lsp.symbols import Symbol
from theo_mcp.errors import InputError
from theo_mcp.workspace.deny import Deny

_BUDGET = 12_000  # characters of context: a small model on this machine reads few thousand tokens
_CURSOR = "<<<CURSOR>>>"
_MOST_OTHERS = 8


async def prompt_of(order: Order, open_documents: Iterable[Document], folders: Iterable[Path], deny: Deny) -> Prompt:
    """The whole prompt, as it is sent, and the secrets that it does without.

    Raises:
        InputError: the document is one that is never read, such as a file of keys.
    """
    roots = [*folders]
    near = [document for document in open_documents if document.uri != order.document.uri][-_MOST_OTHERS:]
    named = [order.document, *reversed(near)]
    refused = await anyio.to_thread.run_sync(lambda: {each.uri: _refused(each, roots, deny) for each in named})
    if reason := refused[order.document.uri]:
        raise InputError(
            f"This document is never sent, because {reason}.",
            code="file_denied",
            hint="Copy what you need into another document.",
        )
    known = {
        (described.path, described.project): refused[each.uri] for each in named for described in [_of(each, roots)]
    }
    make = partial(_made, order, named, roots, lambda document: known[document.path, document.project])
    return await anyio.to_thread.run_sync(make)


def _made(
    order: Order, named: list[Document], roots: list[Path], refused: Callable[[context.Document], str | None]
) -> Prompt:
    selection, document = order.selection, _of(order.document, roots)
    first, last = selection.rows
    around = context.context(
        document,
        first,
        last + 1,
        budget=_BUDGET,
        symbols=_symbols(order),
        others=[_of(each, roots) for each in named[1:]],
        refused=refused,
    )
    answer = "" if order.action.gives == "text" else "\nAnswer with one fenced block and nothing else."
    sources = [each.text for each in named if refused(_of(each, roots)) is None]
    return prompting.prompt(order.prompt + answer, _place(order, document.path), around, sources=sources)


def _place(order: Order, path: str) -> prompting.Selection:
    selection, span = order.selection, order.span
    first, last = selection.rows
    if span.end > span.start:
        title, text = f"The marked code, lines {first + 1} to {last + 1} of {path}", selection.text
    else:
        line = order.document.lines.line(first)
        at = span.start - line.start
        title = f"Line {first + 1} of {path}, where {_CURSOR} marks the place and is no part of it"
        text = selection.line(first)[:at] + _CURSOR + selection.line(first)[at:]
    return prompting.Selection(title, text, order.document.language)


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
        name = PurePosixPath(unquote(urlsplit(document.uri).path)).name or "untitled"
        return context.Document(name, document.language, document.text)
    return context.Document(path.relative_to(root).as_posix(), document.language, document.text, str(root))


def _refused(document: Document, roots: list[Path], deny: Deny) -> str | None:
    path = path_of(document.uri)
    root = _root(path, roots)
    return why_ignored(path, root, deny) if path is not None and root is not None else None


def _root(path: Path | None, roots: list[Path]) -> Path | None:
    """The folder of the workspace that holds `path`, or its own folder."""
    if path is None:
        return None
    return next((root for root in roots if path.is_relative_to(root)), path.parent)
