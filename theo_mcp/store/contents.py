"""What one file holds as a whole, of every owner: how much, and its removal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from theo_mcp.store.file import File

if TYPE_CHECKING:
    from pydantic import JsonValue

    from theo_mcp.store import Kind

_PAGES = 25_000  # 100 MB at a time, so that nobody waits long

_NEWEST = """SELECT owner, value FROM entries
    WHERE kind = ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY number DESC LIMIT ?"""

_TRIM = """DELETE FROM entries WHERE number IN (
    SELECT number FROM (
        SELECT number, SUM(LENGTH(key) + LENGTH(value)) OVER (ORDER BY changed_at DESC, number DESC) AS held
        FROM entries WHERE kind = ?)
    WHERE held > ?)"""


@dataclass(frozen=True)
class Held:
    """How much of one kind there is."""

    entries: int
    bytes: int


class Contents:
    """The file of one store. Its methods raise `StoreError` as the store's do."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def held(self) -> dict[str, Held]:
        """How much there is of each kind, with what has expired and is not purged yet."""
        return await self._file.read(_held)

    async def newest(self, kind: Kind, now: float, limit: int) -> list[tuple[str, JsonValue]]:
        """The last made entries of a kind, each with its owner; a damaged one is left out."""
        return await self._file.read(lambda connection: _newest(connection, kind, now, limit))

    async def purge(self, now: float) -> int:
        """Removes what has expired and gives its room back; how many entries it was."""
        what = "DELETE FROM entries WHERE expires_at <= ?"
        gone = await self._file.write(lambda connection: connection.execute(what, (now,)).rowcount)
        await self._file.read(_give_back)
        return gone

    async def forget(self, kind: Kind, owner: str) -> int:
        """Removes what an owner has of a kind; how many entries it was."""
        wanted = (kind, owner.encode("utf-8", "surrogatepass"))
        what = "DELETE FROM entries WHERE kind = ? AND owner = ?"
        return await self._file.write(lambda connection: connection.execute(what, wanted).rowcount)

    async def trim(self, kind: Kind, max_bytes: int) -> int:
        """Removes of a kind what was not changed for longest, until it has no more than `max_bytes`; how many entries
        it was."""
        return await self._file.write(lambda connection: connection.execute(_TRIM, (kind, max_bytes)).rowcount)

    async def clear(self, kind: Kind, *, spared: Callable[[JsonValue], bool] | None = None) -> int:
        """Removes a kind, but for the values that are `spared`, and gives the room back; how many are spared.

        `spared` runs in a worker thread while other writers wait, as the function of `Store.update` does.
        """
        left = await self._file.write(lambda connection: _clear(connection, kind, spared))
        await self._file.read(_give_back)
        await self._file.read(_empty_log)
        return left


def _give_back(connection: sqlite3.Connection) -> None:
    """Gives the room of what was removed back to the disk."""
    connection.executescript(f"PRAGMA incremental_vacuum({_PAGES})")  # `execute` would take one step, which is one page


def _held(connection: sqlite3.Connection) -> dict[str, Held]:
    """What there is of each kind, with what has expired and is not purged yet."""
    question = "SELECT kind, COUNT(*), SUM(LENGTH(key) + LENGTH(value)) FROM entries GROUP BY kind"
    return {str(kind, "utf-8", "replace"): Held(*counted) for kind, *counted in connection.execute(question)}


def _newest(connection: sqlite3.Connection, kind: str, now: float, limit: int) -> list[tuple[str, JsonValue]]:
    found = []
    for owner, value in connection.execute(_NEWEST, (kind, now, limit)):
        with suppress(ValueError, RecursionError):
            found.append((str(owner, "utf-8", "replace"), json.loads(value)))
    return found


def _clear(connection: sqlite3.Connection, kind: str, spared: Callable[[JsonValue], bool] | None) -> int:
    """Removes a kind but for the values that are `spared`; how many these are."""
    if spared is None:
        connection.execute("DELETE FROM entries WHERE kind = ?", (kind,))
        return 0
    gone, left = [], 0
    for number, text in connection.execute("SELECT number, value FROM entries WHERE kind = ?", (kind,)):
        if _is(text, spared):
            left += 1
        else:
            gone.append((number,))
    connection.executemany("DELETE FROM entries WHERE number = ?", gone)
    return left


def _empty_log(connection: sqlite3.Connection) -> None:
    """Writes the log into the file, so that nothing stands there that was removed; a reader may hinder it."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _is(text: bytes, wanted: Callable[[JsonValue], bool]) -> bool:
    """Whether a stored value is `wanted`; a damaged one is not."""
    try:
        return wanted(json.loads(str(text, "utf-8", "surrogatepass")))
    except (ValueError, TypeError, RecursionError):
        return False
