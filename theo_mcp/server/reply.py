"""What a tool says back, before it is MCP: text that is complete alone, and the same facts as data.

A reply is JSON on the way (`stored`), so that it can be had again under its run's handle, in this process or the next.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any

from pydantic import JsonValue

from theo_mcp.errors import StoreError
from theo_mcp.wire.model import scrubbed

MOST_CHARS = 40_000
"""Of a reply's text; longer ones go to a file, and their head is shown."""
_ROOM_FOR_FACTS = 4_000
_ROOM_FOR_LINES = 8_000
_ROOM_FOR_FILES = 16_000
_ABOUT_A_FILE = 60
_ROOM_FOR_WHERE = 2_000
_CUTS = (4_000, 1_500, 500, 200, 60)
_MOST_ITEMS, _FEW = 200, 10
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class SavedFile:
    """A file that the workspace holds."""

    path: str
    name: str
    """Relative to the output folder: what ``theo://artifacts/{name}`` takes."""
    mime: str
    size: int


@dataclass(frozen=True)
class Reply:
    """Hosts show either the text or the data to a model, never reliably both, so each must stand alone."""

    body: str
    """What was asked for."""
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    """Who made it, what it cost, its ids: one line of the text, and part of the data."""
    lines: tuple[str, ...] = ()
    """What else to know and to do next."""
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    """What body and lines say, as data."""
    files: tuple[SavedFile, ...] = ()
    raw: str | None = None
    """What goes to a file where the text is too long; None is the body."""
    raw_name: str = "answer.md"
    rest: str = ""
    """Of a shortened reply: the name of the file that has the whole."""

    @property
    def about(self) -> str:
        """Everything but the body, as text. Each path stands alone on its line."""
        lines = [line for line in (facts_line(self.facts), *self.lines) if line]
        if self.files:
            lines += ["Saved:"]
            lines += [line for file in self.files for line in (file.path, f"({file.mime}, {file.size} bytes)")]
        return "\n".join(lines)

    @property
    def text(self) -> str:
        """All of it, as an assistant sees it."""
        about = self.about
        return f"{self.body}\n\n---\n{about}" if about else self.body

    @property
    def everything(self) -> dict[str, JsonValue]:
        """All of it as data."""
        files: list[JsonValue] = [{"path": file.path, "mime": file.mime, "size": file.size} for file in self.files]
        made = {**self.data, **self.facts} | ({"files": files} if files else {})
        return {name: value for name, value in made.items() if value not in (None, "", [], {}) or name in self.data}

    def stored(self) -> JsonValue:
        """It as JSON; no text is copied."""
        files: list[JsonValue] = [asdict(file) for file in self.files]
        return {
            **vars(self),
            "facts": finite(dict(self.facts)),
            "lines": list(self.lines),
            "data": finite(dict(self.data)),
            "files": files,
        }

    @classmethod
    def restored(cls, stored: JsonValue) -> Reply:
        """The reply that `stored` was made of.

        Raises:
            StoreError: it is none, or was damaged.
        """
        made: Callable[..., Reply] = cls
        try:
            fields: dict[str, Any] = {**(stored if isinstance(stored, dict) else {})}
            files = tuple(SavedFile(**file) for file in fields["files"])
            return made(**{**fields, "lines": tuple(fields["lines"]), "files": files})
        except (KeyError, TypeError, ValueError):
            raise StoreError("What is kept of this result cannot be read.", hint="Start the work again.") from None

    @property
    def too_long(self) -> bool:
        """Whether its text or its data are more than hosts take."""
        return len(self.text) > MOST_CHARS or _chars(self.data) > MOST_CHARS + _ROOM_FOR_LINES

    @property
    def whole(self) -> str:
        """What is cut and kept where a reply is too long: what was asked for, or where that is short, all of it."""
        asked = self.body if self.raw is None else self.raw
        return asked if self.rest or len(asked) > MOST_CHARS // 2 else self.text

    def shortened(self, where: str, handle: str) -> Reply:
        """Its head; `where` says in a sentence where the whole is, and `handle` reads on."""
        whole = self.whole
        about = replace(
            self,
            facts=_shortened(self.facts, _ROOM_FOR_FACTS),
            lines=tuple(_some([_cut(line, 1_000) for line in self.lines], _ROOM_FOR_LINES)),
            files=_listed(self.files),
        )
        if left_out := len(self.files) - len(about.files):
            about = replace(about, lines=(*about.lines, f"({left_out:,} more saved files are not listed.)"))
        room = max(_ROOM_FOR_WHERE, 2 * len(where) + _ABOUT_A_FILE * 5)  # `where`, and its file among the others
        head = whole[: max(MOST_CHARS - len(about.about) - room, 1_000)]
        said = f"Showing the first {len(head):,} of {len(whole):,} characters. {where}"
        on = f'Read on: theo_result with handle "{handle}" and offset {len(head)}.' if handle else ""
        shown = self._shown_in_data(whole)
        data: dict[str, JsonValue] = {
            **_shortened({name: value for name, value in self.data.items() if name != shown}, _ROOM_FOR_LINES),
            shown: head,
            "truncated": True,
            "chars": len(whole),
            "shown_chars": len(head),
        }
        if handle:
            data["handle"] = handle
        return replace(about, body=head, lines=tuple(part for part in (said, on, *about.lines) if part), data=data)

    def _shown_in_data(self, whole: str) -> str:
        """Under which name the data has the beginning of the `whole`: reading on must go on where the data ends."""
        begin = {name: len(text) for name, text in self.data.items() if isinstance(text, str) and text}
        begin = {name: length for name, length in begin.items() if whole.startswith(str(self.data[name]))}
        return max(begin, key=begin.__getitem__, default="text")


def facts_line(facts: Mapping[str, JsonValue]) -> str:
    """Facts in one line: ``backend engine · model smollm2-135m · cost 0 cents``."""
    shown = []
    for name, value in facts.items():
        if value in (None, "", [], {}) or value is False:
            continue
        if name.endswith("_cents") and isinstance(value, int | float):
            unit = "cent" if value == 1 else "cents"
            shown.append(f"{name.removesuffix('_cents').replace('_', ' ')} {number(value)} {unit}")
        elif value is True:
            shown.append(name.replace("_", " "))
        else:
            told = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            shown.append(f"{name.replace('_', ' ')} {one_line(told)}")
    return " · ".join(shown)


def number(value: float) -> str:
    """A number as a person writes it, to its tenth decimal place."""
    return f"{value:.10f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"


def clean(text: str) -> str:
    """`text` as a host can show it: without escape sequences' control characters and without lone surrogates. Character
    by character, so that pieces cleaned one by one are the whole cleaned at once."""
    text = scrubbed(text)
    return _CONTROLS.sub("", text) if _CONTROLS.search(text) else text


def clean_value(value: JsonValue) -> JsonValue:
    """The same for data."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_value(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): clean_value(item) for name, item in value.items()}
    return value


def finite(value: JsonValue) -> JsonValue:
    """`value` with words for the numbers that JSON cannot say again: ``1e999`` is JSON, and is read as infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    return value


def one_line(text: str) -> str:
    """`text` without line breaks: what a service says of an answer makes no lines of its own in it."""
    return " ".join(text.splitlines()) if len(text.splitlines()) > 1 else text


def _shortened(data: Mapping[str, JsonValue], room: int) -> dict[str, JsonValue]:
    """`data` with its texts and lists cut until all of them fit into `room`; what still does not is left out."""
    if _chars(data) <= room:
        return dict(data)
    for most in _CUTS:
        cut = {name: _cut_value(value, most) for name, value in islice(data.items(), _MOST_ITEMS)}
        if _chars(cut) <= room:
            return cut
    kept: dict[str, JsonValue] = {}
    for name, value in cut.items():
        some = value[:_FEW] if isinstance(value, list) else value
        if (left := room - _chars({name: some})) >= 0:
            kept[name], room = some, left
    return kept


def _some(lines: Sequence[str], room: int) -> list[str]:
    """The first of `lines`, and how many more there are."""
    kept: list[str] = []
    for line in lines:
        if (room := room - len(line)) < 0:
            return [*kept, f"({len(lines) - len(kept):,} more lines are left out.)"]
        kept.append(line)
    return kept


def _listed(files: Sequence[SavedFile]) -> tuple[SavedFile, ...]:
    """The first of `files`, as many as there is room for."""
    room, listed = _ROOM_FOR_FILES, []
    for file in files:
        if (room := room - len(file.path) - len(file.name) - _ABOUT_A_FILE) < 0:
            break
        listed.append(file)
    return tuple(listed)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} characters more)"


def _cut_value(value: JsonValue, most: int) -> JsonValue:
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, list):
        return [_cut_value(item, most) for item in value[:_MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _cut_value(item, most) for name, item in islice(value.items(), _MOST_ITEMS)}
    return value


def _chars(value: JsonValue | Mapping[str, JsonValue]) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(name) + 4 + _chars(item) for name, item in value.items())
    if isinstance(value, Sequence):
        return sum(2 + _chars(item) for item in value)
    return 8
