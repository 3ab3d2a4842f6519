"""Reads every skill that this machine has. One that is broken is left out and named; it never costs a request.

Reading is quick enough for every request: a file is read again only where its time, size or place on the disk changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from theo_mcp.engine.skillset.form import (
    FILE,
    MOST_BYTES,
    MOST_TOOL_BYTES,
    TOOLS_FILE,
    WrittenSkill,
    parse,
    parse_tools,
)
from theo_mcp.engine.skillset.places import MOST_NAMES, NOT_TRUSTED, Place, names, places
from theo_mcp.engine.skillset.slug import is_slug
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings
from theo_mcp.workspace.beneath import Folder, walked
from theo_mcp.workspace.reading import read
from theo_mcp.workspace.roots import Root

_MOST_KEPT: Final = 1000
_UNREAD: Final = ("scripts", "references", "assets")
"""What a skill may bring beside its text. None of it is run or sent."""


@dataclass(frozen=True)
class Kept:
    """A skill, and the place that it comes from."""

    skill: WrittenSkill
    place: Place
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shelves:
    """What there is now: each slug once, the first place first."""

    skills: dict[str, Kept]
    broken: dict[str, str]
    """Why a slug that nobody else has cannot be used."""
    remarks: tuple[str, ...] = ()
    """What was left out, each as a sentence."""
    untrusted: tuple[str, ...] = ()
    """The names in folders that are not trusted."""


@dataclass(frozen=True)
class _Read:
    skill: WrittenSkill | None
    faults: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass
class Reader:
    """Reads the places; what it has read of a file stays for as long as that file does not change."""

    settings: Settings
    _kept: dict[str, tuple[object, _Read]] = field(default_factory=dict)

    def read(self) -> Shelves:
        """The skills as they are now. Nothing in them is an error."""
        found = places(self.settings)
        skills: dict[str, Kept] = {}
        broken: dict[str, str] = {}
        remarks: list[str] = [NOT_TRUSTED] if found.untrusted else []
        for place in found.listed:
            folders, fault = _folders(place)
            if fault:
                remarks.append(f"{_of(place)} skills are left out: {fault}.")
            for name in folders:
                read = self._skill(place, name)
                remarks += [f"{_of(place)} skill {name[:64]!r} {fault}." for fault in read.faults]
                if read.skill is None:
                    broken |= dict.fromkeys([name] if read.faults else [], "".join(read.faults))
                elif name not in skills:
                    skills[name] = Kept(read.skill, place, read.unread)
                elif _differ(skills[name].place, place, name):
                    whose = _of(skills[name].place).lower()
                    remarks.append(f"{_of(place)} skill {name!r} is not used: {whose} comes first.")
        untrusted = [name for path in found.untrusted for name in names(path)]
        broken = {name: fault for name, fault in broken.items() if name not in skills}
        return Shelves(skills, broken, tuple(remarks), tuple(untrusted))

    def _skill(self, place: Place, name: str) -> _Read:
        path = str(place.path / name)
        stamp = _stamp(path)
        known = self._kept.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        read = _skill(place, name)
        self._kept[path] = (stamp, read)
        return read


def _skill(place: Place, name: str) -> _Read:
    """The skill in the folder `name`; nothing where there is no ``SKILL.md``."""
    try:
        content = _content(place, name, FILE, MOST_BYTES)
        if content is None:
            return _Read(None)
        if not is_slug(name):
            raise ValueError("the name of its folder is not made of lower-case letters, digits and single hyphens")
        skill = parse(name, content)
    except InputError as error:
        return _Read(None, (f"is left out: {error.message.rstrip('.')}",))
    except ValueError as error:
        return _Read(None, (f"is left out: {error}",))
    folder = place.path / name
    unread = tuple(each for each in _UNREAD if os.path.isdir(folder / each))  # noqa: PTH112
    try:
        tools = _content(place, name, TOOLS_FILE, MOST_TOOL_BYTES)
        return _Read(replace(skill, tools=parse_tools(tools)) if tools is not None else skill, (), unread)
    except InputError as error:
        return _Read(skill, (f"comes without its tools: {error.message.rstrip('.')}",), unread)
    except ValueError as error:
        return _Read(skill, (f"comes without its tools: {error}",), unread)


def _content(place: Place, name: str, file: str, most: int) -> bytes | None:
    """One file of a skill, or None where there is none.

    Raises:
        InputError: it is no ordinary file, lies elsewhere, or is too large.
    """
    if place.whose == "project":
        root, path = place.root, "/".join((*place.below, name, file))
    else:  # people link skills into their own folder from where they work on them
        root, path = Root.of(place.path / name), file
    try:
        return read(path, (root,), place.deny, max_bytes=most).data
    except InputError as error:
        if error.code == "file_not_found":
            return None
        raise


def _folders(place: Place) -> tuple[list[str], str]:
    """The folders of a place that may be skills, and why there are none."""
    try:
        with _entered(place) as folder:
            found = sorted(name for name in islice(folder.names(), MOST_NAMES) if not name.startswith("."))
            return [name for name in found if os.path.isdir(place.path / name)], ""  # noqa: PTH112
    except InputError as error:
        return [], error.message.rstrip(".")
    except OSError as error:
        return [], error.strerror or type(error).__name__


@contextmanager
def _entered(place: Place) -> Iterator[Folder]:
    if not place.below:
        with closing(Folder.open(place.root.real)) as folder:
            yield folder
        return
    with walked((place.root,), place.root, place.below) as way, closing(way.folder.child(way.name)) as folder:
        yield folder


def _stamp(path: str) -> object:
    """What changes when a skill does."""
    return tuple(_status(os.path.join(path, name)) for name in (FILE, TOOLS_FILE, *_UNREAD))  # noqa: PTH118


def _status(path: str) -> object:
    try:
        info = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return info.st_dev, info.st_ino, info.st_mtime_ns, info.st_size, info.st_mode


def _differ(one: Place, other: Place, name: str) -> bool:
    """Whether these are two skills, and not one folder that is linked to another."""
    return os.path.realpath(one.path / name) != os.path.realpath(other.path / name)


def _of(place: Place) -> str:
    return {"project": "The project's", "user": "The user's", "built-in": "The built-in"}[place.whose]
