"""The head of a definition as text: the comment above it, its parameters, and what of them has no type.

It is for languages and moments without a parser, so it says "untyped" only where it is sure; what it cannot read has
no finding.
"""

from __future__ import annotations

import re
from typing import Final

from theo_lsp.selection import Selection

_STARTS: Final = {
    "python": re.compile(r"[ \t]*(?:async[ \t]+)?def[ \t]+\w+[ \t]*\("),
    "typescript": re.compile(
        r"[ \t]*(?:(?:export|default|async|public|private|protected|static|override)[ \t]+)*"
        r"(?:function\b[ \t*]*[\w$]*|(?:const|let|var)[ \t]+[\w$]+[ \t]*=[ \t]*(?:async[ \t]*)?(?:function\b[ \t]*)?"
        r"|(?!(?:if|for|while|switch|catch|with)\b)[\w$#]+)[ \t]*\("
    ),
    "php": re.compile(
        r"[ \t]*(?:(?:public|private|protected|static|final|abstract)[ \t]+)*function[ \t]+&?(?P<name>\w+)[ \t]*\("
    ),
    "lua": re.compile(r"[ \t]*(?:local[ \t]+)?(?:function[ \t]+[\w.:]+|[\w.]+[ \t]*=[ \t]*function)[ \t]*\("),
}
_FAMILY: Final = {
    "typescriptreact": "typescript",
    "javascript": "typescript",
    "javascriptreact": "typescript",
}
_TYPED: Final = {
    "python": re.compile(r"[*]{0,2}\w+\s*:|[*]$|/$|(?:self|cls)$"),
    "typescript": re.compile(
        r"(?:(?:public|private|protected|readonly|override)\s+)*(?:\.\.\.)?[\w$]+\??\s*[:=]|[{\[@]|this\b"
    ),
    "php": re.compile(r"(?![&.]{0,4}\$)"),
    "lua": re.compile(r"$"),
}
_NO_RESULT: Final = ("__construct", "__destruct", "__clone")
_MOST: Final = 40  # lines of a signature
_COMMENTED: Final = ("//", "/*", "*", "--", "#", '"""')
_OPENS, _CLOSES = "([{", ")]}"


def untyped(selection: Selection, rows: tuple[int, int]) -> bool:
    """Whether the definition on the lines `rows` surely has a parameter, or a result, without its type."""
    language = _FAMILY.get(selection.document.language, selection.document.language)
    if language not in _STARTS:
        return False
    lines = [selection.line(row) for row in range(rows[0], min(rows[1], rows[0] + _MOST) + 1)]
    for number, line in enumerate(lines):
        found = _STARTS[language].match(line[:400])
        if found is None:
            continue
        read = _parameters("\n".join([line[found.end() :], *lines[number + 1 :]]))
        if read is None:
            return False
        parameters, after = read
        if any(not _TYPED[language].match(each) for each in parameters):
            return True
        if language == "python":
            return not after.startswith("->")
        return language == "php" and found["name"] not in _NO_RESULT and not after.startswith(":")
    return False


def with_comment(selection: Selection, rows: tuple[int, int]) -> tuple[int, int]:
    """`rows` with the comment that stands right above them."""
    first, last = rows
    while first > 0 and rows[0] - first < _MOST and selection.line(first - 1).lstrip().startswith(_COMMENTED[:-2]):
        first -= 1
    return first, last


def _parameters(text: str) -> tuple[list[str], str] | None:
    """The parameters up to the closing parenthesis, and what follows it; None where that does not come."""
    parameters, begun, depth, quote = [], 0, 0, ""
    for at, mark in enumerate(text):
        if quote:
            quote = "" if mark == quote and text[at - 1] != "\\" else quote
        elif mark in "\"'`":
            quote = mark
        elif mark == ")" and depth == 0:
            parameters.append(text[begun:at])
            return [each.strip() for each in parameters if each.strip()], text[at + 1 :].lstrip()
        elif mark == "," and depth == 0:
            parameters.append(text[begun:at])
            begun = at + 1
        else:
            depth += (mark in _OPENS) - (mark in _CLOSES)
    return None
