"""What an action looks at: a document, what is selected in it, and what is known about that place.

Everything here is pure and quick, because an editor asks for actions at every move of the cursor. What is a comment
and where a block ends is told by the outline of the document. Where there is none, or not of what was typed just now,
it is read from the text by the habits of its language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from theo_lsp.documents import Document
from theo_lsp.edits.places import Span
from theo_lsp.syntax.outline import Definition, Outline

if TYPE_CHECKING:
    from theo_lsp.syntax.outline import Definition, Outline

_HASH: Final = frozenset({
    "python", "ruby", "perl", "r", "elixir", "shellscript", "bash", "sh", "zsh", "fish", "make", "makefile",
    "dockerfile", "yaml", "toml", "julia", "nim", "coffeescript", "powershell", "cmake", "terraform",
    "gdscript", "crystal", "nix", "tcl", "awk",
})  # fmt: skip
_DASHES: Final = frozenset({
    "lua", "sql", "haskell", "ada", "elm", "vhdl",
})  # fmt: skip
_PROSE: Final = frozenset({
    "markdown", "plaintext", "text", "latex", "tex", "restructuredtext", "asciidoc", "html", "xml", "json",
    "jsonc", "csv",
})  # fmt: skip
_INDENTED: Final = frozenset({
    "python", "nim", "coffeescript", "gdscript", "yaml",
})  # fmt: skip
_DEFINES: Final = re.compile(
    r"^\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|override|async|unsafe|pub"
    r"|pub\([a-z]+\)|inline|extern|local|sealed|open|suspend|virtual|constexpr)\s+)*"
    r"(?:def|class|function\*?|fn|func|fun|interface|struct|trait|impl|enum|object|module|sub|defp?|proc|method)\b"
    r"|^\s*(?:export\s+)?(?:const|let|var)\s+\w+\s*=\s*(?:async\s*)?(?:\([^)]*\)|\w+)\s*=>"
    r"|^(?!\s*(?:if|for|while|switch|catch|return|else|do|with|match|when|using|lock|foreach|try)\b)"
    r"\s*(?:[\w:<>,*&\[\]?]+\s+)+[\w:~]+\s*\([^;]*\)[^;=]*\{\s*$"
)
_MARKS: Final = ("/**", "/*", "<!--", "{-", "--[[", "=begin")
_MOST_LINES = 2_000  # a block that is longer is no place to rewrite
_LONGEST = 400  # characters of a line that may begin a definition; the pattern is not for generated code


@dataclass(frozen=True)
class Flaw:
    """A diagnostic: what another server, or a linter, says about a place."""

    span: Span
    message: str
    source: str = ""
    code: str = ""


@dataclass(frozen=True)
class Selection:
    """A place in a document. A span of one character is a cursor, because some editors have no smaller one."""

    document: Document
    span: Span
    flaws: tuple[Flaw, ...] = ()
    outline: Outline | None = None
    """What a parser sees; that of the document, where no other is given."""
    instruction: str = ""
    """What the user asks for besides the place."""
    locale: str = ""
    """The language that the editor speaks with its user, such as ``de-AT``."""

    def __post_init__(self) -> None:
        if self.outline is None:
            object.__setattr__(self, "outline", self.document.outline)

    @property
    def is_cursor(self) -> bool:
        return self.span.end - self.span.start <= 1

    @property
    def text(self) -> str:
        return self.span.of(self.document.text)

    @cached_property
    def rows(self) -> tuple[int, int]:
        """The first and the last line of it; one that it only reaches the start of is not counted."""
        lines = self.document.lines
        first, last = lines.number(self.span.start), lines.number(self.span.end)
        if last > first and not self.is_cursor and self.span.end == lines.start(last):
            last -= 1
        return first, last

    @property
    def whole_lines(self) -> Span:
        """Its lines, without the ending of the last one."""
        first, last = self.rows
        return self.over(first, last)

    def over(self, first: int, last: int) -> Span:
        """The lines from `first` to `last`, without the ending of the last one."""
        lines = self.document.lines
        return Span(lines.start(first), lines.line(last).end)

    def line(self, row: int) -> str:
        return self.document.lines.line(row).of(self.document.text)

    @cached_property
    def comment(self) -> tuple[int, int] | None:
        """The lines of the comment that it is in, or None."""
        first, last = self.rows
        if not all(self._is_comment(row) for row in range(first, min(last, first + 200) + 1)):
            return None
        while first > 0 and self._is_comment(first - 1) and last - first < 200:
            first -= 1
        while last + 1 < len(self.document.lines) and self._is_comment(last + 1) and last - first < 200:
            last += 1
        return first, last

    def _is_comment(self, row: int) -> bool:
        """Whether line `row` is in a comment, and has nothing else."""
        return self.says(row) is not None if self._parsed(row) is None else self._in_comment(row)

    def _in_comment(self, row: int) -> bool:
        line = self.document.lines.line(row)
        text = line.of(self.document.text)
        start = line.start + len(text) - len(text.lstrip())
        around = self.outline and self.outline.comment(Span(start, max(start, line.start + len(text.rstrip()))))
        return around is not None and not text.startswith("#!")

    def _parsed(self, row: int) -> Outline | None:
        """The outline, if it knows line `row` as it is now."""
        return None if self.outline is None or self.outline.is_touched(self.over(row, row)) else self.outline

    def says(self, row: int) -> str | None:
        """What the comment that is all of line `row` says; None where it is no such line, or says nothing."""
        text = self.line(row).strip()
        if self._parsed(row) is not None:
            if not self._in_comment(row):
                return None
            for mark in _MARKS:
                text = text.removeprefix(mark)
            return text.lstrip("/*#-!;%").removesuffix("*/").removesuffix("-->").strip() or None
        for mark in _marks(self.document.language):
            if text.startswith(mark) and not text.startswith("#!"):
                said = text.removeprefix(mark).lstrip("/*#-!;%").removesuffix("*/").removesuffix("-->").strip()
                return said or None
        return None

    @cached_property
    def block(self) -> tuple[int, int] | None:
        """The lines of the function, class or other definition around it, or None."""
        if self.outline is None:
            return self._guessed
        known, number = None, self.document.lines.number
        if (found := self.definition) is not None:
            known = number(found.span.start), number(found.span.end)
        if self.outline.is_whole or (guess := self._guessed) is None or guess == known:
            return known
        # What is half typed makes no definition for the parser, and what was typed just now it has not seen.
        inside = known is None or (known[0] <= guess[0] and guess[1] <= known[1])
        unseen = self.outline.is_broken(self.over(*guess)) or self.outline.is_new(self.over(guess[0], guess[0]))
        return guess if inside and unseen else known

    @cached_property
    def definition(self) -> Definition | None:
        """The innermost definition around it; None where there is none, or no outline."""
        return self.outline.around(self.content) if self.outline else None

    @property
    def content(self) -> Span:
        """It without white space at its ends: where a cursor is, or what is selected."""
        text = self.text
        if self.is_cursor or not text.strip():
            return Span(self.span.start, self.span.start)
        start = self.span.start + len(text) - len(text.lstrip())
        return Span(start, start + len(text.strip()))

    @property
    def _guessed(self) -> tuple[int, int] | None:
        first, last = self.rows
        depth = 1_000
        for row in range(first, max(-1, first - _MOST_LINES), -1):
            text = self.line(row)
            if not text.strip() or (row < first and _indent(text) >= depth):
                continue  # what holds this line stands further to the left
            depth = _indent(text)
            if len(text) <= _LONGEST and _DEFINES.match(text):
                end = self._end_of_block(row)
                if end >= last:
                    return self._with_decorators(row), end
        return None

    def _end_of_block(self, row: int) -> int:
        rows = range(row, min(len(self.document.lines), row + _MOST_LINES))
        if self.document.language not in _INDENTED:
            braced = _end_of_braces([self.line(each) for each in rows])
            if braced is not None:
                return row + braced
        depth, end, inside = _indent(self.line(row)), row, False
        for each in rows[1:]:
            text = self.line(each)
            if not text.strip():
                continue
            if _indent(text) > depth:
                end, inside = each, True
            elif text.strip() in ("end", "}", "};", ")", "):", "]") or (not inside and text.lstrip().startswith(")")):
                end = each
                if text.strip() in ("end", "}", "};"):
                    break
            else:
                break
        return end

    def _with_decorators(self, row: int) -> int:
        while row > 0 and self.line(row - 1).lstrip().startswith(("@", "#[")):
            row -= 1
        return row


def is_prose(language: str) -> bool:
    return language in _PROSE


def _marks(language: str) -> Sequence[str]:
    if language in _HASH:
        return ("#",)
    if language in _DASHES:
        return ("--",)
    if language in _PROSE:
        return ("<!--",)
    return ("//", "/*", "*") if language not in ("lisp", "clojure", "scheme", "emacs-lisp") else (";",)


def _indent(text: str) -> int:
    return len(text.expandtabs(8)) - len(text.expandtabs(8).lstrip())


def _end_of_braces(lines: Sequence[str]) -> int | None:
    """The line on which the first brace of `lines` closes. Braces in strings are few enough to be risked."""
    depth = 0
    for number, line in enumerate(lines):
        code = line.split("//", 1)[0]
        for mark in code:
            if mark == "{":
                depth += 1
            elif mark == "}":
                depth -= 1
                if depth == 0:
                    return number
        if depth == 0 and number > 5:
            return None
    return None
