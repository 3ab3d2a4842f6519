"""What kind of text a generation is: nothing else tells, as the API sends tokens without a type.

The start of a text decides, and for JSON whether it is whole. It is looked at, never run, parsed or decoded: what the
tokens of an output type such as pdf, excel or image are is not documented, so they are text like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from theo_mcp.artifacts import fences
from theo_mcp.wire.words import CodeLanguage, OutputType
from theo_mcp.workspace.reading import mime_of

Kind: TypeAlias = Literal[
    "html", "svg", "json", "csv", "markdown", "python", "typescript", "javascript", "tsx", "vue", "php", "xml", "text"
]  # fmt: skip
_Form: TypeAlias = tuple[Kind, str]  # the kind and the extension

_LOOKED_AT: Final = 8192
_HTML: Final[_Form] = ("html", "html")
_JSON: Final[_Form] = ("json", "json")
_TEXT: Final[_Form] = ("text", "txt")
_MARKDOWN: Final[_Form] = ("markdown", "md")
_PYTHON: Final[_Form] = ("python", "py")
_TYPESCRIPT: Final[_Form] = ("typescript", "ts")
_JAVASCRIPT: Final[_Form] = ("javascript", "js")
_TSX: Final[_Form] = ("tsx", "tsx")
_VUE: Final[_Form] = ("vue", "vue")
_PHP: Final[_Form] = ("php", "php")
_LABELS: Final[Mapping[str, _Form]] = {
    "html": _HTML, "htm": _HTML, "svg": ("svg", "svg"), "xml": ("xml", "xml"), "mjml": ("xml", "mjml"),
    "json": _JSON, "csv": ("csv", "csv"), "md": _MARKDOWN, "markdown": _MARKDOWN, "text": _TEXT, "txt": _TEXT,
    "python": _PYTHON, "py": _PYTHON, "python3": _PYTHON, "php": _PHP, "vue": _VUE, "tsx": _TSX,
    "typescript": _TYPESCRIPT, "ts": _TYPESCRIPT, "javascript": _JAVASCRIPT, "js": _JAVASCRIPT,
    "jsx": ("javascript", "jsx"),
}  # fmt: skip
_ASKED: Final[Mapping[CodeLanguage, _Form]] = {
    "html": _HTML, "react": _TSX, "vue": _VUE, "typescript": _TYPESCRIPT, "python": _PYTHON, "nodejs": _JAVASCRIPT,
    "php": _PHP,
}  # fmt: skip
_OPENING: Final = re.compile(r"\s*+(`{3,}+|~{3,}+)[ \t]*+([^\s`]*+)[^\n`]*+\n")
_FENCE_LINE: Final = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)[ \t]*+\r?$", re.MULTILINE)
_FENCE_BEGINS: Final = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_PROLOGUE: Final = re.compile(r"(?:\s++|<!--.*?-->|<\?xml\b[^>]*+>|<!doctype\s[^>]*+>)*+", re.IGNORECASE | re.DOTALL)
_TAG: Final = re.compile(r"<([A-Za-z][\w:-]*+)")
_HTML_TAG: Final = re.compile(
    r"html|head|body|title|meta|link|style|script|div|span|main|section|article|header|footer|nav|aside|p|a|h[1-6]|ul|ol"
    r"|table|form|canvas|img|button|center"
)
_VUE_PARTS: Final = re.compile(r"^</?(?:template|script\b[^>]*\b(?:setup|lang=))", re.MULTILINE)
_PY: Final = re.compile(
    r"^(?:from [\w.]++ import |import [\w.]++(?: as \w++)?[ \t]*+(?:#.*)?\r?$|(?:async )?def \w++\("
    r"|class \w++(?:\([^\n)]*+\))?:|@\w[\w.]*+\(?|if __name__ ==)",
    re.MULTILINE,
)
_JSX: Final = re.compile(r"(?:return|=>)\s*+\(?\s*+<[A-Za-z>]")
_TS: Final = re.compile(
    r"^(?:export )?(?:interface \w++[^\n;]*+|type \w++ *+=|enum \w++ |declare |abstract class )|^import type "
    r"|\b(?:const|let|var) \w++ ?: ?\w|[(,] *+\w++\??: ?(?:string|number|boolean|any|unknown|void|Request|Response)\b"
    r"|\): ?(?:string|number|boolean|void|Promise<)",
    re.MULTILINE,
)
_JS: Final = re.compile(
    r"^(?:import [\w*{].* from ['\"]|import ['\"]|export (?:default|const|function|class|async|\{)|['\"]use strict['\"]"
    r"|(?:const|let|var) [\w{\[]|(?:async )?function\b|module\.exports\b|class \w++[^\n:{]*+\{)",
    re.MULTILINE,
)
_CODE: Final[Mapping[Kind, re.Pattern[str]]] = {
    "python": _PY,
    "typescript": re.compile(f"{_TS.pattern}|{_JS.pattern}", re.MULTILINE),
    "tsx": re.compile(f"{_JSX.pattern}|{_TS.pattern}|{_JS.pattern}", re.MULTILINE),
}
_MD: Final = re.compile(r"^(?:#{1,6} \S|[-*+] \S|\d{1,3}\. \S|> \S|\|.*\|[ \t]*+\r?$)|\*\*\w|\]\(https?:", re.MULTILINE)
_QUOTED: Final = re.compile(r'"[^"]*+"')


@dataclass(frozen=True)
class Recognised:
    """What a text is, and the text without the fence around it."""

    kind: Kind
    extension: str
    mime: str
    text: str = field(repr=False)


def recognise(text: str, output_type: OutputType, language: CodeLanguage | None) -> Recognised:
    """The kind of `text`, by the fence around it, by its start, and by what was asked for, in this order.

    One fence around the whole is taken off; not a byte is changed else.
    """
    label, inner = _unfenced(text)
    asked = _ASKED.get(language) if language and output_type in ("website", "api") else None
    kind, extension = _form(inner, label, asked, table=output_type in ("excel", "chart"))
    return Recognised(kind, extension, mime_of(f"a.{extension}", b""), inner)


def files_in(text: str) -> list[tuple[str, str]]:
    """The files that `text` names and holds in fences of their own, in its order; the names are below no root.

    A name stands in the opening line of the fence, alone on the line before, or in a comment on the first line.
    """
    if "```" not in text and "~~~" not in text:
        return []
    return [(block.file, block.code) for block in fences.read(text).blocks if block.file]


def _unfenced(text: str) -> tuple[str, str]:
    """The label of the fence around all of `text`, and what it holds; an empty label and `text` where there is none."""
    opened = _OPENING.match(text)
    if opened is None:
        return "", text
    end = len(text.rstrip())
    last = text.rfind("\n", opened.end() - 1, end) + 1
    fence = opened[1]
    if not last or not _closes(text[last:end], fence):
        return "", text
    inner = text[opened.end() : last]
    if any(_closes(line[0], fence) for line in _FENCE_LINE.finditer(inner)):  # it ends before the end
        return "", text
    return opened[2].lower(), inner


def _closes(line: str, fence: str) -> bool:
    found = _FENCE_LINE.fullmatch(line)
    return found is not None and found[1][0] == fence[0] and len(found[1]) >= len(fence)


def _form(text: str, label: str, asked: _Form | None, *, table: bool) -> _Form:
    head = text[:_LOOKED_AT]
    start = head.lstrip("\ufeff \t\r\n")
    if start[:1] == "<":
        marked = _marked(head.removeprefix("\ufeff"), label, asked)
        if marked is not None:
            return marked
    if label in _LABELS and label != "json":
        return _LABELS[label]
    if start[:1] in ("{", "[") and _is_json(text):
        return _JSON
    if label:  # a language that has no kind of its own, or JSON that is none
        return _TEXT
    if asked is not None and asked[0] in _CODE and _CODE[asked[0]].search(head):
        return asked
    return _found(head, whole=len(text) <= _LOOKED_AT, table=table)


def _marked(head: str, label: str, asked: _Form | None) -> _Form | None:
    """What begins with a tag, a declaration or a comment: by the first element."""
    if head.lstrip()[:5].lower() == "<?php" or head.lstrip()[:3] == "<?=":
        return _PHP
    prologue = _PROLOGUE.match(head)
    at = prologue.end() if prologue else 0
    element = _TAG.match(head, at)
    name = element[1].lower() if element else ""
    if name == "mjml":
        return "xml", "mjml"
    if name == "svg" or name.endswith(":svg"):
        return "svg", "svg"
    if label in _LABELS and _LABELS[label][0] in ("vue", "tsx", "javascript", "typescript", "php", "markdown", "text"):
        return _LABELS[label]
    if name in ("template", "script", "style") and (asked == _VUE or len(_VUE_PARTS.findall(head)) > 1):
        return _VUE
    said = head[:at].lower()
    if _HTML_TAG.fullmatch(name) or "<!doctype html" in said:
        return _PHP if asked == _PHP and "<?php" in head else _HTML
    if "<?xml" in said or "<!doctype" in said or label == "xml":
        return "xml", "xml"
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text.removeprefix("\ufeff"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _found(head: str, *, whole: bool, table: bool) -> _Form:
    """The kind of a text that neither a tag nor a label tells."""
    if _FENCE_BEGINS.search(head):
        return _MARKDOWN
    if _PY.search(head):
        return _PYTHON
    if _JS.search(head) or _TS.search(head):
        if _JSX.search(head):
            return _TSX
        return _TYPESCRIPT if _TS.search(head) else _JAVASCRIPT
    if _is_csv(head, whole=whole, table=table):
        return "csv", "csv"
    return _MARKDOWN if _MD.search(head) else _TEXT


def _is_csv(head: str, *, whole: bool, table: bool) -> bool:
    """Whether each line has as many separators as the first, where sentences would not."""
    lines = _QUOTED.sub('""', head.strip("\ufeff\r\n")).splitlines()
    rows = [line for line in (lines if whole else lines[:-1]) if line]
    if len(rows) < 2:
        return False
    for separator in (",", ";", "\t"):
        count = rows[0].count(separator)
        if count and all(row.count(separator) == count for row in rows):
            return table or not any(f"{separator} " in row or row.endswith(separator) for row in rows)
    return False
