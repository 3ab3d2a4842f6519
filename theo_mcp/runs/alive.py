"""Whether the process that keeps a run still lives: a lock file beside the store, held for as long as it does.

The system drops the lock when the process ends, however it ends, and keeps it while the machine sleeps; so there is no
heartbeat to miss and no process id that another process may have got since. `flock` belongs to one opening of the file
and not to the process, so two registries of one process tell each other apart. On Windows an open file cannot be
removed, which tells the same.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from theo_mcp.errors import StoreError

if sys.platform != "win32":
    import fcntl


class Mark:
    """One registry's sign of life. Its token is stored with each of its runs."""

    def __init__(self, store: Path) -> None:
        """Takes the mark, and removes those of processes that have ended.

        Raises:
            StoreError: the folder takes no lock files.
        """
        self.store = store
        try:
            for path in self._marks():
                _held(path, remove=True)
            self._claim()
        except OSError as error:
            raise StoreError(
                f"Beside the store {store} no lock can be held: {error.strerror}.",
                hint="Choose a folder on a local disk with data_dir.",
            ) from None

    def lives(self, token: str) -> bool:
        """Whether the registry with this token still has its mark."""
        return token.isalnum() and _held(self._path(token))

    def others(self) -> bool:
        """Whether another registry of the same store is alive."""
        return any(_held(path) for path in self._marks() if path != self._path(self.token))

    def release(self) -> None:
        """Gives the mark up; to be called when all runs are stored."""
        path = self._path(self.token)
        if sys.platform == "win32":
            os.close(self._descriptor)
            path.unlink(missing_ok=True)
        else:
            path.unlink(missing_ok=True)
            os.close(self._descriptor)

    def _marks(self) -> list[Path]:
        head = f"{self.store.name}-"
        return [path for path in self.store.parent.iterdir() if path.name.startswith(head) and path.suffix == ".alive"]

    def _claim(self) -> None:
        while True:
            self.token = secrets.token_hex(16)
            self._descriptor = os.open(self._path(self.token), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
            if sys.platform == "win32":
                return
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            except OSError:
                self.release()
                raise
            if os.fstat(self._descriptor).st_nlink:
                return
            os.close(self._descriptor)  # another process found it before it was locked, and removed it

    def _path(self, token: str) -> Path:
        return self.store.with_name(f"{self.store.name}-{token}.alive")


def _held(path: Path, *, remove: bool = False) -> bool:
    if sys.platform == "win32":
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:  # no descriptor left, say: who cannot be asked is not declared dead
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: those who only ask do not hinder each other
    except OSError:
        return True
    else:
        if remove:
            path.unlink(missing_ok=True)
        return False
    finally:
        os.close(descriptor)
