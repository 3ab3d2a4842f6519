"""The open Agent Skills form: what a ``SKILL.md`` must and may say. Source: the specification at agentskills.io.

Ours beyond it: ``metadata`` may name the preferred engine or model (``theo-model``, or ``model``) and a ``title``,
``category`` and ``version`` to be listed with; a ``tools.json`` beside the file defines tools.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from theo_mcp.engine.skillset.frontmatter import Value, read
from theo_mcp.engine.skillset.slug import is_slug
from theo_mcp.wire.completions import InlineTool

FILE: Final = "SKILL.md"
TOOLS_FILE: Final = "tools.json"
MOST_BYTES: Final = 256 * 1024
MOST_TOOL_BYTES: Final = 64 * 1024
_LONGEST_DESCRIPTION: Final = 1024
_LONGEST_COMPATIBILITY: Final = 500
_LONGEST_LINE: Final = 200
_MOST_TOOLS: Final = 32
_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORD: Final = re.compile(r"[^\s()]+(?:\([^)]*\))?")


@dataclass(frozen=True)
class WrittenSkill:
    """A skill as it is written in its folder."""

    slug: str
    description: str
    body: str = field(repr=False)
    title: str = ""
    category: str = ""
    version: str = ""
    license: str = ""
    compatibility: str = ""
    model: str = ""
    """The engine or model that it prefers."""
    allowed: tuple[str, ...] = ()
    """Its ``allowed-tools``, as they are written."""
    tools: tuple[InlineTool, ...] = field(default=(), repr=False)


def parse(slug: str, content: bytes) -> WrittenSkill:
    """The skill in `content`, the ``SKILL.md`` in the folder `slug`.

    Raises:
        ValueError: it is none; the message is the reason.
    """
    fields, body = _parts(content)
    name = _text(fields, "name", 64)
    if not name:
        raise ValueError("it has no name")
    if not is_slug(name):
        raise ValueError("its name is not made of lower-case letters, digits and single hyphens, at most 64 of them")
    if name != slug:
        raise ValueError(f"its name is {name!r}, and its folder is {slug!r}")
    description = _text(fields, "description", _LONGEST_DESCRIPTION)
    if not description:
        raise ValueError("it has no description")
    metadata = fields.get("metadata")
    said: Mapping[str, Value] = metadata if isinstance(metadata, dict) else {}
    if metadata and not said:
        raise ValueError("its metadata is no map of keys to texts")
    return WrittenSkill(
        slug=slug,
        description=" ".join(description.split()),
        body=body,
        title=_text(said, "title", _LONGEST_LINE) or slug.replace("-", " ").capitalize(),
        category=_text(said, "category", _LONGEST_LINE),
        version=_text(said, "version", _LONGEST_LINE),
        license=_text(fields, "license", _LONGEST_COMPATIBILITY),
        compatibility=_text(fields, "compatibility", _LONGEST_COMPATIBILITY),
        model=_text(said, "theo-model", _LONGEST_LINE) or _text(said, "model", _LONGEST_LINE),
        allowed=_words(fields.get("allowed-tools", "")),
    )


def parse_tools(content: bytes) -> tuple[InlineTool, ...]:
    """The tools that a ``tools.json`` defines: an array of name, description and input_schema.

    Raises:
        ValueError: it is no such array; the message is the reason.
    """
    try:
        tools = _TOOLS.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"][:4])
        raise ValueError(f"its {TOOLS_FILE} is not usable{f' at {place[:60]}' if place else ''}") from None
    names = [tool.name for tool in tools]
    if len(tools) > _MOST_TOOLS:
        raise ValueError(f"its {TOOLS_FILE} has more than {_MOST_TOOLS} tools")
    if len(set(names)) < len(names) or not all(_TOOL_NAME.fullmatch(name) for name in names):
        raise ValueError(f"a name in its {TOOLS_FILE} is there twice, or has other characters than a-z, 0-9, _ and -")
    return tools


def _parts(content: bytes) -> tuple[dict[str, Value], str]:
    """The fields of the frontmatter, and the text below it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    if "\0" in text:
        raise ValueError("it is not text")
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        raise ValueError("it does not begin with frontmatter, a line ---")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if end is None:
        raise ValueError("its frontmatter has no end, a second line ---")
    return read("\n".join(lines[1:end])), "\n".join(lines[end + 1 :]).strip()


def _text(fields: Mapping[str, Value], name: str, longest: int) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"its {name} is no text")
    value = value.strip()
    if len(value) > longest:
        raise ValueError(f"its {name} has {len(value):,} characters, and at most {longest:,} are allowed")
    return value


def _words(value: Value) -> tuple[str, ...]:
    """The words of ``allowed-tools``: a text with spaces between them, or a list."""
    if isinstance(value, list):
        value = " ".join(item for item in value if isinstance(item, str))
    if not isinstance(value, str):
        raise ValueError("its allowed-tools is neither text nor a list")
    if len(value) > _LONGEST_DESCRIPTION:
        raise ValueError(f"its allowed-tools has more than {_LONGEST_DESCRIPTION:,} characters")
    return tuple(dict.fromkeys(_WORD.findall(value.replace(",", " "))))


_TOOLS: Final = TypeAdapter(tuple[InlineTool, ...])
