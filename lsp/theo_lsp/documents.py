"""The documents that the editor has open, and the places in them that runs will write to.

Ours instead of pygls' documents, which count form feeds and other rare characters as line ends and so put an edit into
another line. Only what the editor opened is known here: nothing is read from the disk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from lsprotocol import types

from theo_lsp.edits.changes import Change, common, rebased
from theo_lsp.edits.places import Encoding, Lines, Place, Span

if TYPE_CHECKING:
    from theo_lsp.syntax.outline import Outline

_HALF: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Document:
    """One document at one version."""

    uri: str
    language: str
    version: int
    text: str
    encoding: Encoding = "utf-16"
    outline: Outline | None = field(default=None, repr=False, compare=False)
    """What it defines, where it was parsed."""

    @cached_property
    def lines(self) -> Lines:
        return Lines(self.text)

    def changed(self, change: Change, version: int) -> Document:
        """The next version of it, with lines that are made of these."""
        lines = self.lines.changed(change.span, change.text)
        outline = self.outline and self.outline.after(change)
        document = replace(self, version=version, text=lines.text, outline=outline)
        document.__dict__["lines"] = lines
        return document

    def span(self, range: types.Range) -> Span:
        """The characters that an editor's range means; what lies outside is moved inside."""
        start, end = (Place(edge.line, edge.character) for edge in (range.start, range.end))
        return self.lines.span(start, end, self.encoding)

    def range(self, span: Span) -> types.Range:
        """The range by which the editor knows `span`."""
        start, end = (self.lines.place(offset, self.encoding) for offset in (span.start, span.end))
        return types.Range(types.Position(start.line, start.character), types.Position(end.line, end.character))


class Follower(Protocol):
    """Who hears of each change of a document; `touched` when it is closed, or opened anew."""

    uri: str
    touched: bool

    def follow(self, change: Change) -> None: ...


@dataclass
class Target:
    """A place that a run will write to, followed through what is typed meanwhile."""

    uri: str
    span: Span
    """Where the place is now; as good as can be told if it was touched."""
    touched: bool = False
    """Whether something inside was changed, or the document was closed."""
    awaited: str | None = None
    """What the document becomes when an edit lands; None once it did."""
    lost: bool = False
    """Whether the document was closed and opened anew with another text, in which nobody knows the place."""
    left: str = field(default="", repr=False)
    """The text of the document when it was closed."""

    def follow(self, change: Change) -> None:
        moved = rebased(self.span, [change])
        if moved is None:
            self.touched = True
            self.span = _around(self.span, change)
        else:
            self.span = moved


class Documents:
    """The open documents."""

    def __init__(self) -> None:
        self.encoding: Encoding = "utf-16"
        self._open: dict[str, Document] = {}
        self.told: Callable[[str, bool], None] = lambda uri, opened: None
        """Called with what was opened or changed."""
        self._targets: list[Follower] = []

    def get(self, uri: str) -> Document | None:
        return self._open.get(uri)

    def all(self) -> Iterable[Document]:
        return self._open.values()

    def opened(self, item: types.TextDocumentItem) -> None:
        text, before = _well_formed(item.text), self._open.get(item.uri)
        for target in self._of(item.uri):
            target.touched = True
            if isinstance(target, Target):
                target.lost = target.lost or text != (before.text if before else target.left)
        self._open[item.uri] = Document(item.uri, item.language_id, item.version, text, self.encoding)
        self.told(item.uri, True)

    def changed(
        self,
        document: types.VersionedTextDocumentIdentifier,
        changes: Iterable[types.TextDocumentContentChangeEvent],
    ) -> None:
        now = self._open.get(document.uri)
        if now is None:
            return
        for each in changes:
            written = _well_formed(each.text)
            if isinstance(each, types.TextDocumentContentChangePartial):
                change = Change(now.span(each.range), written)
            else:
                change = _difference(now.text, written)
            for target in self._of(document.uri):
                target.follow(change)
            now = now.changed(change, document.version)
        for target in self._of(document.uri):
            if isinstance(target, Target) and target.awaited == now.text:
                target.awaited = None
        self._open[document.uri] = now if now.version == document.version else replace(now, version=document.version)
        self.told(document.uri, False)

    def outlined(self, uri: str, outline: Outline) -> None:
        """The outline of a document as it is now."""
        now = self._open[uri]
        known = replace(now, outline=outline)
        known.__dict__["lines"] = now.lines
        self._open[uri] = known

    def closed(self, uri: str) -> None:
        closed = self._open.pop(uri, None)
        for target in self._of(uri):
            target.touched = True
            if isinstance(target, Target) and closed is not None:
                target.left = closed.text

    def follow(self, target: Follower) -> None:
        """From now on `target` moves with what is typed."""
        self._targets.append(target)

    def forget(self, target: Follower) -> None:
        self._targets = [each for each in self._targets if each is not target]

    def _of(self, uri: str) -> list[Follower]:
        return [target for target in self._targets if target.uri == uri]


def path_of(uri: str) -> Path | None:
    """The path of a ``file:`` URI of this machine."""
    from urllib.request import url2pathname  # 5 ms, and not needed at the start

    parts = _parts(uri)
    if parts is None or parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = url2pathname(parts.path)
    return None if "\0" in path else Path(path)


def names_of(uri: str) -> PurePosixPath:
    """The names in a URI of any kind, of which the last is the document's; “untitled” where there are none."""
    parts = _parts(uri)
    return PurePosixPath(unquote(parts.path if parts else uri) or "untitled")


def _parts(uri: str) -> SplitResult | None:
    try:
        return urlsplit(uri)
    except ValueError:  # a plug-in's own kind may have brackets that are no address
        return None


def _well_formed(text: str) -> str:
    """`text` with a mark for each half of a surrogate pair, which no prompt and no file can hold; in every encoding the
    mark is as long as the half, so that positions stay what they are for the editor."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def _difference(before: str, after: str) -> Change:
    """The one change between two texts, for editors that send the whole text at each key."""
    shorter = min(len(before), len(after))
    start = common(before, after, shorter)
    end = common(before[::-1], after[::-1], shorter - start)
    return Change(Span(start, len(before) - end), after[start : len(after) - end])


def _around(span: Span, change: Change) -> Span:
    """What `span` has become, with all of a change that touched it."""
    grown = len(change.text) - (change.span.end - change.span.start)
    if span.start == span.end:  # something is to be put in, so what was typed there stays before it
        return Span(change.span.start + len(change.text), change.span.start + len(change.text))
    start = min(span.start, change.span.start)
    return Span(start, max(start, max(span.end, change.span.end) + grown))
