"""Reads the frontmatter of a ``SKILL.md``: the YAML that people write there, and nothing else of YAML.

The file may be hostile, so what YAML can do beyond text, lists and maps is refused: anchors and aliases, which can
stand for a billion nodes, tags, several documents, one key twice. Every value is the text that was written: ``no`` is
no boolean here, and ``1.0`` stays what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import yaml

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

_MOST_CHARS: Final = 16 * 1024
_DEEPEST: Final = 8
_UNQUOTED: Final = re.compile(r"^([A-Za-z][\w-]*):[ \t]+(?![\"'|>\[{&*!#%@`])(.*:[ \t].*)$", re.MULTILINE)


def read(text: str) -> dict[str, Value]:
    """The fields in `text`.

    Raises:
        ValueError: it is not such YAML; the message is the reason.
    """
    if len(text) > _MOST_CHARS:
        raise ValueError(f"its frontmatter has more than {_MOST_CHARS:,} characters")
    try:
        return _fields(text)
    except yaml.YAMLError as error:
        mended = _UNQUOTED.sub(_quoted, text)  # "description: Use it when: …" is no YAML, and other readers take it
        if mended == text:
            raise ValueError(_reason(error)) from None
    try:
        return _fields(mended)
    except yaml.YAMLError as error:
        raise ValueError(_reason(error)) from None


def _fields(text: str) -> dict[str, Value]:
    events = _strict(text)
    for event in events:
        if isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            continue
        value = {} if isinstance(event, yaml.StreamEndEvent) else _value(event, events, 1)
        if not isinstance(value, dict):
            break
        for after in events:
            if isinstance(after, yaml.DocumentStartEvent):
                raise ValueError("its frontmatter holds several YAML documents")
        return value
    raise ValueError("its frontmatter is no list of fields, such as name: and description:")


def _strict(text: str) -> Iterator[yaml.Event]:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 2  # the first line is the ---
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise ValueError(f"line {line} has an anchor or alias, which is not read")
        if getattr(event, "tag", None) is not None:
            raise ValueError(f"line {line} has a tag, which is not read")
        yield event


def _value(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Value:
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    line = event.start_mark.line + 2
    if depth > _DEEPEST:
        raise ValueError(f"line {line} is nested too deeply")
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Value] = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(_value(item, events, depth + 1))
        return items
    fields: dict[str, Value] = {}
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        if not isinstance(key, yaml.ScalarEvent):
            raise ValueError(f"line {line} has a key that is no text")
        if key.value in fields:
            raise ValueError(f"line {key.start_mark.line + 2} says {str(key.value)[:40]!r} again")
        fields[str(key.value)] = _value(next(events), events, depth + 1)
    return fields


def _quoted(line: re.Match[str]) -> str:
    return f"{line[1]}: '{line[2].rstrip().replace(chr(39), chr(39) * 2)}'"


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 2}: " if mark is not None else ""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return f"its frontmatter is no YAML ({where}{str(said)[:80]})"
