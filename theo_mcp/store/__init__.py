"""What outlives a process: JSON values under a kind, an owner and a key, in one SQLite file that processes share.

Every change is one transaction: it is there whole or not at all, whoever else writes and whenever this process dies. A
power cut may cost the last changes, never the file. Every call ends, and none stops the event loop.

What it refuses: pickles, queries over values, and guessing at a file that is not ours. On a network file system it is
not safe when two machines use it at once, because WAL needs memory that they share. A store belongs to the event loop
that opened it and does not survive a fork; children are started by exec.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from theo_mcp.errors import InputError, StoreError
from theo_mcp.store.contents import Contents
from theo_mcp.store.file import File

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["FILE", "Entry", "Kind", "Put", "Store", "Sums"]

FILE = "store.sqlite"
"""Its name in the data folder."""

Kind: TypeAlias = Literal[
    "conversations", "jobs", "runs", "cache", "replays", "history", "audit", "totals", "usage", "keys", "skills"
]

_STEPS = (
    (
        """CREATE TABLE entries (
               number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, owner BLOB NOT NULL, key BLOB NOT NULL,
               created_at REAL NOT NULL, changed_at REAL NOT NULL, expires_at REAL, value BLOB NOT NULL,
               UNIQUE (kind, owner, key))""",
        "CREATE INDEX newest ON entries (kind, owner, number)",
        "CREATE INDEX expiry ON entries (expires_at) WHERE expires_at IS NOT NULL",
    ),
)
"""The statements that lead from each schema version to the next. Append; never change one that was released."""

_LARGEST = 2**63 - 1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One value with what the store knows of it. `cursor` continues a listing after it."""

    key: str = field(repr=False)
    value: JsonValue = field(repr=False)
    created_at: float
    changed_at: float
    expires_at: float | None
    cursor: int


@dataclass(frozen=True)
class Put:
    """One entry to store."""

    key: str = field(repr=False)
    value: JsonValue = field(repr=False)
    owner: str = ""
    expires_at: float | None = None


@dataclass(frozen=True)
class Sums:
    """What stands under each key after `Store.add`; `over` names the keys whose limit refused it, if any did."""

    totals: dict[str, float]
    over: tuple[str, ...] = ()


class Store:
    """A store in use. An entry that has expired, or belongs to another owner, is as if it were not there.

    A value of None is no value: storing it deletes. Every method raises `StoreError` where the file cannot serve, and
    `InputError` for what is not JSON. A call that is cancelled returns at once; its change is whole or absent.
    """

    def __init__(self, file: File, clock: Callable[[], float]) -> None:
        self.path = file.path
        self.contents = Contents(file)
        self._file = file
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, timeout_s: float = 5.0, clock: Callable[[], float] = time.time
    ) -> AsyncIterator[Self]:
        """The store in the file `path`, which is made where it is missing. No call takes longer than `timeout_s`.

        Raises:
            StoreError: the file is no store, is damaged, locked or newer than this program, or cannot be written.
        """
        file = File(path, _STEPS, timeout_s=timeout_s)
        try:
            await file.read(lambda connection: None)
            yield cls(file, clock)
        finally:
            await file.aclose()

    async def get(self, kind: Kind, key: str, *, owner: str = "") -> JsonValue:
        """The value, or None."""
        place = self._place(kind, key, owner)
        entry = await self._file.read(place.read)
        return entry.value if entry else None

    async def put(
        self, kind: Kind, key: str, value: JsonValue, *, owner: str = "", expires_at: float | None = None
    ) -> None:
        """Stores `value` over what was there, which keeps its place in `entries`."""
        place, text = self._place(kind, key, owner), _encoded(value)
        await self._file.write(lambda connection: place.write(connection, text, expires_at))

    async def put_all(self, kind: Kind, entries: Sequence[Put]) -> int:
        """Stores all `entries` in one step, which is much quicker than one by one; a value of None deletes. How many
        bytes their values have."""
        places = [(self._place(kind, entry.key, entry.owner), entry) for entry in entries]

        def put_all(connection: sqlite3.Connection) -> int:
            written = 0
            for place, entry in places:
                text = _encoded(entry.value)
                written += len(text)
                place.write(connection, text, entry.expires_at)
            return written

        return await self._file.write(put_all)

    async def update(
        self,
        kind: Kind,
        key: str,
        change: Callable[[JsonValue], JsonValue],
        *,
        owner: str = "",
        expires_at: float | None = None,
    ) -> JsonValue:
        """What `change` makes of the value (or of None), stored before anyone else can change it; and returned.

        `change` runs once at most, in a worker thread, while other writers wait: it computes and nothing else. What it
        raises comes out, and nothing has changed. Without `expires_at` the entry keeps the time that it has.
        """
        place = self._place(kind, key, owner)

        def update(connection: sqlite3.Connection) -> JsonValue:
            entry = place.read(connection)
            value = change(entry.value if entry else None)
            place.write(connection, _encoded(value), _until(entry, expires_at))
            return value

        return await self._file.write(update)

    async def add(
        self,
        kind: Kind,
        amounts: Mapping[str, float],
        *,
        owner: str = "",
        limits: Mapping[str, float] | None = None,
        expires_at: float | None = None,
    ) -> Sums:
        """Adds each amount to the number under its key: all of them, or none if one total would pass its limit.

        A budget is reserved by adding the estimate under the keys of its periods, with their limits, and settled by
        adding the difference to the real cost: what is zero or negative is never refused. Whole numbers stay exact.
        """
        if not all(math.isfinite(amount) for amount in amounts.values()):
            raise InputError("An amount to add is not a finite number.")
        amounts, limits = dict(amounts), dict(limits or {})
        places = {key: self._place(kind, key, owner) for key in amounts}

        def add(connection: sqlite3.Connection) -> Sums:
            entries = {key: place.read(connection) for key, place in places.items()}
            before = {key: _number(kind, entry) for key, entry in entries.items()}
            after = {key: before[key] + amount for key, amount in amounts.items()}
            over = tuple(key for key in amounts if amounts[key] > 0 and after[key] > limits.get(key, math.inf))
            if over:
                return Sums(before, over)
            for key, place in places.items():
                place.write(connection, _encoded(after[key]), _until(entries[key], expires_at))
            return Sums(after)

        return await self._file.write(add)

    async def delete(self, kind: Kind, key: str, *, owner: str = "") -> bool:
        """Removes the entry; whether there was one."""
        place = self._place(kind, key, owner)
        return await self._file.write(place.delete)

    async def entries(self, kind: Kind, *, owner: str = "", after: int | None = None, limit: int = 100) -> list[Entry]:
        """Up to `limit` entries of an owner, the last made first, from behind the cursor `after`.

        A damaged value does not hide the others: it is left out and logged.
        """
        before = _LARGEST if after is None else max(-_LARGEST, min(after, _LARGEST))
        wanted = (kind, _bytes(owner), self._clock(), before, max(0, min(limit, _LARGEST)))

        def entries(connection: sqlite3.Connection) -> list[Entry]:
            found = []
            for row in connection.execute(f"{_SELECT} AND number < ? ORDER BY number DESC LIMIT ?", wanted):
                try:
                    found.append(_entry(kind, row))
                except StoreError as error:
                    log.warning("%s", error)
            return found

        return await self._file.read(entries)

    async def purge(self) -> int:
        """Removes what has expired, of every kind and owner, and gives its room back; how many entries it was."""
        return await self.contents.purge(self._clock())

    def _place(self, kind: Kind, key: str, owner: str) -> _Place:
        return _Place(kind, _bytes(owner), _bytes(key), self._clock())


_SELECT = (
    "SELECT key, value, created_at, changed_at, expires_at, number FROM entries"
    " WHERE kind = ? AND owner = ? AND (expires_at IS NULL OR expires_at > ?)"
)


@dataclass(frozen=True)
class _Place:
    """Where one entry is, and the time at which it is looked at."""

    kind: Kind
    owner: bytes
    key: bytes
    now: float

    def read(self, connection: sqlite3.Connection) -> Entry | None:
        row = connection.execute(f"{_SELECT} AND key = ?", (self.kind, self.owner, self.now, self.key)).fetchone()
        return _entry(self.kind, row) if row else None

    def write(self, connection: sqlite3.Connection, text: bytes, expires_at: float | None) -> None:
        if text == b"null":
            self.delete(connection)
            return
        where = (self.kind, self.owner, self.key)
        connection.execute(  # what has expired does not lend its place and its age to what comes after it
            "DELETE FROM entries WHERE kind = ? AND owner = ? AND key = ? AND expires_at <= ?", (*where, self.now)
        )
        connection.execute(
            "INSERT INTO entries (kind, owner, key, created_at, changed_at, expires_at, value)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, owner, key) DO UPDATE"
            " SET changed_at = excluded.changed_at, expires_at = excluded.expires_at, value = excluded.value",
            (*where, self.now, self.now, expires_at, text),
        )

    def delete(self, connection: sqlite3.Connection) -> bool:
        done = connection.execute(
            "DELETE FROM entries WHERE kind = ? AND owner = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)",
            (self.kind, self.owner, self.key, self.now),
        )
        return done.rowcount > 0


def _entry(kind: Kind, row: tuple[bytes, bytes, float, float, float | None, int]) -> Entry:
    key, text, created_at, changed_at, expires_at, number = row
    try:
        value = json.loads(str(text, "utf-8", "surrogatepass"))
        return Entry(str(key, "utf-8", "surrogatepass"), value, created_at, changed_at, expires_at, number)
    except (ValueError, TypeError, RecursionError):
        raise StoreError(
            f"An entry in the store is damaged (kind {kind}, number {number}).", hint="Delete it, or store it anew."
        ) from None


def _encoded(value: JsonValue) -> bytes:
    try:
        return _bytes(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"The value to store is not JSON ({type(error).__name__}).", code="not_json") from None


def _number(kind: Kind, entry: Entry | None) -> float:
    value = entry.value if entry else 0
    if not isinstance(value, int | float):
        raise StoreError(f"An entry to add to is no number (kind {kind}, number {entry and entry.cursor}).")
    return value


def _until(entry: Entry | None, expires_at: float | None) -> float | None:
    return entry.expires_at if entry and expires_at is None else expires_at


def _bytes(text: str) -> bytes:
    """Any string, lone surrogates and NUL included, so that it comes back as it was."""
    return text.encode("utf-8", "surrogatepass")
