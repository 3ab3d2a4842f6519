"""Writes one file under the output root: whole or not at all, and never over another unless asked.

The bytes go to a temporary file in the same folder, which takes the name at the end in one step. So a full disk or a
cancelled call leaves nothing, and nobody reads half a file. The step refuses a name that is taken, also by a process
that takes it in the same moment; then the next number is tried.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from theo_mcp.errors import ConfigError
from theo_mcp.workspace.beneath import BY_FOLDER, Folder, made
from theo_mcp.workspace.names import numbered, safe_path
from theo_mcp.workspace.roots import Root, shown

_CHUNK = 2**20
_MOST_OF_ONE_NAME = 9999
_TRIES = 3
_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_HARD_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EXDEV}
Link = Callable[[Folder, str, str], None]


def save(
    base: Root,
    below: Sequence[str],
    title: str,
    data: bytes,
    *,
    overwrite: bool = False,
    check: Callable[[], None] = lambda: None,
    by_folder: bool = BY_FOLDER,
    link: Link | None = None,
) -> Path:
    """Writes `data` to the file `title`, made safe, in the folder `below` `base`, and returns where it is.

    `check` is called between steps; what it raises stops the work, and nothing is left. `link` gives a file a second
    name and fails if that is taken; not every file system can.

    Raises:
        ConfigError: the file could not be written; nothing of it is left.
    """
    *folders, name = safe_path(title)
    where = base.path.joinpath(*below, *folders)
    tries = 0
    while True:
        tries += 1
        check()
        try:
            with made(base, (*below, *folders), by_folder=by_folder) as folder:
                return where / _written(folder, name, data, overwrite, check, link or _link)
        except OSError as error:
            # Another's failed call may have taken away the folder that it had made, and that we had entered.
            if tries == _TRIES or not isinstance(error, FileNotFoundError):
                raise _failure(error, where / name) from None


def _written(folder: Folder, name: str, data: bytes, overwrite: bool, check: Callable[[], None], link: Link) -> str:
    temporary = f".theo-{secrets.token_hex(8)}.tmp"
    fd = os.open(folder.at(temporary), _FLAGS, 0o666, dir_fd=folder.fd)
    try:
        try:
            rest = memoryview(data)
            while rest:
                check()
                rest = rest[os.write(fd, rest[:_CHUNK]) :]
            os.fsync(fd)  # some disks tell only now that they are full
        finally:
            os.close(fd)
        check()
        if overwrite:
            _replace(folder, temporary, name)
            return name
        return _named(folder, temporary, name, link)
    finally:
        with suppress(OSError):
            os.unlink(folder.at(temporary), dir_fd=folder.fd)


def _named(folder: Folder, temporary: str, name: str, link: Link) -> str:
    """Gives the temporary file the first free name, in one step that fails if the name is taken meanwhile."""
    for number in range(1, _MOST_OF_ONE_NAME + 1):
        free = numbered(name, number)
        try:
            link(folder, temporary, free)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            try:  # takes the name with an empty file, and puts the whole one in its place
                os.close(os.open(folder.at(free), _FLAGS, 0o666, dir_fd=folder.fd))
            except FileExistsError:
                continue
            try:
                _replace(folder, temporary, free)
            except OSError:
                os.unlink(folder.at(free), dir_fd=folder.fd)
                raise
        return free
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _link(folder: Folder, temporary: str, name: str) -> None:
    os.link(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)


def _replace(folder: Folder, temporary: str, name: str) -> None:
    os.replace(folder.at(temporary), folder.at(name), src_dir_fd=folder.fd, dst_dir_fd=folder.fd)


def _failure(error: OSError, path: Path) -> ConfigError:
    """What the system said, as a sentence with the next step."""
    hint = "Name another folder with the setting output_dir."
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            why, code, hint = "the disk is full, or the file too large for it", "disk_full", f"Free some space. {hint}"
        case errno.ENOTDIR | errno.ELOOP:
            why, code = "a link or a file stands where a folder should be", "output_not_allowed"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            why, code = "this user may not write there", "output_unwritable"
        case errno.EISDIR:
            why, code, hint = "there is a folder of that name", "output_unwritable", "Save it under another name."
        case errno.EEXIST:
            why, code, hint = "too many files have that name", "output_unwritable", "Save it under another name."
        case _:
            why, code = error.strerror or type(error).__name__, "output_unwritable"
    return ConfigError(f"{shown(str(path))} could not be saved: {why}.", code=code, hint=hint)
