"""One SQLite file: opened, checked, upgraded, and asked in a worker thread so that no lock stops the event loop.

It is WAL, so readers never wait for a writer, and private to the user: 0600 with its companions whatever the umask
(on Windows, the profile's folder does that). A file of another program, a damaged or a newer one is left as it is.

Its descriptor is never opened by us beside SQLite's own: POSIX drops a process's locks on a file as soon as any of its
descriptors on it closes.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import anyio
from anyio import to_thread

from theo_mcp.errors import StoreError

ResultT = TypeVar("ResultT")
Steps = Sequence[Sequence[str]]

_APPLICATION = 0x7468656F  # "theo", in the file's header
_BUSY_S = 0.05  # how long SQLite waits inside one attempt; between attempts other calls have their turn
_PAUSE_S = 0.005
_INCREMENTAL = 2
_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 4194304",  # a large value does not leave a large -wal behind
    "PRAGMA secure_delete = ON",  # what was deleted cannot be read from the file's free pages
)
_creating = threading.Lock()


class File:
    """The connection to one file. Work is a function of the connection; what it raises comes out as it is.

    A call that is cancelled returns at once. Its work is then done whole or not at all, and no other begins before it
    has ended.
    """

    def __init__(self, path: Path, steps: Steps, *, timeout_s: float) -> None:
        self.path = path
        self._steps = steps
        self._timeout_s = timeout_s
        self._connection: sqlite3.Connection | None = None
        self._alone = threading.Lock()  # a cancelled call's thread may still be at work when the next one begins
        self._turns = anyio.CapacityLimiter(1)
        self._home = (os.getpid(), threading.get_ident())
        self._closed = False

    async def read(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """What `work` reads.

        Raises:
            StoreError: the file is no store, is damaged, locked too long or newer than this program, or closed.
        """
        return await self._call(lambda connection, begin: work(connection))

    async def write(self, work: Callable[[sqlite3.Connection], ResultT]) -> ResultT:
        """Runs `work` in one transaction, which no other writer can come between; if it raises, nothing has changed.

        Raises:
            StoreError: as for `read`, or the file cannot be written.
        """

        def write(connection: sqlite3.Connection, begin: Callable[[], None]) -> ResultT:
            with _transaction(connection):
                begin()
                return work(connection)

        return await self._call(write)

    async def aclose(self) -> None:
        """Closes the file after the work that is under way; safe to call twice."""
        self._closed = True
        with anyio.move_on_after(self._timeout_s, shield=True):
            await to_thread.run_sync(self._shut, abandon_on_cancel=True)

    async def _call(self, work: Callable[[sqlite3.Connection, Callable[[], None]], ResultT]) -> ResultT:
        if self._home != (os.getpid(), threading.get_ident()):
            raise RuntimeError("A store is used in the event loop that opened it, and not after a fork.")
        left, begun = threading.Event(), threading.Event()

        def begin() -> None:
            begun.set()  # in this order: whoever leaves and sees that nothing has begun can say so
            if left.is_set():
                raise StoreError("Nobody waits for this change any more.")

        def job() -> ResultT:
            with self._alone:
                if self._closed:
                    raise StoreError(f"The store {self.path} is closed.", hint="Open it again.")
                if self._connection is None:
                    self._connection = _opened(self.path, self._steps)
                return work(self._connection, begin)

        try:
            with anyio.move_on_after(self._timeout_s):
                while True:
                    try:
                        return await to_thread.run_sync(job, abandon_on_cancel=True, limiter=self._turns)
                    except sqlite3.OperationalError as error:
                        if _code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                            raise
                    await anyio.sleep(_PAUSE_S)
        except sqlite3.Error as error:
            raise _told(error, self.path) from None
        finally:
            left.set()
        raise StoreError(
            f"The store {self.path} did not answer for {self._timeout_s:g} seconds.",
            hint="Another program holds it, or the disk is slow. Try again"
            + ("; this change may have been made all the same." if begun.is_set() else "."),
            retryable=not begun.is_set(),
        )

    def _shut(self) -> None:
        with self._alone:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    connection.close()


def _opened(path: Path, steps: Steps) -> sqlite3.Connection:
    try:
        connection = _connect(path)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"The store {str(path)!r} cannot be made: {getattr(error, 'strerror', None) or error}.",
            hint="Make its folder writable for you, or choose another with data_dir.",
        ) from None
    try:
        _check(connection, path, steps)
        _make_private(path)
        # Before the first table, or it has no effect; and only then, because it takes the lock of whoever writes.
        if _number(connection, "PRAGMA auto_vacuum") != _INCREMENTAL:
            connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
        for setting in _SETTINGS:
            connection.execute(setting).fetchall()
        _upgrade(connection, steps)
        _make_private(path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    folder = path.parent
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # one that was there may be the user's home: it stays as it is
    with _creating:  # so that no other thread has SQLite open it between our open and close
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            path.chmod(0o600)  # SQLite gives -wal and -shm the same
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.text_factory = bytes  # damaged text is the reader's to judge, row by row
    return connection


def _check(connection: sqlite3.Connection, path: Path, steps: Steps) -> None:
    """Reads and changes nothing, because the file may be anybody's.

    Raises:
        StoreError: it is another program's, or a newer version of this one made it.
    """
    # The mark last: another process may be making the store, and sets the mark with all the rest at once.
    version, schema = _number(connection, "PRAGMA user_version"), _number(connection, "PRAGMA schema_version")
    application = _number(connection, "PRAGMA application_id")
    if application != _APPLICATION and (application or version or schema):
        raise StoreError(
            f"{path} is not a store of theo-mcp: it is another program's database.",
            hint="It was left as it is. Move it away, or choose another folder with data_dir.",
        )
    if version > len(steps):
        raise StoreError(
            f"The store {path} was made by a newer theo-mcp: its schema is {version}, and this one knows {len(steps)}.",
            hint="Update theo-mcp, or choose another folder with data_dir. Nothing in it was changed.",
        )


def _upgrade(connection: sqlite3.Connection, steps: Steps) -> None:
    if _number(connection, "PRAGMA user_version") == len(steps):
        return
    with _transaction(connection):
        version = _number(connection, "PRAGMA user_version")  # another process may have been quicker
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {max(version, len(steps))}")


def _make_private(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file = path.with_name(path.name + suffix)
            if os.name == "posix" and file.stat().st_mode & 0o077:
                try:
                    file.chmod(0o600)
                except PermissionError:
                    raise StoreError(
                        f"The store {file} can be read by other users and is not yours to change.",
                        hint="Choose another folder with data_dir.",
                    ) from None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk makes SQLite roll back by itself
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, or 0 where Python's module refused by itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _told(error: sqlite3.Error, path: Path) -> StoreError:
    elsewhere = "or choose another folder with data_dir."
    match _code(error):
        case sqlite3.SQLITE_FULL:
            what = f"There is no room left for the store {path}."
            hint = "Free some space and try again. What was stored before is still there."
        case sqlite3.SQLITE_IOERR:
            what = f"The disk failed under the store {path}."
            hint = "Look for a full disk, a quota or a lost drive. What was stored before is still there."
        case sqlite3.SQLITE_NOTADB:
            what = f"{path} is not a store: it is not a database at all."
            hint = f"It was left as it is. Move it away, {elsewhere}"
        case sqlite3.SQLITE_CORRUPT:
            what = f"The store {path} is damaged."
            hint = f"Save what you can with `sqlite3 FILE .recover` and move it away, {elsewhere}"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            what = f"The store {path} cannot be written."
            hint = f"Make the file and its folder writable for you, {elsewhere}"
        case sqlite3.SQLITE_TOOBIG:
            what = f"The value is too large for the store {path}."
            hint = "One value can have almost a gigabyte."
        case _:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            what, hint = f"The store {path} failed ({name}).", "Please report this."
    return StoreError(what, hint=hint)
