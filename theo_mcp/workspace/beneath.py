"""Walks from a root to a place below it, so that no link, however quickly it is swapped, leads elsewhere.

Each folder is opened by its name in the one before, and never through a link. A link is read and walked name by name
in the same way; what it says of "above" is answered from the folders that were opened. So what is reached lies under a
root whatever another process does meanwhile. Where the system cannot open by folder (Windows), the whole path is
resolved, opened, and resolved again: a link swapped in between is noticed, but it was opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from theo_mcp.workspace.roots import Root, below, outside

BY_FOLDER = {os.open, os.stat, os.mkdir, os.link, os.unlink, os.readlink} <= os.supports_dir_fd
_MOST_LINKS = 40
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_OPEN_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK | getattr(os, "O_CLOEXEC", 0)


@dataclass
class Folder:
    """An open folder. Its `path` is for messages and for systems that know no other way."""

    path: Path
    fd: int | None

    @classmethod
    def open(cls, path: Path, *, by_folder: bool = BY_FOLDER) -> Self:
        """The folder at `path`, which is trusted: its own links are followed."""
        return cls(path, os.open(path, _OPEN_FOLDER & ~_NO_LINK) if by_folder else None)

    def child(self, name: str) -> Folder:
        """The folder `name` in this one.

        Raises:
            OSError: it cannot be entered; NotADirectoryError where it is a link or a file.
        """
        path = self.path / name
        if self.fd is None:
            if not path.is_dir() or Path(os.path.realpath(path)) != Path(os.path.realpath(self.path)) / name:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            return Folder(path, None)
        try:
            return Folder(path, os.open(name, _OPEN_FOLDER, dir_fd=self.fd))
        except OSError as error:
            if error.errno == errno.ELOOP:  # what some systems say of a link, where others say ENOTDIR
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
            raise

    def at(self, name: str) -> str:
        """`name` as the functions of `os` want it, beside ``dir_fd=self.fd``."""
        return name if self.fd is not None else str(self.path / name)

    def stat(self, name: str) -> os.stat_result:
        return os.stat(self.at(name), dir_fd=self.fd, follow_symlinks=False)

    def names(self) -> Iterator[str]:
        with os.scandir(self.path if self.fd is None else self.fd) as entries:
            for entry in entries:
                yield entry.name

    def close(self) -> None:
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


@dataclass(frozen=True)
class Place:
    """A name in an open folder, and the names that led there from `root`: no link is among them."""

    folder: Folder
    root: Root
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.names[-1]

    @property
    def path(self) -> Path:
        return self.root.real.joinpath(*self.names)


@contextmanager
def walked(roots: Sequence[Root], root: Root, names: Sequence[str], *, by_folder: bool = BY_FOLDER) -> Iterator[Place]:
    """The place that `names` below `root` lead to. Links are followed while they stay under a root.

    Raises:
        InputError: a link leads outside the roots, or in a circle.
        OSError: a folder on the way cannot be entered, or nothing is there.
    """
    asked = "/".join(names)
    if not by_folder:
        with _links():
            real = Path(os.path.realpath(root.real.joinpath(*names)))
        found = below(real, roots)
        if found is None:
            raise outside(asked, roots)
        if not found[1]:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        yield Place(Folder(real.parent, None), *found)
        return
    with ExitStack() as opened:
        way = [_opened(opened, Folder.open(root.real, by_folder=True))]  # the root and each folder entered below it
        reached: list[str] = []
        ahead = deque(names)
        links = 0
        while ahead:
            name = ahead.popleft()
            if name == "..":  # said by a link: what a caller writes has none
                if not reached:
                    raise outside(asked, roots)
                reached.pop()
                way.pop()
            elif "~" in name and name not in way[-1].names():
                # Windows, and its drives seen from WSL, also answer to short names (GIT~1), which no list would deny.
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            elif stat.S_ISLNK(way[-1].stat(name).st_mode):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                with _links():
                    target = PurePath(os.readlink(way[-1].at(name), dir_fd=way[-1].fd))
                step = target.parts
                if target.is_absolute():
                    found = below(target, roots)
                    if found is None:
                        raise outside(asked, roots)
                    root, step = found
                    way, reached = [_opened(opened, Folder.open(root.real, by_folder=True))], []
                ahead.extendleft(reversed(step))
            else:
                reached.append(name)
                if ahead:
                    way.append(_opened(opened, way[-1].child(name)))
        if len(way) != len(reached):  # the last step was upwards, or there was none
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        yield Place(way[-1], root, tuple(reached))


@contextmanager
def _links() -> Iterator[None]:
    """Around the reading of links: one that is none any more was changed between two looks, as one in a circle is."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        raise


@contextmanager
def made(base: Root, names: Sequence[str], *, by_folder: bool = BY_FOLDER) -> Iterator[Folder]:
    """The folder `names` below `base`, made where it is missing. No link below `base` is followed.

    Leaving with an error takes away the folders that were made, if nothing else is in them.

    Raises:
        OSError: a folder cannot be made or entered; NotADirectoryError for a link or a file in its place.
    """
    base.real.mkdir(parents=True, exist_ok=True)
    new: list[tuple[Folder, str]] = []
    with ExitStack() as opened:
        folder = _opened(opened, Folder.open(base.real, by_folder=by_folder))
        try:
            for name in names:
                try:
                    os.mkdir(folder.at(name), dir_fd=folder.fd)
                    new.append((folder, name))
                except FileExistsError:
                    pass
                folder = _opened(opened, folder.child(name))
            yield folder
        except BaseException:
            for parent, name in reversed(new):
                with suppress(OSError):
                    os.rmdir(parent.at(name), dir_fd=parent.fd)
            raise


def _opened(stack: ExitStack, folder: Folder) -> Folder:
    stack.callback(folder.close)
    return folder
