"""Moves code to the indentation of its place, in the tabs or spaces of the document; strings keep what is in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from theo_lsp.edits.blocks import opens
from theo_lsp.edits.language import is_offside, named

_TABS: Final = frozenset({"go", "makefile"})
_MOST_READ: Final = 5000
_TAB: Final = 4  # columns, where an answer mixes tabs and spaces
_TRIPLE: Final = re.compile(r'"""|\'\'\'|#.*|"(?:\\.|[^"\\])*+"|\'(?:\\.|[^\'\\])*+\'')
_BACKTICK: Final = re.compile(r'`|//.*|"(?:\\.|[^"\\])*+"|\'(?:\\.|[^\'\\])*+\'')
_HEREDOC: Final = re.compile(r"<<<?([-~]?)\s*(['\"]?)([A-Za-z_]\w*)\2")
_KEPT: Final = re.compile(r"<(/?)(?:pre|textarea)\b", re.IGNORECASE)
_LAID_OUT: Final = frozenset({"css", "html", "json", "markdown", "plaintext", "scss", "sql", "xml", "yaml"})
_UNFINISHED: Final = re.compile(r"[,\\+*/=&|-]$|^(?:\} )?(?:if|for|while|else|switch|foreach)\b")
_CONTINUES: Final = re.compile(r"[.?:+*/&|=,)\]}-]")


def width(line: str) -> int:
    """The columns before the first character that is none."""
    return len(margin(line).expandtabs(_TAB))


def margin(line: str) -> str:
    """The white space that `line` begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def unit_of(lines: Sequence[str]) -> str:
    """One step of indentation: a tab, some spaces, or nothing where no line tells."""
    steps: Counter[int] = Counter()
    tabs = spaces = last = 0
    for line in lines[:_MOST_READ]:
        text = line.lstrip(" \t")
        if not text or text[0] == "*":  # the stars of a comment stand one column further in
            continue
        tabs += line[0] == "\t"
        spaces += line.startswith("  ")
        column = len(line) - len(text)
        if column - last in (2, 3, 4, 8):
            steps[column - last] += 1
        last = column
    if tabs > spaces:
        return "\t"
    return " " * max(steps, key=lambda step: (steps[step], -step)) if steps else ""


def unit_in(lines: Sequence[str], language: str) -> str:
    """One step of indentation in a document, by its lines, else by the habit of its language."""
    return unit_of(lines) or ("\t" if named(language) in _TABS else "")


def reindented(code: Sequence[str], to: str, unit: str, language: str) -> list[str]:
    """`code` with its first line at `to`, the others as far in from it as they were, in steps of `unit`."""
    kept = _strings(code, language)
    rows = [at for at, line in enumerate(code) if line.strip() and at not in kept]
    if not rows:
        return list(code)
    own = unit_of(code)
    if not unit or (is_offside(language) and named(language) != "python" and "\t" not in own):
        unit = own or unit  # what stands under what is the meaning there
    step = _TAB if own == "\t" else len(own) or _TAB
    first, rest = _bases(code, rows, to, unit or own, language)
    result: list[str] = []
    for at, line in enumerate(code):
        if at in kept:
            result.append(line)
        elif not line.strip():
            result.append("")
        else:
            columns = max(0, width(line) - (first if at == rows[0] else rest))
            levels, odd = divmod(columns, step) if unit else (0, columns)
            result.append(to + unit * levels + " " * odd + line.lstrip(" \t"))
    return result


def _bases(code: Sequence[str], rows: list[int], to: str, unit: str, language: str) -> tuple[int, int]:
    """The column that is the left edge: of the first line, and of the others, which models shift on their own."""
    columns = [width(code[at]) for at in rows]
    edge = min(columns)
    place = len(to.expandtabs(_TAB))
    if len(rows) < 2 or columns[0] or not place or min(columns[1:]) < place:
        return edge, edge
    first, second, last = (code[at].strip() for at in (rows[0], rows[1], rows[-1]))
    opened = opens(first, language) or first.endswith(":")
    deeper = min(columns[1:]) >= place + len(unit.expandtabs(_TAB))
    closed = (columns[-1] == place and last[0] in ")]}") or (columns[-1] == place and last == "end")
    level = named(language) not in _LAID_OUT and not opened and columns[1] == place
    level = level and not _CONTINUES.match(second) and not _UNFINISHED.search(first)
    if closed or level or (first.endswith(":") and deeper):
        return 0, place
    return edge, edge


def _strings(code: Sequence[str], language: str) -> set[int]:
    """The lines that begin inside a string whose value their white space is; a docstring is moved with its code."""
    name = named(language)
    if name == "python":
        return _quoted(code, _TRIPLE, ('"""', "'''"), docstrings=True)
    if name in ("javascript", "typescript", "go", "vue", "svelte"):
        return _quoted(code, _BACKTICK, ("`",), docstrings=False)
    if name in ("shellscript", "ruby", "php", "perl", "dockerfile"):
        return _heredocs(code)
    return _tagged(code) if name in ("html", "vue", "php") else set()


def _quoted(code: Sequence[str], tokens: re.Pattern[str], quotes: tuple[str, ...], *, docstrings: bool) -> set[int]:
    inside: set[int] = set()
    quote, doc = "", False
    for number, line in enumerate(code):
        at = 0
        if quote and not doc:
            inside.add(number)
        while at <= len(line):
            if quote:
                end = line.find(quote, at)
                if end < 0:
                    break
                at, quote = end + len(quote), ""
            elif (token := tokens.search(line, at)) is None:
                break
            else:
                at = token.end()
                if token[0] in quotes:
                    quote, doc = token[0], docstrings and not line[: token.start()].strip(" \trRuU")
    return inside


def _heredocs(code: Sequence[str]) -> set[int]:
    inside: set[int] = set()
    word = ""
    moves = False
    for number, line in enumerate(code):
        if word:
            if not moves:
                inside.add(number)
            if re.match(rf"{word}\b", line.strip()):
                word = ""
        elif found := _HEREDOC.search(line):
            word, moves = found[3], found[1] == "~"
    return inside


def _tagged(code: Sequence[str]) -> set[int]:
    inside: set[int] = set()
    open_ = False
    for number, line in enumerate(code):
        if open_:
            inside.add(number)
        for tag in _KEPT.finditer(line):
            open_ = not tag[1]
    return inside
