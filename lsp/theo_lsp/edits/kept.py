"""Whether an answer keeps what it was told to keep: a small model likes to write something else that parses as well."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from theo_lsp.edits.blocks import without_strings
from theo_lsp.edits.indent import width
from theo_lsp.edits.language import is_comment
from theo_lsp.edits.repeats import key

Keeps: TypeAlias = Literal["nothing", "names", "lines"]
"""What an answer has of its target: the names that are defined there; each line of code too, but for signatures."""

_DEFINES: Final = re.compile(
    r"[ \t]*(?:(?:export|default|public|private|protected|internal|static|final|abstract|override|async|pub|inline"
    r"|extern|local|open|suspend)[ \t]+)*"
    r"(?:class|struct|interface|trait|enum|module|def|defp|function\*?|fn|func|fun|sub)[ \t]+(?:self\.)?(\w[\w.:]*)"
)
_QUOTES: Final = re.compile(r'"""|' + "'''")
_MOST_SIGNED: Final = 40  # lines of a signature


def is_kept(keeps: Keeps, before: str, after: str, language: str) -> bool:
    """Whether `after` has of `before` what it is to keep."""
    if keeps == "nothing":
        return True
    old, new = before.splitlines(), after.splitlines()
    if _outer(old) != _outer(new):
        return False
    had = (key(line) for line in new)
    return keeps == "names" or all(line in had for line in _code(old, language))  # each behind the one before it


def _outer(lines: Sequence[str]) -> list[str]:
    """What the lines define, but for what is inside of that."""
    found = [(width(line), match[1]) for line in lines if (match := _DEFINES.match(line))]
    least = min((depth for depth, _ in found), default=0)
    return sorted(name for depth, name in found if depth == least)


def _code(lines: Sequence[str], language: str) -> Iterator[str]:
    """The lines of code, without comments, docstrings and signatures."""
    quoted, signed, depth = False, 0, 0
    for line in lines:
        marks = len(_QUOTES.findall(line))
        if quoted or (marks and line.lstrip(" \trRuU").startswith(('"""', "'''"))):
            quoted = quoted != bool(marks % 2)
            continue
        text = without_strings(line)
        if signed or _DEFINES.match(line):
            depth += text.count("(") - text.count(")")
            signed = signed + 1 if depth > 0 and signed < _MOST_SIGNED else 0
            depth = depth if signed else 0
            continue
        if line.strip() and not is_comment(line, language):
            yield key(line)
