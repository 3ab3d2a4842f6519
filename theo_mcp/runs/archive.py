"""Runs in the store: written behind the work, in the order of their changes, and read when memory has them no more.

What matters after the process is written: that a run began, that its request went out, and how it ended. A store that
fails is logged, and the run goes on in memory.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TypeAlias

import anyio
from pydantic import JsonValue, TypeAdapter, ValidationError

from theo_mcp.errors import StoreError, TheoError
from theo_mcp.runs.alive import Mark
from theo_mcp.runs.failure import stopped
from theo_mcp.runs.record import Status
from theo_mcp.store import Kind, Put, Store

Key: TypeAlias = tuple[str, str]
"""The owner and the handle."""

_HOUR_S = 3600.0
_LINGER_S = 0.2  # so that a short run is one writing and not three
_RETRY_S = 30.0
_UNFINISHED_S = 7 * 24 * 3600.0  # how long a run can be read whose process died

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cleared:
    """What a clearing leaves."""

    at_work: int = 0
    """Runs that have not ended."""
    others: bool = False
    """Whether another process has runs in its memory, until it ends."""


class Archive:
    """The runs of this process, and of others, in one store.

    `status_of` tells what memory has, if it has the run; `saved` is called after each writing.
    """

    def __init__(
        self,
        store: Store,
        mark: Mark,
        *,
        kind: Kind = "runs",
        status_of: Callable[[Key], Status | None],
        saved: Callable[[], None],
    ) -> None:
        self._store = store
        self._mark = mark
        self._kind = kind
        self._status_of = status_of
        self._saved = saved
        self._unsaved: dict[Key, int] = {}  # with a count of the changes, because one may come during the writing
        self._dropped: set[Key] = set()
        self._news = anyio.Event()
        self._failing = False

    def save_soon(self, key: Key) -> None:
        """Notes that the run has changed; returns at once."""
        self._unsaved[key] = self._unsaved.get(key, 0) + 1
        self._news.set()

    def delete_soon(self, key: Key) -> None:
        """Notes that the run is not wanted any more; returns at once."""
        self._dropped.add(key)
        self.save_soon(key)

    def awaits(self, key: Key) -> bool:
        """Whether memory should keep the run until it is written; not so while the store fails."""
        return key in self._unsaved and not self._failing

    async def keep_saving(self) -> None:
        """Writes what `save_soon` noted, and once an hour removes what has expired in the store; never returns."""
        purge_at = anyio.current_time()
        while True:
            if anyio.current_time() >= purge_at:
                purge_at += _HOUR_S
                try:
                    await self._store.purge()
                except TheoError as error:
                    log.warning("What has expired stays in the store: %s", error)
            with anyio.move_on_after(_RETRY_S if self._failing else _HOUR_S):
                await self._news.wait()
            await anyio.sleep(_LINGER_S)
            self._news = anyio.Event()
            await self.save()

    async def save(self) -> None:
        """Writes all that is not saved yet, in one step; or one by one, where that fails, so that a run which cannot be
        written costs no other. What cannot be written is tried again with the next."""
        if await self._written(list(self._unsaved)) is None:
            self._failing = False
            return
        failing = False
        for key in list(self._unsaved):
            if (error := await self._written([key])) is not None:
                log.warning("A run is in memory only: %s", error)
                failing = True
        self._failing = failing

    async def _written(self, keys: list[Key]) -> TheoError | None:
        """Writes these runs, as far as they are not saved yet; what went wrong, if it did."""
        changes = {key: self._unsaved[key] for key in keys if key in self._unsaved}  # closing saves beside the task
        if not changes:
            return None
        dropped = self._dropped & changes.keys()
        try:
            await self._store.put_all(self._kind, [entry for key in changes if (entry := self._entry(key)) is not None])
        except TheoError as error:
            return error
        self._dropped -= dropped
        for key, count in changes.items():
            if self._unsaved.get(key) == count:
                del self._unsaved[key]
        self._saved()
        return None

    async def read(self, handle: str, owner: str) -> Status | None:
        """What the store has of a run.

        A process stores how its runs ended before it gives up its mark; so a second look, after one at the mark, is
        conclusive.

        Raises:
            StoreError: the store cannot be read.
        """
        for conclusive in (False, True):
            value = await self._store.get(self._kind, handle, owner=owner)
            if value is None:
                return None
            status, process = _restored(value)
            if status.ended or (process != self._mark.token and self._mark.lives(process)):
                return status
            if conclusive:
                break
        why = stopped("interrupted", billed=status.billable, request_id=status.request_id, job_id=status.job_id)
        return replace(status, state="interrupted", failure=why)

    async def clear(self) -> Cleared:
        """Removes the runs of every owner that have ended.

        Raises:
            StoreError: the store cannot be written.
        """
        return Cleared(await self._store.contents.clear(self._kind, spared=self._at_work), self._mark.others())

    def _at_work(self, value: JsonValue) -> bool:
        try:
            status, process = _restored(value)
        except StoreError:
            return False
        return not status.ended and (process == self._mark.token or self._mark.lives(process))

    async def handles(self, owner: str, limit: int) -> list[str]:
        """The owner's handles in the store, the last started first.

        Raises:
            StoreError: the store cannot be read.
        """
        return [entry.key for entry in await self._store.entries(self._kind, owner=owner, limit=limit)]

    def _entry(self, key: Key) -> Put | None:
        """What is to be written of a run: nothing where memory was full while the store failed."""
        owner, handle = key
        if key in self._dropped:
            return Put(handle, None, owner)
        status = self._status_of(key)
        if status is None:
            return None
        failure: dict[str, JsonValue] | None = asdict(status.failure) if status.failure else None
        value = {**vars(status), "failure": failure, "process": self._mark.token}
        return Put(handle, value, owner, status.expires_at or status.created_at + _UNFINISHED_S)


def _restored(value: JsonValue) -> tuple[Status, str]:
    """The status that `Archive` wrote, and the token of the process that wrote it."""
    try:
        if not isinstance(value, dict):
            raise TypeError
        result, text = value.get("result"), value.get("text")  # the validator refuses lone surrogates in them
        status = _reader().validate_python({**value, "result": None, "text": ""})
        return replace(status, result=result, text=text if isinstance(text, str) else ""), str(value.get("process"))
    except (TypeError, ValidationError):
        raise StoreError("What the store has of this run is damaged.", hint="Start it again.") from None


@functools.cache
def _reader() -> TypeAdapter[Status]:
    return TypeAdapter(Status)
