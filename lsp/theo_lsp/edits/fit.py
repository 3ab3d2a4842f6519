"""Makes code fit where it goes: its indentation, its line endings, its ends, and nothing that is there already."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from theo_lsp.edits.blocks import balance, opens
from theo_lsp.edits.indent import margin, reindented, unit_in, unit_of, width
from theo_lsp.edits.language import is_comment, is_text, named
from theo_lsp.edits.places import Lines, Span
from theo_lsp.edits.repeats import Around, key, says_much, without_repeats

_NEXT_WORD: Final = re.compile(
    r"\b(?:return|in|and|or|not|if|else|elif|new|await|yield|import|from|throw|case|typeof)$"
)
_MOST_BEHIND: Final = 40  # lines of an answer that are looked at for the one that the place is on
_LEAST_SHARED: Final = 0.6  # of the lines outside the target, for an answer to be the whole file


@dataclass(frozen=True)
class Fitted:
    """The text for `span`, which is the target, or the whole document where the answer rewrites that."""

    span: Span
    text: str


def fitted(code: str, document: str, span: Span, language: str) -> Fitted:
    """`code`, its lines ended by LF, as the text that goes to `span`."""
    place = _Place.of(Lines(document), span, language)
    lines = code.split("\n")
    whole = _of_whole_file(lines, place)
    if whole is None:
        return Fitted(Span(0, len(document)), place.ended(_with_last_newline(code, document)))
    if place.is_block:
        text = place.block(without_repeats(whole, place.around))
    else:
        text = place.inline(_without_row(whole, place))
    return Fitted(span, place.ended(text))


def line_ending(document: str) -> str:
    """The line ending that most lines of the document have."""
    crlf = document.count("\r\n")
    lone = document.count("\n") - crlf
    old = document.count("\r") - crlf
    return "\r\n" if crlf > max(lone, old) else "\r" if old > max(lone, crlf) else "\n"


@dataclass(frozen=True)
class _Place:
    lines: Lines
    span: Span
    language: str
    head: str  # on the line of the start, before it
    tail: str  # on the line of the end, behind it; nothing where the span ends with a line
    original: str
    around: Around

    @classmethod
    def of(cls, lines: Lines, span: Span, language: str) -> _Place:
        text = lines.text
        row, last = lines.number(span.start), lines.number(span.end)
        original = span.of(text)
        whole = original.endswith(("\n", "\r"))
        head = text[lines.line(row).start : span.start]
        tail = "" if whole else text[span.end : max(span.end, lines.line(last).end)]
        behind = last if whole or (not original and tail.strip() and not head.strip()) else last + 1
        before, after = _rows(lines, 0, row), _rows(lines, behind, len(lines))
        replaced = re.split(r"\r\n|\r|\n", head + original) if original.strip() else []
        return cls(lines, span, language, head, tail, original, Around(before, after, replaced, language))

    @property
    def is_block(self) -> bool:
        """Whether whole lines are replaced or put in."""
        return not self.head.strip() and (not self.tail.strip() or not self.original)

    def ended(self, text: str) -> str:
        """`text` with the line endings of the document."""
        return text.replace("\n", line_ending(self.lines.text))

    def unit(self) -> str:
        near = [*self.around.before[-300:], *self.around.original, *self.around.after[:300]]
        return unit_of(near) or unit_in(_rows(self.lines, 0, len(self.lines)), self.language)

    def block(self, code: list[str]) -> str:
        to = self.margin(code)
        code = reindented(_without_blank_ends(code), to, self.unit(), self.language)
        lead, trail = "", ""
        if self.original.strip():
            blank = self.original[: len(self.original) - len(self.original.lstrip())]
            lead = blank[: max(blank.rfind("\r"), blank.rfind("\n")) + 1]
            trail = re.sub(r"^[ \t]+", "", self.original[len(self.original.rstrip()) :])
            trail = re.sub(r"\r\n|\r", "\n", trail)
        elif self.original.endswith(("\n", "\r")) or self._is_last():
            trail = "\n"
        elif self.tail.strip():
            trail = "\n" + self.head
        text = "\n".join(code)
        if not lead and self.head:
            text = text.removeprefix(self.head) if text.startswith(self.head) else text.lstrip(" \t")
        return re.sub(r"\r\n|\r", "\n", lead) + text + trail

    def inline(self, code: list[str]) -> str:
        row = self.lines.number(self.span.start)
        line = self.lines.line(row).of(self.lines.text)
        to, said = margin(line), self.head.strip()
        code = _without_blank_ends(code)
        if not self.original and not self.tail.strip():
            comment = is_comment(said, self.language)
            opens = said.endswith("{") or (
                said.endswith(":") and named(self.language) == "python" and code[0][:1] not in "{[("
            )
            if comment or opens:
                deeper = to + (self.unit() or "    ") if opens and not comment else to
                if comment and {key(one) for one in code if one.strip()} <= {key(said)}:
                    return ""  # a small model says the comment again, and no more
                code = without_repeats(
                    code, Around([*self.around.before, self.head], self.around.after, [], self.language)
                )
                return "\n" + "\n".join(reindented(code, deeper, self.unit(), self.language))
        text = "\n".join(reindented(code, to, self.unit(), self.language)).lstrip(" \t")
        if not self.original:
            return " " + text if _NEXT_WORD.search(self.head) and text[:1].isalnum() else text
        bare = self.original.strip()
        start = self.original[: self.original.find(bare)] if bare else ""
        return start + text + (self.original[len(start) + len(bare) :] if bare else "")

    def margin(self, code: list[str]) -> str:
        """The white space before the first line of what is put in."""
        for line in self.around.original:
            if line.strip():
                return margin(line)
        if self.head:
            return self.head
        before = self.around.before[-1] if self.around.before else ""
        behind = next((line for line in [self.tail, *self.around.after] if line.strip()), "")
        own = min((margin(line) for line in code if line.strip()), key=len, default="")
        if own and own in (margin(before), margin(behind)):
            return own
        if not before.strip():
            return margin(behind)
        if opens(before, self.language):
            deeper = margin(before) + (self.unit() or unit_of(code) or "    ")
            return margin(behind) if width(behind) > width(before) else deeper
        return margin(before)

    def _is_last(self) -> bool:
        """Whether the place is the empty line that a document ends with."""
        text = self.lines.text
        return (
            not self.head
            and self.span.end == len(text)
            and (not text or text.endswith(("\n", "\r")) or not text.strip())
        )


def _rows(lines: Lines, start: int, end: int) -> list[str]:
    return [lines.line(number).of(lines.text) for number in range(start, end)]


def _without_blank_ends(code: list[str]) -> list[str]:
    while len(code) > 1 and not code[0].strip():
        code = code[1:]
    while len(code) > 1 and not code[-1].strip():
        code = code[:-1]
    return code


def _with_last_newline(code: str, document: str) -> str:
    ends = document.endswith(("\n", "\r")) or not document
    return code.strip("\n") + ("\n" if ends else "")


def _of_whole_file(code: list[str], place: _Place) -> list[str] | None:
    """The part of `code` that is for the target, where it is the whole file; None where it changes more than that."""
    around = place.around
    before, after = _said(around.before), _said(around.after)
    said = [(at, key(line)) for at, line in enumerate(code) if line.strip()]
    texts = [text for _, text in said]
    outside = before + after
    if is_text(place.language) or len(outside) < 3 or len(texts) < len(outside) * _LEAST_SHARED:
        return code
    there, telling = set(texts), [text for text in outside if says_much(text)]
    if not telling or sum(text in there for text in telling) < len(telling) * _LEAST_SHARED:
        return code
    if texts[: len(before)] == before and texts[len(texts) - len(after) :] == after and len(texts) > len(outside):
        start = said[len(before)][0]
        return code[start : said[len(texts) - len(after) - 1][0] + 1]
    starts = before[:1] == texts[:1] or before[1:2] == texts[1:2] or (before and before[0] in texts[:5])
    ends = not after or after[-1] in texts[-3:]
    return None if starts and ends else code


def _said(lines: Sequence[str]) -> list[str]:
    return [key(line) for line in lines if line.strip()]


def _without_row(code: list[str], place: _Place) -> list[str]:
    """`code` without what stands on the line of the place, before and behind it, and without the lines around."""
    code = _without_blank_ends(code)
    head, tail = key(place.head), place.tail.strip()
    before = _said(place.around.before[-len(code) :])
    for at, line in enumerate(code[:_MOST_BEHIND]):
        said = key(line)
        above = _said(code[:at])
        if len(head) > 1 and said.startswith(head) and said != head and above == before[len(before) - len(above) :]:
            code = [_behind(line, head), *code[at + 1 :]]
            break
    else:
        code = _without_half_word(code, place)
    if not tail:
        return code
    after = _said(place.around.after[:_MOST_BEHIND])
    for at in range(len(code) - 1, max(-1, len(code) - _MOST_BEHIND), -1):
        below = _said(code[at + 1 :])
        line = code[at].rstrip()
        if line.endswith(tail) and line != tail and below == after[: len(below)]:
            kept = [*code[:at], line.removesuffix(tail)]
            if re.search(r"\w\w", tail) or (tail[-1] in ";," and balance(tail, place.language) == 0):
                return kept
            if balance("\n".join(code), place.language) < 0 <= balance("\n".join(kept), place.language):
                return kept
    return code


def _behind(line: str, head: str) -> str:
    """What `line` has after the words of `head`."""
    at = 0
    for char in head.replace(" ", ""):
        at = line.index(char, at) + 1
    return line[at:].lstrip(" ")


def _without_half_word(code: list[str], place: _Place) -> list[str]:
    """Without the start of the first word, where it has been typed already."""
    typed = re.search(r"[\w.]+$", place.head)
    if typed and not place.original and len(typed[0]) > 1 and code[0].lstrip().startswith(typed[0]):
        rest = code[0].lstrip()[len(typed[0]) :]
        if rest:
            return [rest, *code[1:]]
    return code
