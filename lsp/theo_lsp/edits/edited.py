"""What an answer makes of a document, and what there is to doubt about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from theo_lsp.edits.answer import Refused, code_of
from theo_lsp.edits.changes import Change, applied, minimal
from theo_lsp.edits.fit import fitted, line_ending
from theo_lsp.edits.kept import Keeps, is_kept
from theo_lsp.edits.parsing import parses
from theo_lsp.edits.patch import hunks_of, patched
from theo_lsp.edits.places import Lines, Span

Doubt: TypeAlias = Literal["truncated", "left out", "joined", "beyond", "does not parse", "refuses"]


@dataclass(frozen=True)
class Edited:
    """The document after an answer. With any of `doubts` it is shown, and applied only when the user says so."""

    after: str
    changes: tuple[Change, ...]
    doubts: tuple[Doubt, ...] = ()
    unsure: bool = False
    """Whether nothing here could tell if it parses as well as before; a parser in a child may."""

    def doubted(self, doubt: Doubt) -> Edited:
        return replace(self, doubts=(*self.doubts, doubt), unsure=False)


def edited(
    answer: str,
    language: str,
    document: str,
    span: Span,
    *,
    file: str = "",
    finish_reason: str = "",
    keeps: Keeps = "nothing",
) -> Edited | Refused:
    """What `answer` makes of `document`, where `span` is the target: replaced, or where it is empty, written at. It is
    doubtful where it does not have what it `keeps` of the target."""
    found = code_of(answer, language, file=file, finish_reason=finish_reason)
    if isinstance(found, Refused):
        return found
    placed = _patched(found.code, document, span, file) if found.diff else _fitted(found.code, document, span, language)
    if placed is None:
        return Refused("diff", "The answer is a diff that does not fit this text.")
    after, beyond = placed
    doubts: list[Doubt] = []
    if found.truncated:
        doubts.append("truncated")
    if found.elided:
        doubts.append("left out")
    if found.joined:
        doubts.append("joined")
    if beyond or not is_kept(keeps, span.of(document), _there(document, after, span), language):
        doubts.append("beyond")
    parsed = parses(after, language)
    if parsed is False and parses(document, language) is False and "\0" not in document:
        parsed = None  # it was broken before, if not binary, and only a parser that counts can tell of more
    if parsed is False:
        doubts.append("does not parse")
    return Edited(after, tuple(minimal(document, after)), tuple(doubts), parsed is None)


def _there(document: str, after: str, span: Span) -> str:
    """What stands in the place of `span` after an edit of nothing else."""
    return after[span.start : len(after) - (len(document) - span.end)]


def _fitted(code: str, document: str, span: Span, language: str) -> tuple[str, bool]:
    piece = fitted(code, document, span, language)
    return document[: piece.span.start] + piece.text + document[piece.span.end :], piece.span != span


def _patched(diff: str, document: str, span: Span, file: str) -> tuple[str, bool] | None:
    """The document after a diff, and whether that touched lines outside the target."""
    lines = Lines(document)
    rows = [lines.line(number).of(document) for number in range(len(lines))]
    last = lines.number(span.end)
    target = (lines.number(span.start), last if span.end == lines.start(last) and span.end > span.start else last + 1)
    hunks = hunks_of(diff, file)
    done = patched(rows, hunks, target) if hunks else None
    if done is None:
        return None
    changes = minimal("\n".join(rows), "\n".join(done.lines))
    after = _with_own_endings(document, changes, line_ending(document))
    return after, done.first < target[0] or done.end > target[1]


def _with_own_endings(document: str, changes: list[Change], ending: str) -> str:
    """`document` after changes that were made for it with LF alone; lines that stay keep the endings that they had."""
    plain = Lines(document.replace("\r\n", "\n").replace("\r", "\n"))
    lines = Lines(document)

    def there(offset: int) -> int:
        row = plain.number(offset)
        return lines.start(row) + offset - plain.start(row)

    moved = [
        Change(Span(there(one.span.start), there(one.span.end)), one.text.replace("\n", ending)) for one in changes
    ]
    return applied(document, moved)
