"""Removes a folder in which a hostile program could write, without trusting anything that it left there."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path


def remove(folder: Path) -> bool:
    """Whether it is gone. Whoever wrote there has ended before; links are never followed.

    `shutil.rmtree` gives up at folders nested some thousand deep and at those without permissions. Here each folder
    is emptied by moving what is in it up to the top, so the depth does not matter.
    """
    if sys.platform == "win32":
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    try:
        top = _open(folder)
    except FileNotFoundError:
        return True
    try:
        names = (f"moved-{number}" for number in count())
        while found := os.listdir(top):
            for name in found:
                _remove(name, top, names)
        folder.rmdir()
    except OSError:
        return False
    finally:
        os.close(top)
    return True


def _remove(name: str, top: int, names: Iterator[str]) -> None:
    if not _is_folder(name, top):
        os.unlink(name, dir_fd=top)
        return
    inner = _open(name, top)
    try:
        for each in os.listdir(inner):
            if _is_folder(each, inner):
                os.chmod(each, 0o700, dir_fd=inner)  # a folder without permissions cannot be moved
                _move(each, inner, top, names)
            else:
                os.unlink(each, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _move(name: str, inner: int, top: int, names: Iterator[str]) -> None:
    for free in names:
        try:
            os.rename(name, free, src_dir_fd=inner, dst_dir_fd=top)
        except (FileExistsError, NotADirectoryError):
            continue
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            continue
        return


def _open(path: str | Path, within: int | None = None) -> int:
    os.chmod(path, 0o700, dir_fd=within)
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)


def _is_folder(name: str, within: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=within, follow_symlinks=False).st_mode)
