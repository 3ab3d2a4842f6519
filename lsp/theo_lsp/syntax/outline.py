"""What a document defines, where its comments are, and where it is broken: pure data, followed through what is typed.

A parse takes a moment, in which the user types on. So an outline knows the changes since, maps a place of now back to
the text that was parsed, and what it finds there forward again. What a change touches grows with it; what a change
removes is gone. A definition is whole lines: what is typed in front of its first and behind its last belongs to it as
far as no line ends between.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from theo_lsp.edits.changes import Change
from theo_lsp.edits.places import Span

_ENDING: Final = re.compile(r"[\r\n]")
_MOST_CHANGES: Final = 40  # each costs a microsecond wherever something is looked up


@dataclass(frozen=True)
class Definition:
    """A function, a class or another thing with a name."""

    name: str
    kind: str
    """In a plain word, for titles: “function”, “method”, “class”, “interface”."""
    span: Span
    """From the start of the first line, decorators and exports included, to the end of the last, without its ending.
    What shares a line with other code is only itself there."""
    documented: bool | None
    untyped: bool | None
    """Whether a parameter or the result has no type although the language has some; None where that is not known."""
    children: tuple[Definition, ...] = ()


@dataclass(frozen=True)
class Outline:
    """Of the text that was parsed, and what became of it `since`; every span is of that text, in its order."""

    definitions: tuple[Definition, ...]
    comments: tuple[Span, ...] = ()
    broken: tuple[Span, ...] = ()
    since: tuple[Change, ...] = ()
    written: tuple[tuple[Span, bool], ...] = ()
    """What was written since: where it is now, and whether a line ends in it."""

    def after(self, change: Change) -> Outline | None:
        """The outline when `change` was made too; None when so many came that it is worth nothing."""
        last = self.since[-1] if self.since else None
        both = last and _joined(last, change)
        since = (*self.since[:-1], both) if both else (*self.since, change)
        if len(since) > _MOST_CHANGES:
            return None
        begin, text = since[-1].span.start, since[-1].text
        before = self.written[:-1] if both else self.written
        written = [(now, ends) for span, ends in before if (now := _moved(span, [change])) is not None]
        new = Span(begin, begin + len(text)), _ENDING.search(text) is not None
        return replace(self, since=since, written=(*written, new))

    def holders(self, span: Span) -> tuple[Definition, ...]:
        """The definitions around `span`, the outermost first; their children are all there."""
        found: list[Definition] = []
        level: tuple[Definition, ...] = self.definitions
        while (inner := self._holder(level, span)) is not None:
            found.append(inner)
            level = inner.children
        return tuple(self._now(each) or each for each in found)

    def around(self, span: Span) -> Definition | None:
        """The innermost definition around `span`."""
        holders = self.holders(span)
        return holders[-1] if holders else None

    def all(self) -> tuple[Definition, ...]:
        """The outermost definitions, with all that is in them."""
        return tuple(now for each in self.definitions if (now := self._now(each)))

    def comment(self, span: Span) -> Span | None:
        """The comment that all of `span` is in."""
        return next((now for now in self._near(self.comments, span) if _holds(now, span)), None)

    @property
    def is_whole(self) -> bool:
        """Whether all of the text was parsed, and nowhere broken, but for what was typed inside of lines."""
        return not self.broken and not any(ends for _, ends in self.written)

    def is_broken(self, span: Span) -> bool:
        """Whether `span` touches a place that does not parse."""
        return any(now.start <= span.end and span.start <= now.end for now in self._near(self.broken, span))

    def is_touched(self, span: Span) -> bool:
        """Whether something in `span` was changed since."""
        return any(now.start <= span.end and span.start <= now.end for now, _ in self.written)

    def is_new(self, span: Span) -> bool:
        """Whether `span` is in whole lines that nobody has parsed yet."""
        return any(ends and _holds(now, span) for now, ends in self.written)

    def _holder(self, level: Sequence[Definition], span: Span) -> Definition | None:
        start, end = self._back(span)
        for at in range(bisect_right(level, end, key=_start) - 1, -1, -1):
            if level[at].span.end < start:
                return None
            now = _moved(level[at].span, self.since)
            if now is not None and _holds(now, span):
                return level[at]
        return None

    def _near(self, spans: Sequence[Span], span: Span) -> Iterator[Span]:
        """Those of `spans` that may touch `span`, as they are now."""
        start, end = self._back(span)
        for at in range(bisect_right(spans, end, key=lambda each: each.start) - 1, -1, -1):
            if spans[at].end < start:
                return
            if (now := _moved(spans[at], self.since)) is not None:
                yield now

    def _back(self, span: Span) -> tuple[int, int]:
        """Where `span` was when the text was parsed; what was not there yet is the place where it came."""
        start, end = span.start, span.end
        for change in reversed(self.since):
            begin, length = change.span.start, len(change.text)
            grown = length - (change.span.end - begin)
            start = start if start <= begin else max(begin, start - grown) if start >= begin + length else begin
            end = end if end < begin else end - grown if end > begin + length else change.span.end
        return start, max(start, end)

    def _now(self, definition: Definition) -> Definition | None:
        if not self.since:
            return definition
        span = _moved(definition.span, self.since)
        children = tuple(now for each in definition.children if (now := self._now(each)))
        return replace(definition, span=span, children=children) if span else None


def _start(definition: Definition) -> int:
    return definition.span.start


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _moved(span: Span, changes: Sequence[Change]) -> Span | None:
    """Where `span` is after `changes`, one after the other; None where one of them replaced it all."""
    start, end = span.start, span.end
    for change in changes:
        begin, stop, text = change.span.start, change.span.end, change.text
        if begin < stop and begin <= start and end <= stop and start < end:
            return None
        grown = len(text) - (stop - begin)
        if begin == stop == start:
            start += max((each.end() for each in _ENDING.finditer(text)), default=0)
        elif stop <= start:
            start += grown
        elif begin < start:
            start = begin
        if begin == end:
            first = _ENDING.search(text)
            end += first.start() if first else len(text)
        elif stop < end:
            end += grown
        elif begin < end:
            end = begin + len(text)
        end = max(start, end)
    return Span(start, end)


def _joined(last: Change, change: Change) -> Change | None:
    """Two changes as one, where the second goes on with the first: each key is a change of its own."""
    begin, written = last.span.start, last.span.start + len(last.text)
    if begin <= change.span.start and change.span.end <= written:
        before, after = last.text[: change.span.start - begin], last.text[change.span.end - begin :]
        return Change(last.span, f"{before}{change.text}{after}")
    if not last.text and not change.text and change.span.end == begin:
        return Change(Span(change.span.start, last.span.end), "")
    return None
