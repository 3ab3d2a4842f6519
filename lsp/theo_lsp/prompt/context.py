"""What a prompt gets besides the selection, within a budget: pure, deterministic, in whole lines.

Each part has a weight. What a part does not need of its share goes to the others, by weight again, so that a long
neighbour takes nothing from diagnostics of two lines. What did not fit is said, and so is what must not be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from theo_lsp.cut import cut
from theo_lsp.prompt.symbols import Symbol, enclosing, guessed

Kind: TypeAlias = Literal["rules", "diagnostics", "symbol", "imports", "before", "after", "document"]


@dataclass(frozen=True)
class Document:
    """An open document. `path` counts from `project`, the folder that holds it."""

    path: str
    language: str
    text: str
    project: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """What another server says of the lines from `start` up to, not including, `stop`, counted from 0."""

    start: int
    stop: int
    message: str
    code: str = ""


@dataclass(frozen=True)
class Part:
    """One piece of context."""

    kind: Kind
    title: str
    text: str
    language: str = ""


@dataclass(frozen=True)
class Context:
    """The parts in the order of their use, and a sentence for each that is missing or shortened."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Wanted:
    """A part before it is cut: its lines, in the order in which they are worth keeping, and its weight."""

    kind: Kind
    title: str
    lines: Sequence[tuple[int, str]]
    weight: int
    language: str = ""


_LINE_END: Final = re.compile(r"\r\n|\r|\n")  # those of the protocol, and no others
_MOST_LINES: Final = 1_000  # beyond the nearest thousand, no line helps and each costs time
_MOST_DOCUMENTS: Final = 8
_LONGEST_MESSAGE: Final = 500
_IMPORTS: Final = re.compile(
    r"(?:import|from|use|using|require(?:_once|_relative)?|include|extern crate|package|module|open|library|source"
    r"|#\s?include|#\s?import|@import|export .* from|(?:const|let|var) [^=]{1,200}= require)\b"
)


def context(
    document: Document,
    start: int,
    stop: int,
    *,
    budget: int,
    symbols: Sequence[Symbol] | None = None,
    diagnostics: Sequence[Diagnostic] = (),
    others: Sequence[Document] = (),
    refused: Callable[[Document], str | None] = lambda document: None,
    rules: Sequence[Document] = (),
    trusted: bool = False,
) -> Context:
    """The context of the lines from `start` up to, not including, `stop` of `document`, in at most `budget` characters.

    `symbols` are those of the document, or None where nothing parsed it. `others` are open documents, the most recent
    first; `refused` says why one must not be read. `rules` are the project's files of rules, heard if it is `trusted`.
    """
    lines = _lines(document.text)
    around = guessed(lines, start, stop) if symbols is None else enclosing(symbols, start, stop)
    left_out: list[str] = []
    wanted: list[_Wanted] = []
    if rules and not trusted:
        left_out += [f"{each.path} is not followed, because the folder is not trusted." for each in rules]
    else:
        wanted += [_Wanted("rules", f"The project's rules in {each.path}", _all(each), 3, "markdown") for each in rules]
    wanted += _diagnosed(diagnostics, start, stop)
    wanted += _near(document, lines, start, stop, around)
    for each in others:
        reason = _closed(each, document, refused)
        if reason is None and sum(part.kind == "document" for part in wanted) < _MOST_DOCUMENTS:
            wanted.append(_Wanted("document", f"The open document {each.path}", _all(each), 1, each.language))
        elif each.path != document.path or each.project != document.project:
            left_out.append(f"{each.path} is left out, because {reason or 'other documents are more recent'}.")
    return _cut([each for each in wanted if any(line.strip() for _, line in each.lines)], budget, left_out)


def _lines(text: str) -> list[str]:
    lines = _LINE_END.split(text)
    return lines if lines[-1] else lines[:-1]


def _all(document: Document) -> list[tuple[int, str]]:
    return list(enumerate(_lines(document.text)[:_MOST_LINES]))


def _closed(other: Document, document: Document, refused: Callable[[Document], str | None]) -> str | None:
    """Why `other` is no context of `document`."""
    if other.project != document.project:
        return "it belongs to another project"
    if other.path == document.path:
        return "it is the document itself"
    return refused(other)


def _diagnosed(diagnostics: Sequence[Diagnostic], start: int, stop: int) -> list[_Wanted]:
    inside = [
        each for each in diagnostics if each.start < max(stop, start + 1) and start < max(each.stop, each.start + 1)
    ]
    said = []
    for each in sorted(inside, key=lambda each: (each.start, each.stop, each.code, each.message)):
        code = f" [{each.code}]" if each.code else ""
        said.append(f"line {each.start + 1}{code}: {cut(' '.join(each.message.split()), _LONGEST_MESSAGE)}")
    return [_Wanted("diagnostics", "Diagnostics in the selection", list(enumerate(said)), 3)] if said else []


def _near(document: Document, lines: Sequence[str], start: int, stop: int, around: Sequence[Symbol]) -> list[_Wanted]:
    """Imports, the symbol around the selection, and what stands before and after, no line twice."""
    language = document.language
    wanted = []
    # A symbol that is the selection tells nothing more; a class around it does.
    outer = [each for each in around if (each.start, each.stop) != (start, stop)]
    inner = outer[-1] if outer else None
    first, last = (inner.start, min(inner.stop, len(lines))) if inner else (start, stop)
    imports = [at for at in _imported(lines) if at < first]
    wanted.append(
        _Wanted("imports", f"The imports of {document.path}", [(at, lines[at]) for at in imports], 2, language)
    )
    if inner:
        path = ".".join(each.name for each in outer if each.name)
        places = _nearest_first(inner.start, last, start, stop)
        named = f"The {inner.kind} {path} around the selection".replace("  ", " ")
        wanted.append(_Wanted("symbol", named, [(at, lines[at]) for at in places], 4, language))
    taken = set(imports)
    before = [
        at for at in range(first - 1, max(-1, first - 1 - _MOST_LINES), -1) if at < len(lines) and at not in taken
    ]
    after = range(last, min(len(lines), last + _MOST_LINES))
    what = "it" if inner else "the selection"
    wanted.append(_Wanted("before", f"What stands before {what}", [(at, lines[at]) for at in before], 2, language))
    wanted.append(_Wanted("after", f"What stands after {what}", [(at, lines[at]) for at in after], 1, language))
    return wanted


def _nearest_first(first: int, last: int, start: int, stop: int) -> list[int]:
    """The lines of a symbol: its head, then by their distance from the selection."""
    away = sorted(range(first + 1, last), key=lambda at: (max(start - at, at - stop + 1, 0), at))
    return [first, *away[:_MOST_LINES]]


def _imported(lines: Sequence[str]) -> list[int]:
    """The lines of imports at the top, with those that a bracket holds together."""
    found, depth = [], 0
    for at, line in enumerate(lines[:_MOST_LINES]):
        if len(line) > _LONGEST_MESSAGE:
            continue
        if depth > 0 or _IMPORTS.match(line):
            found.append(at)
            depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
        if len(found) - depth > _MOST_LINES // 4:
            break
    return found


def _cut(wanted: Sequence[_Wanted], budget: int, left_out: list[str]) -> Context:
    parts = []
    for each, share in zip(wanted, _shares(wanted, budget), strict=True):
        kept, used = [], 0
        for place, line in each.lines:
            used += len(line) + 1
            if used > share:
                break
            kept.append((place, line))
        if len(kept) < len(each.lines):
            left_out.append(f"{each.title}: {len(each.lines) - len(kept):,} of {len(each.lines):,} lines did not fit.")
        if kept:
            text = "".join(f"{line}\n" for _, line in sorted(kept))
            parts.append(Part(each.kind, each.title, text, each.language))
    return Context(tuple(parts), tuple(left_out))


def _shares(wanted: Sequence[_Wanted], budget: int) -> list[int]:
    """The budget by weight; what one does not need is divided among the others."""
    needs = [sum(len(line) + 1 for _, line in each.lines) for each in wanted]
    shares = [0] * len(wanted)
    open_ = list(range(len(wanted)))
    rest = max(budget, 0)
    while open_:
        weight = sum(wanted[at].weight for at in open_)
        content = [at for at in open_ if needs[at] * weight <= rest * wanted[at].weight]
        if not content:
            for at in open_:
                shares[at] = rest * wanted[at].weight // weight
            break
        for at in content:
            shares[at] = needs[at]
        rest -= sum(needs[at] for at in content)
        open_ = [at for at in open_ if at not in content]
    return shares
