"""Reads one regular file inside the roots, whole or not at all, so that it can be uploaded.

What is not a regular file is not opened: opening a pipe waits for its writer, and opening some devices does things.
"""

from __future__ import annotations

import difflib
import errno
import mimetypes
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

from theo_mcp.errors import InputError
from theo_mcp.workspace.beneath import BY_FOLDER, Folder, Place, walked
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.roots import Root, locate, outside, shown
from theo_mcp.workspace.sniff import sniffed

_CHUNK = 2**20
_NAMES_LOOKED_AT = 2000
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that took the file's place must not make us wait
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_ADDED = {  # unknown to some version of Python, or known as something else: .ts as video
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".js": "text/javascript",
    ".jsx": "text/javascript",
    ".md": "text/markdown",
    ".mjml": "application/xml",
    ".php": "text/x-php",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".ts": "text/x-typescript",
    ".tsx": "text/x-tsx",
    ".vue": "text/x-vue",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
}


@dataclass(frozen=True)
class ReadFile:
    """A file as it was read. Its content is in no repr."""

    name: str
    path: Path
    data: bytes = field(repr=False)
    mime: str


def read(text: str, roots: Sequence[Root], deny: Deny, *, max_bytes: int, by_folder: bool = BY_FOLDER) -> ReadFile:
    """The file that `text` names, if it lies inside `roots`, is not denied, and has at most `max_bytes`.

    Raises:
        InputError: any of that is not so, or the file cannot be read; the message says which.
    """
    root, names = locate(text, roots)
    deny.check(root.real, names)
    try:
        with walked(roots, root, names, by_folder=by_folder) as place:
            deny.check(place.root.real, place.names)
            data = _content(text, place, roots, max_bytes)
            return ReadFile(place.name, place.path, data, mime_of(place.name, data))
    except OSError as error:
        raise _failure(error, text, root, names, deny) from None


def mime_of(name: str, data: bytes) -> str:
    """The media type: by the first bytes where they tell, else by the name."""
    if told := sniffed(data):
        return told
    guessed, encoding = _types().guess_type(name, strict=False)
    return guessed if guessed and not encoding else "application/octet-stream"


@cache
def _types() -> mimetypes.MimeTypes:
    """Python's own table, with what code is made of: with what a machine has registered, guesses would differ."""
    types = mimetypes.MimeTypes()
    for extension, mime in _ADDED.items():
        types.add_type(mime, extension)
    return types


def _content(text: str, place: Place, roots: Sequence[Root], max_bytes: int) -> bytes:
    folder = place.folder
    before = folder.stat(place.name)
    _check(text, before, max_bytes)
    fd = os.open(folder.at(place.name), _FLAGS, dir_fd=folder.fd)
    try:
        after = os.fstat(fd)
        _check(text, after, max_bytes)
        if folder.fd is None and not _is_at(fd, place, after):
            raise outside(text, roots)
        parts: list[bytes] = []
        room = max_bytes + 1  # one more shows that the file is too large, or grows
        while room and (part := os.read(fd, min(room, _CHUNK))):
            parts.append(part)
            room -= len(part)
        if not room:
            raise _too_large(text, max(os.fstat(fd).st_size, max_bytes + 1), max_bytes)
        return b"".join(parts)
    finally:
        os.close(fd)


def _check(text: str, info: os.stat_result, max_bytes: int) -> None:
    """Refuses what is no ordinary file, and what is too large already.

    Raises:
        InputError: it is one of them.
    """
    kind = stat.S_IFMT(info.st_mode)
    if kind == stat.S_IFLNK:  # links were followed before: this one leads in a circle, or has just been put there
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if kind != stat.S_IFREG:
        raise InputError(
            f"{shown(text)} is {_KINDS.get(kind, 'no file')}, and only ordinary files are read.",
            code="not_a_file",
            hint="Give the path of one file.",
        )
    if info.st_dev in _kernel_devices():
        raise InputError(
            f"{shown(text)} is a view of the running system, and only ordinary files are read.",
            code="not_a_file",
            hint="Give the path of one file.",
        )
    if info.st_size > max_bytes:
        raise _too_large(text, info.st_size, max_bytes)


def _kernel_devices() -> set[int]:
    """What /proc and /sys are mounted from, where they are: their files say they are ordinary, and hold secrets."""
    found = set()
    for path in ("/proc", "/sys"):
        try:
            found.add(Path(path).stat().st_dev)
        except OSError:
            continue
    return found - {Path("/").stat().st_dev}


def _is_at(fd: int, place: Place, opened: os.stat_result) -> bool:
    """Whether the file that was opened is the one at `place`, and no link led elsewhere meanwhile."""
    try:
        found = _path_of(fd)
        if found is not None:
            return os.path.normcase(found) == os.path.normcase(place.path)
        return os.path.realpath(place.path) == str(place.path) and os.path.samestat(place.path.stat(), opened)
    except OSError:
        return False


def _path_of(fd: int) -> str | None:
    """Where the open file really is, as the system says; None where it does not say."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        name = ctypes.create_unicode_buffer(2**15)
        size = ctypes.windll.kernel32.GetFinalPathNameByHandleW(msvcrt.get_osfhandle(fd), name, len(name), 0)
        return name.value.removeprefix("\\\\?\\") if 0 < size < len(name) else None
    link = f"/proc/self/fd/{fd}"
    return os.readlink(link) if os.path.lexists(link) else None  # noqa: PTH115 - a Path would lose " (deleted)"


def _too_large(text: str, size: int, max_bytes: int) -> InputError:
    return InputError(
        f"{shown(text)} has {size:,} bytes, and at most {max_bytes:,} can be read.",
        code="file_too_large",
        hint="Give a smaller file, or a part of it.",
    )


def _failure(error: OSError, text: str, root: Root, names: Sequence[str], deny: Deny) -> InputError:
    """What the system said, as a sentence with the next step."""
    match error.errno:
        case errno.ENOENT if not root.real.is_dir():
            return InputError(
                f"The open folder {root.path} does not exist.",
                code="file_not_found",
                hint="Start theo-mcp with --root and a folder that exists.",
            )
        case errno.ENOENT:
            near = _near(root, names, deny)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"Paths count from {root.path}."
            return InputError(f"There is no file {shown(text)}.", code="file_not_found", hint=hint)
        case errno.EISDIR:
            return InputError(f"{shown(text)} is a folder.", code="not_a_file", hint="Give the path of one file.")
        case errno.ENOTDIR:
            return InputError(
                f"The path {shown(text)} goes through something that is no folder.",
                code="file_not_found",
                hint=f"Paths count from {root.path}.",
            )
        case errno.ELOOP:
            return InputError(
                f"The path {shown(text)} has links that lead in a circle, or that change while they are read.",
                code="path_not_allowed",
                hint="Give the path of the file itself.",
            )
        case errno.EACCES | errno.EPERM:
            return InputError(
                f"{shown(text)} may not be read by this user.",
                code="file_unreadable",
                hint="Change its permissions, or give another file.",
            )
        case _:
            return InputError(
                f"{shown(text)} could not be read: {error.strerror or type(error).__name__}.",
                code="file_unreadable",
                hint="Give another file.",
            )


def _near(root: Root, names: Sequence[str], deny: Deny) -> list[str]:
    """Names in the same folder that are much like the one that is missing."""
    *parents, missing = names
    try:
        with _listed(root, parents) as (folder, real_root, real_names):
            listed = [
                name
                for name in islice(folder.names(), _NAMES_LOOKED_AT)
                if deny.matching(real_root.real, (*real_names, name)) is None
            ]
    except (OSError, InputError):
        return []
    by_case = {name.casefold(): name for name in listed}
    close = difflib.get_close_matches(missing.casefold(), by_case, n=3, cutoff=0.6)
    return [shown("/".join((*parents, by_case[name]))) for name in close]


@contextmanager
def _listed(root: Root, parents: Sequence[str]) -> Iterator[tuple[Folder, Root, tuple[str, ...]]]:
    """The folder `parents` below `root`, to be listed."""
    if not parents:
        with closing(Folder.open(root.real)) as folder:
            yield folder, root, ()
        return
    with walked((root,), root, parents) as place, closing(place.folder.child(place.name)) as folder:
        yield folder, place.root, place.names
