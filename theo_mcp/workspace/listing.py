"""Lists what is in the output folder, and names that complete the beginning of a path; opens no file for it.

No link is followed. What no reader would open is left out: denied names, hidden ones, ones that no path may have. Both
stop after a few thousand names, as a folder may have millions.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from theo_mcp.errors import InputError
from theo_mcp.workspace.beneath import BY_FOLDER, Folder
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.reading import ReadFile, mime_of, read
from theo_mcp.workspace.roots import Root, locate, outside, shown

_MOST_ARTIFACTS = 4000
_MOST_NAMES = 2000
_DEEPEST = 4
_LONGEST_PREFIX = 1024
_TEMPORARY = ("~", ".tmp", ".part", ".crdownload", ".swp")


@dataclass(frozen=True)
class Artifact:
    """A file under the output folder: its `name` counts from there, and `changed_at` in seconds since 1970."""

    name: str
    path: Path
    size: int
    mime: str
    changed_at: float


def artifacts(
    base: Root, below: Sequence[str], deny: Deny, *, after: str | None, limit: int, by_folder: bool = BY_FOLDER
) -> list[Artifact]:
    """At most `limit` files in the folder `below` `base`, the newest first, from the one that follows `after`.

    Raises:
        InputError: there is no `after`, or no more.
    """
    found = sorted(_found(base, tuple(below), deny, by_folder), key=lambda each: (-each.changed_at, each.name))
    place = 0
    if after is not None:
        place = 1 + next((at for at, each in enumerate(found) if each.name == after), -1)
        if not place:
            raise InputError(
                f"There is no artifact {shown(after)} to go on from.", hint="Ask for the first page again."
            )
    # Asked of a page only: there are many patterns, and each name is compared with all of them.
    allowed = (each for each in found[place:] if deny.matching(base.real, (*below, *each.name.split("/"))) is None)
    return list(islice(allowed, max(0, limit)))


def artifact(
    base: Root, below: Sequence[str], deny: Deny, name: str, *, max_bytes: int, by_folder: bool = BY_FOLDER
) -> ReadFile:
    """The file `name` in the folder `below` `base`, read as every other file is.

    Raises:
        InputError: it is not there, is hidden or denied, leads out of the folder, or is not to be read.
    """
    if any(part.startswith(".") and part not in (".", "..") for part in name.replace("\\", "/").split("/")):
        raise InputError(
            f"There is no artifact {shown(name)}: hidden files are none.",
            code="file_not_found",
            hint="Give a name from the list of artifacts.",
        )
    file = read("/".join((*below, name)), (base,), deny, max_bytes=max_bytes, by_folder=by_folder)
    if not file.path.is_relative_to(base.real.joinpath(*below)):  # a link led there, and elsewhere below `base`
        raise outside(name, [Root(base.path.joinpath(*below), base.real, ())])
    return file


def names(root: Root, deny: Deny, prefix: str, *, limit: int, by_folder: bool = BY_FOLDER) -> list[str]:
    """At most `limit` paths below `root` that begin with `prefix`, in order; folders end with a slash."""
    if len(prefix) > _LONGEST_PREFIX or not _ordinary(prefix):
        return []
    parent, slash, start = prefix.rpartition("/")
    parents = tuple(parent.split("/")) if slash else ()
    try:
        if slash and (
            any(each[:1] in ("", ".", "~") for each in parents) or locate(parent, (root,)) != (root, parents)
        ):
            return []
        deny.check(root.real, parents)
        with _entered(root, parents, by_folder) as folder:
            listed = sorted(each for each in islice(folder.names(), _MOST_NAMES) if each.startswith(start))
            shows = (each for each in listed if _shows(root, (*parents, each), deny))
            seen = ((each, _status(folder, each)) for each in shows)
            kinds = ((each, stat.S_IFMT(info.st_mode)) for each, info in seen if info is not None)
            marks = {stat.S_IFREG: "", stat.S_IFDIR: "/"}
            return list(
                islice((f"{parent}{slash}{each}{marks[kind]}" for each, kind in kinds if kind in marks), max(0, limit))
            )
    except (OSError, InputError):
        return []


def _found(base: Root, below: tuple[str, ...], deny: Deny, by_folder: bool) -> Iterator[Artifact]:
    """The files, level by level, so that a folder full of others does not hide those at the top."""
    room = _MOST_ARTIFACTS
    waiting: deque[tuple[str, ...]] = deque([()])
    while waiting and room:
        inside = waiting.popleft()
        try:
            with _entered(base, (*below, *inside), by_folder) as folder:
                for name in islice(folder.names(), room):
                    room -= 1
                    way = (*inside, name)
                    info = None if name.startswith(".") or not _ordinary(name) else _status(folder, name)
                    if info is None or name.endswith(_TEMPORARY) or name.startswith("~$"):
                        continue
                    if stat.S_ISREG(info.st_mode):
                        path = base.path.joinpath(*below, *way)
                        yield Artifact("/".join(way), path, info.st_size, mime_of(name, b""), info.st_mtime)
                    elif (
                        stat.S_ISDIR(info.st_mode)
                        and len(way) < _DEEPEST
                        and deny.matching(base.real, (*below, *way)) is None
                    ):
                        waiting.append(way)
        except OSError:  # it is not there, went meanwhile, or is not ours to list
            continue


@contextmanager
def _entered(root: Root, below: Sequence[str], by_folder: bool) -> Iterator[Folder]:
    """The folder `below` `root`, through no link.

    Raises:
        OSError: it cannot be entered.
    """
    folder = Folder.open(root.real, by_folder=by_folder)
    try:
        for name in below:
            if "~" in name and name not in folder.names():  # a short name of Windows, which no list would deny
                raise FileNotFoundError(name)
            inner = folder.child(name)
            folder.close()
            folder = inner
        yield folder
    finally:
        folder.close()


def _shows(root: Root, way: Sequence[str], deny: Deny) -> bool:
    name = way[-1]
    return not name.startswith(".") and _ordinary(name) and deny.matching(root.real, way) is None


def _ordinary(text: str) -> bool:
    """Whether a path may have `text` in it: bytes that are no text, and control characters, are refused when read."""
    return all(unicodedata.category(character) not in ("Cc", "Cs") for character in text)


def _status(folder: Folder, name: str) -> os.stat_result | None:
    try:
        return folder.stat(name)
    except OSError:
        return None
