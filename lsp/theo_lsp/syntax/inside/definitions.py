"""The definitions among what the patterns match: their lines, what they are in, and whether they are documented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from theo_lsp.syntax.inside.patterns import DOC_MARKS
from theo_lsp.syntax.inside.untyped import untyped

if TYPE_CHECKING:
    from tree_sitter import Node

    Match: TypeAlias = tuple[int, dict[str, list[Node]]]

_MOST: Final = 20_000
_DEEPEST: Final = 60
_LONGEST_NAME: Final = 120
_PARTS: Final = frozenset(
    {"name", "comment", "broken", "inner", "whole", "before", "tail", "doc", "between", "documented", "_how"}
)
_TYPES: Final = frozenset({
    "actor", "class", "extension", "implementation", "instance", "interface", "mixin", "object", "protocol", "record",
    "struct", "trait",
})  # fmt: skip
_BEFORE: Final = re.compile(rb"[\w\s]*")  # such as `pub` and `local`, which some grammars keep apart
_AFTER: Final = re.compile(rb"[ \t,;]*(?:(?://|#|--).*)?")
_NAMELESS: Final = {"constructor": "constructor", "initializer": "init", "object": "companion"}
_NAME_END: Final = re.compile(r"[(\n]|\s(?:when|do)\b|, ")


@dataclass
class Defined:
    """One definition, in bytes; `parent` is the number of the one around it, or -1."""

    name: str
    kind: str
    start: int
    end: int
    documented: bool
    untyped: bool | None
    parent: int = -1
    depth: int = 0


def definitions(matches: Sequence[Match], text: bytes, grammar: str) -> list[Defined]:
    """Those in `matches`, an outer one before those in it."""
    around = {
        inner.id: captures["whole"][0]
        for _, captures in matches
        if "whole" in captures
        for inner in captures.get("inner", [])
    }
    above = _Above(matches, text, grammar)
    said = {node.id for node in joined(matches, "documented")}
    taken: set[int] = set()
    found: list[Defined] = []
    for _, captures in sorted(matches, key=_order):  # the pattern that comes first wins
        kind = next((name for name in captures if name not in _PARTS), None)
        if kind is None or captures[kind][0].id in taken or len(found) == _MOST:
            continue
        node = captures[kind][0]
        taken.add(node.id)
        outer = node
        while outer.id in around:
            outer = around[outer.id]
        name = _name(captures.get("name"), node, kind)
        first, row = above.before(outer, name)
        last = captures["tail"][-1] if "tail" in captures else outer
        start, end = _lines(text, first.start_byte, last.end_byte)
        documented = node.id in said or above.documents(row)
        found.append(Defined(name, kind, start, end, documented, untyped(node, grammar)))
    found.sort(key=lambda each: (each.start, -each.end))
    return _nested(_merged(found) if grammar == "haskell" else found)


def joined(matches: Sequence[Match], capture: str) -> Iterator[Node]:
    """Every node of one capture, in the order of the text."""
    for _, captures in matches:
        yield from captures.get(capture, ())


class _Above:
    """What ends on the line above a definition: attributes that belong to it, comments that document it."""

    def __init__(self, matches: Sequence[Match], text: bytes, grammar: str) -> None:
        marks = tuple(mark.encode() for mark in DOC_MARKS.get(grammar, ()))
        self._before = {node.end_point.row: node for node in joined(matches, "before")}
        self._begins = {node.start_point.row: node for node in joined(matches, "before")}
        self._between = {node.end_point.row: node.start_point.row for node in joined(matches, "between")}
        self._docs = {node.end_point.row for node in joined(matches, "doc")}
        for node in joined(matches, "comment"):
            at = node.start_byte
            ended = node.end_point.row - (node.end_point.column == 0 and node.end_byte > at)
            alone = not text[text.rfind(b"\n", 0, at) + 1 : at].strip()
            if alone and (not marks or text[at : at + 8].startswith(marks)) and text[at : at + 2] != b"#!":
                self._docs.add(ended)

    def before(self, node: Node, name: str) -> tuple[Node, int]:
        """Where a definition begins with what belongs to it, and on which line that is."""
        row = node.start_point.row
        own = self._begins.get(row)
        first = own if own is not None and own.end_byte <= node.start_byte else node
        while (other := self._before.get(row - 1)) is not None and _belongs(other, name):
            first, row = other, other.start_point.row
        return first, row

    def documents(self, row: int) -> bool:
        """Whether what stands above line `row` documents it."""
        while row - 1 in self._between:
            row = self._between[row - 1]
        return row - 1 in self._docs


def _order(match: Match) -> int:
    return match[0]


def _belongs(before: Node, name: str) -> bool:
    """Whether what stands above belongs to `name`; Haskell's signatures have one of their own."""
    own = before.child_by_field_name("name") if before.type == "signature" else None
    return own is None or own.text == name.encode()


def _name(nodes: list[Node] | None, node: Node, kind: str) -> str:
    if not nodes:
        return "default" if node.type == "export_statement" else _NAMELESS.get(kind, "")
    node = nodes[0]
    while (inner := _declared(node)) is not None:
        node = inner
    said = (node.text or b"")[: 4 * _LONGEST_NAME].decode(errors="replace")
    if node.type not in ("identifier", "name"):
        said = _NAME_END.split(said, maxsplit=1)[0]
    return said.strip().strip("\"'")[:_LONGEST_NAME]


def _declared(node: Node) -> Node | None:
    """What a declarator of C or C++ is around."""
    return node.named_child(0) if node.type == "reference_declarator" else node.child_by_field_name("declarator")


def _lines(text: bytes, start: int, end: int) -> tuple[int, int]:
    """From `start` to `end`, and the rest of their lines where that is nothing of its own."""
    while end > start and text[end - 1] in b" \t\r\n":
        end -= 1
    first = text.rfind(b"\n", 0, start) + 1
    first = max(first, text.rfind(b"\r", first, start) + 1)
    if start - first < 400 and _BEFORE.fullmatch(text, first, start):
        start = first
    last = text.find(b"\n", end)
    last = len(text) if last < 0 else last
    cut = text.find(b"\r", end, last)
    last = last if cut < 0 else cut
    if last - end < 400 and _AFTER.fullmatch(text, end, last):
        end = last
    return start, end


def _merged(found: list[Defined]) -> list[Defined]:
    """With the equations of one function as one definition."""
    merged: list[Defined] = []
    for each in found:
        last = merged[-1] if merged else None
        if last and last.name == each.name and last.kind == each.kind == "function" and each.start - last.end <= 2:
            last.end = each.end
        else:
            merged.append(each)
    return merged


def _nested(found: list[Defined]) -> list[Defined]:
    """With the number of the one around each; those below a depth that no person writes are left out."""
    kept: list[Defined] = []
    open_: list[int] = []
    for each in found:
        while open_ and kept[open_[-1]].end <= each.start:
            open_.pop()
        if len(open_) >= _DEEPEST:
            continue
        if open_:
            around = kept[open_[-1]]
            each.parent = open_[-1]
            each.end = min(each.end, around.end)
            if each.kind == "function" and around.kind in _TYPES:
                each.kind = "method"
        open_.append(len(kept))
        kept.append(each)
    return kept
