"""Takes from an answer what stands around the place already: signature, decorators, lines before and after, imports.

Lines are compared by their words, so that another indentation is no difference. A line that says little (a bracket,
`else:`) is taken away only beside one that says more, or where the code closes what it did not open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theo_lsp.edits.blocks import balance, without_strings
from theo_lsp.edits.indent import width
from theo_lsp.edits.language import is_comment

_MOST: Final = 400  # lines beside the place that an answer may repeat; one that repeats more is the whole file
_SAYS_LITTLE: Final = frozenset(
    {"end", "else", "else:", "fi", "done", "esac", "pass", "return", "return;", "break", "break;", "try:", "finally:",
     "begin", "do", "then", "continue", "continue;", "});", '"""', "'''", "*/", "/**"}
)  # fmt: skip
_DEFINED: Final = re.compile(
    r"\b(?:def|function\*?|fn|class|struct|interface|trait|enum|module|sub|fun)\s+(?:self\.)?(\w+)"
    r"|\bfunc\s+(?:\([^)]*\)\s*)?(\w+)|\b(?:const|let|var)\s+(\w+)\s*=\s*(?:async\s*)?(?:function|\([^)]*\)\s*(?::[^=]+)?=>)"
)
_CALLED: Final = re.compile(r"(\w+)\s?\(")
_TYPE: Final = re.compile(r"[\w<>\[\],.&*:~\s@]*")
_NO_METHOD: Final = frozenset(
    {"if", "for", "while", "switch", "catch", "return", "else", "foreach", "elif", "with", "match"}
)
_HEADER: Final = re.compile(
    r"import\b|from \S+ import |package |#\s*include|using |<\?php|#!|use |require|const .+ = require\(|['\"]use strict"
)
_ONCE: Final = re.compile(r"(?:package |<\?php|#!|<!doctype)", re.IGNORECASE)
_EXAMPLE: Final = re.compile(
    r"(?:#|//|--|/\*)\s*(?:example|usage|test(?:s|ing|\s+(?:case|the))?\b|driver|output)", re.IGNORECASE
)
_SHOWN: Final = re.compile(
    r"(?:print|printf|puts|echo|assert|console\.log|fmt\.Print\w*|System\.out\.print\w*|Console\.Write\w*)\b"
    r"|std::cout|println!"
)
_TYPE_NAME: Final = re.compile(
    r"(?:export |pub |public )?(?:class|struct|interface|trait|enum|type|def|function|fn|func)\s+(\w+)"
)
_MAIN: Final = re.compile(
    r"(?:int|void) main\s*\(|func main\(\)|fn main\(\)|public static void main\b|if __name__ ==", re.IGNORECASE
)


@dataclass(frozen=True)
class Around:
    """The place: the lines before it and after it, and the text that it replaces."""

    before: Sequence[str]
    after: Sequence[str]
    original: Sequence[str]
    language: str


def without_repeats(code: list[str], around: Around) -> list[str]:
    """`code` without what `around` has already."""
    code = _without_headers(code, around)
    code = _without_definitions(_without_examples(code, around), around)
    if around.original != code or not code:
        shorter = _without_start(code, around)
        if shorter is code:
            shorter = _without_signature(code, around)
            if shorter is not code:
                shorter = _without_start(shorter, around)
        code = _without_end(shorter, around)
    return code or [""]


def definitions(lines: Sequence[str]) -> set[str]:
    """The names of what the lines define by a keyword: types and functions."""
    return {name for line in lines if (name := _defines(line))}


def key(line: str) -> str:
    """What a line says, whatever its white space."""
    return " ".join(line.split())


def says_much(line: str) -> bool:
    """Whether a line is one that does not stand everywhere."""
    said = key(line)
    return said not in _SAYS_LITTLE and re.search(r"\w\w\w|\w+ ?[=(:]", said) is not None


def _keys(lines: Sequence[str]) -> list[tuple[int, str]]:
    return [(at, key(line)) for at, line in enumerate(lines) if line.strip()]


def _without_start(code: list[str], around: Around) -> list[str]:
    said, before = _keys(code[:_MOST]), _keys(around.before[-_MOST:])
    had = [text for _, text in _keys(around.original[: len(code)])]
    for count in range(min(len(said) - 1, len(before)), 0, -1):
        lines = [text for _, text in said[:count]]
        if lines != [text for _, text in before[-count:]] or not any(map(says_much, lines)):
            continue
        return code if had[:count] == lines else code[said[count][0] :]
    return code


def _without_end(code: list[str], around: Around) -> list[str]:
    said, after = _keys(code), _keys(around.after[:_MOST])
    had = [text for _, text in _keys(around.original[-len(code) :])]
    for count in range(min(len(said) - 1, len(after)), 0, -1):
        lines = [text for _, text in said[-count:]]
        if lines != [text for _, text in after[:count]] or had[-count:] == lines:
            continue
        kept = code[: said[-count - 1][0] + 1]
        closes = balance("\n".join(code), around.language) < 0 <= balance("\n".join(kept), around.language)
        if any(map(says_much, lines)) or closes:
            return kept
    return code


def _without_signature(code: list[str], around: Around) -> list[str]:
    """The body alone, where the answer has the function and the place is inside it, its signature perhaps changed."""
    edge = min((width(line) for line in around.original if line.strip()), default=None)
    names = {name for line in around.original if (name := _name(line))}
    inside = edge if edge is not None else 10_000
    for line in reversed(around.before[-12:]):
        name = _name(line)
        if name and width(line) < inside:
            break
        if edge is None and line.strip() and line.strip()[0] not in "){":
            inside = min(inside, width(line))  # what stands as far to the left has ended here
    else:
        return code
    if name in names:
        return code
    for at, line in enumerate(code[:12]):
        if _name(line) == name:
            return _body(code, at)
    return code


def _body(code: list[str], at: int) -> list[str]:
    depth = 0
    for end in range(at, len(code)):
        text = without_strings(code[end])
        depth += text.count("(") + text.count("[") - text.count(")") - text.count("]")
        if depth <= 0 and text.rstrip().endswith(("{", ":")):
            return code[end + 1 :] or code
        if depth <= 0 and end > at + 1:
            break
    return code[at + 1 :] if code[at].strip().startswith("def ") and not code[at].rstrip().endswith(":") else code


def _name(line: str) -> str:
    if found := _DEFINED.search(line):
        return found[1] or found[2] or found[3]
    said = line.strip()
    called = _CALLED.search(said) if said.endswith(("{", ")")) and ";" not in said else None
    if called is None or called[1] in _NO_METHOD or not _TYPE.fullmatch(said, 0, called.start()):
        return ""
    return called[1]


def _without_headers(code: list[str], around: Around) -> list[str]:
    """Without the imports that the document has, and without what may only stand at its start."""
    if not any(line.strip() for line in around.before):
        return code
    had = {key(line) for line in around.original}
    there = {key(line) for line in (*around.before, *around.after)}
    start, kept = 0, list[str]()
    for at, line in enumerate(code):
        said = key(line)
        if said and not _HEADER.match(said) and not _ONCE.match(said):
            break
        if said and (said in had or not (said in there or _ONCE.match(said))):
            kept.append(line)
        if said:
            start = at + 1
    if not start or len(kept) == start:
        return code
    rest = code[start:]
    while rest and not rest[0].strip() and not kept:
        rest = rest[1:]
    return [*kept, *rest] if rest else code


def _without_examples(code: list[str], around: Around) -> list[str]:
    """Without the calls that show how it is used, where a definition in a document was asked for, not a program."""
    asked = [line for line in around.original if line.strip() and not is_comment(line, around.language)]
    if not asked or not any(line.strip() for line in (*around.before, *around.after)):
        return code
    had = "\n".join(around.original)
    edge = min((width(line) for line in code if line.strip()), default=0)
    shown = -1 if _SHOWN.search(had) else _shown_from(code, edge)
    for at, line in enumerate(code):
        if at and line.strip() and width(line) == edge:
            said = line.strip()
            example = is_comment(line, around.language) and _EXAMPLE.match(said) and not _EXAMPLE.search(had)
            if example or (_MAIN.match(said) and not _MAIN.search(had)) or at == shown:
                kept = code[:at]
                while kept and not kept[-1].strip():
                    kept.pop()
                return kept or code
    return code


def _shown_from(code: list[str], edge: int) -> int:
    """Where, behind a definition, only plain statements are left, and one prints or asserts something; else -1."""
    found, shown = -1, False
    for at in range(len(code) - 1, 0, -1):
        line = code[at]
        if line.strip() and (width(line) != edge or _DEFINED.search(line) or line.lstrip()[0] in "@})]"):
            break
        shown = shown or _SHOWN.match(line.strip()) is not None
        if line.strip() and not code[at - 1].strip():
            found = at
    return found if shown and found > 0 and any(map(_DEFINED.search, code[:found])) else -1


def _without_definitions(code: list[str], around: Around) -> list[str]:
    """Without what the document defines elsewhere, where it stands beside the definition that was asked for."""
    had = definitions(around.original)
    there = definitions([*around.before, *around.after]) - had
    if not had or not there:
        return code
    kept: list[str] = []
    blocks = _blocks(code)
    names = [_defines(block[0]) for block in blocks]
    if not any(name in had for name in names):
        return code
    for block, name in zip(blocks, names, strict=True):
        if name not in there:
            kept += block
    while kept and not kept[-1].strip():
        kept.pop()
    return kept or code


def _blocks(code: list[str]) -> list[list[str]]:
    """The code cut where, behind an empty line, something begins at the left edge."""
    edge = min((width(line) for line in code if line.strip()), default=0)
    blocks: list[list[str]] = [[]]
    for at, line in enumerate(code):
        if at and line.strip() and width(line) == edge and not code[at - 1].strip():
            blocks.append([])
        blocks[-1].append(line)
    return blocks


def _defines(line: str) -> str:
    found = _TYPE_NAME.match(line.strip())
    return found[1] if found else ""
