"""A project's own settings, ``theo.config.json`` in the first root: what it may say, and what is not heard.

A project is written by others. Without the user's trust it chooses a language, a style, skills, a text mode, a
temperature, metadata and a folder inside itself for output. What changes who speaks and what it can call (persona,
tools), or asks for the costly modes, waits for trust. Where requests go, with which key and through what, it never
says. A field that is wrong is left out and named; the others apply.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import TypeAlias

from pydantic import JsonValue

from theo_mcp.errors import InputError
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.entries import Entry, entries
from theo_mcp.workspace.names import safe_path
from theo_mcp.workspace.reading import read
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.trust import Trust, digest_of

FILE = "theo.config.json"
_MAX_BYTES = 64 * 1024
_MOST_SAID = 20
_TEXT_MODES = ("auto", "fast", "think", "code", "roast", "genui")
_COSTLY_MODES = ("image", "video", "research")
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]{0,99}")
_NEVER = re.compile(
    r".*(url|endpoint|origin|host|proxy|key|token|secret|password|credential|auth|header|cert|command|args|env|exec"
    r"|script|hook|budget|deny|root|datadir|insecure|trust|backend|engine).*|ca|tls|ssl|cafile|bin|mcpservers?"
)


@dataclass(frozen=True)
class ProjectSettings:
    """What a project asks for, as far as it may. None and empty mean that it does not say."""

    language: str | None = None
    style: str | None = None
    skills: tuple[str, ...] = ()
    output_dir: tuple[str, ...] = ()
    """Names below the root."""
    default_mode: str | None = None
    temperature: float | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    persona: str | None = field(default=None, repr=False)
    """``theo``, ``none`` or the text of a system prompt."""
    tools: tuple[Mapping[str, JsonValue], ...] = field(default=(), repr=False)
    ignored: tuple[str, ...] = ()
    """What was left out, each with its line and the reason, such as
    ``theo.config.json line 2: base_url ignored: a project may not set it``."""
    broken: bool = False
    """Whether nothing was heard, because the file is not read or is no JSON object."""
    trusted: bool = False
    digest: str = ""
    """What `Trust.trust` is told when the user agrees to what this shows."""
    withheld: ProjectSettings | None = field(default=None, repr=False)
    """What trust would add, to be shown to the user who is asked; its `ignored` are the remarks on that."""


def read_project(root: Root, deny: Deny, trust: Trust) -> ProjectSettings:
    """The settings of the project at `root`. Nothing in the file is an error; what is wrong is in `ignored`."""
    try:
        content = read(FILE, (root,), deny, max_bytes=_MAX_BYTES).data
    except InputError as error:
        missing = error.code == "file_not_found"
        said = () if missing else (f"{FILE} ignored: {error.message}",)
        digest = digest_of(None)
        trusted = missing and trust.trusted(root.real, digest)
        return ProjectSettings(ignored=said, broken=not missing, digest=digest, trusted=trusted)
    digest = digest_of(content)
    return parse_project(content, trusted=trust.trusted(root.real, digest), digest=digest)


def parse_project(content: bytes, *, trusted: bool, digest: str = "") -> ProjectSettings:
    """The settings that `content` holds; what needs trust is left out unless `trusted`."""
    try:
        said = list(entries(content.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        remark = f"{FILE} line {line}: the file ignored: it is not UTF-8"
        return ProjectSettings(ignored=(remark,), broken=True, trusted=trusted, digest=digest)
    except JSONDecodeError as error:
        remark = f"{FILE} line {error.lineno} column {error.colno}: the file ignored: {error.msg}"
        return ProjectSettings(ignored=(remark,), broken=True, trusted=trusted, digest=digest)
    last = {_words(entry.key): entry.line for entry in said}
    counts = Counter(_words(entry.key) for entry in said)
    kept: dict[str, object] = {}
    waiting: dict[str, object] = {}
    ignored: list[str] = []
    withheld: list[str] = []
    for entry in said:
        name = _words(entry.key)
        counts[name] -= 1
        try:
            value = _heard(entry, name, again=last[name] if counts[name] else None)
        except ValueError as error:
            ignored.append(f"{_place(entry)} ignored: {error}")
            continue
        if not trusted and (name in ("persona", "tools") or (name == "default_mode" and value in _COSTLY_MODES)):
            waiting[name] = value
            withheld.append(f"{_place(entry)} withheld: this folder is not trusted (theo-mcp trust)")
            ignored.append(withheld[-1])
        else:
            kept[name] = value
    if len(ignored) > _MOST_SAID:
        ignored[_MOST_SAID:] = [f"{len(ignored) - _MOST_SAID} more ignored"]
    return _made(
        kept,
        ignored=tuple(ignored),
        trusted=trusted,
        digest=digest,
        withheld=_made(waiting, ignored=tuple(withheld)) if waiting else None,
    )


def _heard(entry: Entry, name: str, *, again: int | None) -> object:
    """The value of an entry as we write it.

    Raises:
        ValueError: it is not heard; the message is the reason.
    """
    if again is not None:
        raise ValueError(f"line {again} says it again")
    if name in _READERS:
        return _READERS[name](entry.value)
    if _NEVER.fullmatch(name.replace("_", "")):
        raise ValueError("a project may not set it")
    near = difflib.get_close_matches(name, _READERS, n=1, cutoff=0.6)
    hint = f"Did you mean {_camel(near[0])!r}?" if near else f"There are {', '.join(map(_camel, _READERS))}."
    raise ValueError(f"there is no such setting for a project. {hint}")


def _place(entry: Entry) -> str:
    return f"{FILE} line {entry.line}: {_shown(entry.key)}"


def _made(values: Mapping[str, object], **more: object) -> ProjectSettings:
    made: Callable[..., ProjectSettings] = ProjectSettings
    return made(**values, **more)


def _line(longest: int) -> Reader:
    def reader(value: JsonValue) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
            raise ValueError(f"it should be one line of at most {longest} characters")
        return value.strip()

    return reader


def _skills(value: JsonValue) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if len(items) > 50 or not all(isinstance(item, str) and _SLUG.fullmatch(item) for item in items):
        raise ValueError("it should be a list of skills by their names")
    return tuple(str(item) for item in items)


def _output_dir(value: JsonValue) -> tuple[str, ...]:
    names = tuple(value.removeprefix("./").rstrip("/").split("/")) if isinstance(value, str) else ()
    if not names or safe_path("/".join(names)) != names:
        raise ValueError("it should be a folder inside the project, by ordinary names")
    return names


def _mode(value: JsonValue) -> str:
    if value not in (*_TEXT_MODES, *_COSTLY_MODES):
        raise ValueError(f"it should be one of {', '.join((*_TEXT_MODES, *_COSTLY_MODES))}")
    return str(value)


def _temperature(value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
        raise ValueError("it should be a number from 0 to 2")
    return float(value)


def _metadata(value: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise ValueError("it should be an object")
    return value


def _persona(value: JsonValue) -> str:
    if isinstance(value, dict) and len(value) == 1:
        value = value.get("system_prompt", value.get("systemPrompt"))
    if not isinstance(value, str) or not value.strip():
        raise ValueError('it should be "theo", "none", or an object with a system_prompt')
    return value


def _tools(value: JsonValue) -> tuple[dict[str, JsonValue], ...]:
    if not isinstance(value, list):
        raise ValueError("it should be a list of tools")
    tools = []
    for tool in value:
        if not isinstance(tool, dict) or not all(isinstance(tool.get(key), str) for key in ("name", "description")):
            raise ValueError("each tool should be an object with a name and a description")
        tools.append(tool)
    return tuple(tools)


def _words(key: str) -> str:
    """A key as we write it: the vendor's file has camelCase."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower().replace("-", "_")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _shown(key: str) -> str:
    text = "".join(character for character in key[:40] if character.isprintable())
    return text or "a key"


Reader: TypeAlias = Callable[[JsonValue], object]
_READERS: Mapping[str, Reader] = {
    "language": _line(40),
    "style": _line(200),
    "skills": _skills,
    "output_dir": _output_dir,
    "default_mode": _mode,
    "temperature": _temperature,
    "metadata": _metadata,
    "persona": _persona,
    "tools": _tools,
}
