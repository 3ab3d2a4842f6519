"""Work that may outlive the call that began it: MCP handles, jobs of the language server, jobs of the engine.

A run lives in the task group of a registry, which lives as long as its server. It ends by itself, by `Run.cancel`, or
with the registry, and is then `interrupted`. With a store, a handle still answers in the next process, and a run whose
process died reads as interrupted as well; whether a process lives, a lock file tells (`theo_mcp.runs.alive`).

A run is its owner's: a handle that is unknown, has expired or is someone else's gets the same answer. A store that
fails costs no run: it goes on in memory. Results lie in the store until they expire. Nothing here retries, and no run
moves to another process.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, Self, TypeAlias

import anyio
from anyio.abc import TaskGroup
from pydantic import JsonValue

from theo_mcp.errors import NotAvailableError, NotFoundError, StoreError
from theo_mcp.runs.alive import Mark
from theo_mcp.runs.archive import Archive, Cleared, Key
from theo_mcp.runs.failure import Failure, clean, stopped
from theo_mcp.runs.record import Record, State, Status
from theo_mcp.runs.run import Report, Run
from theo_mcp.store import Store

__all__ = ["Cleared", "Failure", "Limits", "Report", "Run", "Runs", "State", "Status", "Work"]

Work: TypeAlias = Callable[[Report], Awaitable[JsonValue]]
RunKind: TypeAlias = Literal["runs", "jobs"]

_OVERHEAD_BYTES = 2048  # of a run without result and text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How much one registry holds."""

    unfinished: int = 16
    """Runs of one owner that have not ended; more are refused."""
    running: int = 32
    """Runs at work at once; more are queued."""
    finished: int = 100
    """Runs of one owner that have ended; the oldest give way."""
    memory_bytes: int = 64 * 2**20
    """Results and texts in memory; the oldest are then only in the store, and gone where there is none."""
    closing_s: float = 2.0
    """How long the end waits for runs to stop, and again for the store."""


@dataclass
class _Kept:
    record: Record
    run: Run
    scope: anyio.CancelScope
    lifetime_s: float
    size: int = field(default=_OVERHEAD_BYTES)


class Runs:
    """The registry. Everything of it happens in the event loop that opened it."""

    def __init__(self, tasks: TaskGroup, kind: RunKind, limits: Limits, clock: Callable[[], float]) -> None:
        self._tasks = tasks
        self._prefix = kind.removesuffix("s")
        self._limits = limits
        self._clock = clock
        self._slots = anyio.CapacityLimiter(limits.running)
        self._runs: dict[Key, _Kept] = {}
        self._ended: dict[Key, _Kept] = {}  # the first to end first
        self._unfinished: Counter[str] = Counter()
        self._finished: Counter[str] = Counter()
        self._size = 0  # of those that have ended
        self._expiry = math.inf  # of the first of them
        self._closing = False
        self._archive: Archive | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        store: Store | None = None,
        *,
        kind: RunKind = "runs",
        limits: Limits = Limits(),
        clock: Callable[[], float] = time.time,
    ) -> AsyncIterator[Self]:
        """A registry for as long as the ``with``; leaving it stops what runs and stores it as interrupted. Those of
        one `kind` do not know of the other's runs.

        Work that does not let itself be cancelled is recorded as interrupted all the same, and then waited for.

        Raises:
            StoreError: beside the store no lock can be held.
        """
        mark = Mark(store.path) if store is not None else None
        failure: Exception | None = None
        try:
            async with anyio.create_task_group() as tasks:
                runs = cls(tasks, kind, limits, clock)
                if store is not None and mark is not None:
                    runs._archive = Archive(store, mark, kind=kind, status_of=runs._status_of, saved=runs._trim)
                    tasks.start_soon(runs._archive.keep_saving)
                try:
                    yield runs
                except Exception as error:  # so that it comes out as it is, and not in a group
                    failure = error
                finally:
                    await runs._close()
                    tasks.cancel_scope.cancel()
        finally:
            if mark is not None:
                mark.release()
        if failure is not None:
            raise failure

    def start(self, work: Work, *, title: str, owner: str, billable: bool = False, lifetime_s: float = 3600.0) -> Run:
        """Starts `work` and returns at once; `billable` is a call whose answer is paid for once it is sent.

        What `work` returns is JSON and is not changed afterwards. It can be had for `lifetime_s` after the end.

        Raises:
            NotAvailableError: the owner has too many runs that have not ended, or the registry is closing.
        """
        if self._closing:
            raise NotAvailableError("The server is ending and starts nothing new.", code="closing")
        unfinished = self._unfinished[owner]
        if unfinished >= self._limits.unfinished:
            raise NotAvailableError(
                f"{unfinished} runs have not ended yet, which is the limit.",
                code="too_many_runs",
                hint="Wait for one of them by its handle, or cancel one.",
                retryable=True,
            )
        self._trim()
        key = (owner, f"{self._prefix}_{secrets.token_urlsafe(16)}")
        record = Record(Status(key[1], clean(title), self._clock(), billable), important=partial(self._changed, key))
        scope = anyio.CancelScope()
        kept = self._runs[key] = _Kept(record, Run(record, stop=scope.cancel), scope, lifetime_s)
        self._unfinished[owner] += 1
        self._changed(key)
        self._tasks.start_soon(self._carry_out, key, kept, work)
        return kept.run

    async def find(self, handle: str, *, owner: str) -> Run:
        """The owner's run with this handle, wherever it runs or ran.

        Raises:
            NotFoundError: there is none; it has expired; it is someone else's. The sentence is the same.
            StoreError: the store cannot be read.
        """
        self._trim()
        kept = self._runs.get((owner, handle))
        if kept is not None:
            return kept.run
        status = await self._stored(handle, owner)
        return Run(Record(status), look=partial(self._stored, handle, owner))

    async def save(self) -> None:
        """Stores now what is not stored yet, for whoever is told a handle that must outlive this process."""
        if self._archive is not None:
            await self._archive.save()

    async def clear(self) -> Cleared:
        """Removes the runs of every owner that have ended from the store, from no memory; or raises `StoreError`."""
        return await self._archive.clear() if self._archive is not None else Cleared()

    async def listed(self, *, owner: str, limit: int = 20) -> list[Run]:
        """The owner's runs, the last started first, wherever they run or ran.

        Raises:
            StoreError: the store cannot be read.
        """
        handles = await self._archive.handles(owner, limit) if self._archive is not None else []
        handles += [handle for whose, handle in self._runs if whose == owner and handle not in handles]
        found = []
        for handle in handles:
            try:
                found.append(await self.find(handle, owner=owner))
            except NotFoundError:
                continue  # it has expired meanwhile
            except StoreError as error:
                log.warning("A run is left out of the list: %s", error)
        return sorted(found, key=lambda run: run.status.created_at, reverse=True)[:limit]

    async def _carry_out(self, key: Key, kept: _Kept, work: Work) -> None:
        record = kept.record
        try:
            with kept.scope:
                async with self._slots:
                    record.change(replace(record.facts, state="running"))
                    result = await work(Report(record))
                    kept.size += len(json.dumps(result, allow_nan=False))  # what is no JSON fails the run here
                    self._end(kept, "done", result=result)
        except (Exception, SystemExit) as error:
            if not kept.scope.cancel_called:
                self._end(kept, "failed", failure=Failure.of(error))
        except anyio.get_cancelled_exc_class() as error:
            if anyio.current_effective_deadline() == -math.inf:
                raise
            # nobody cancelled: it leaked out of the work, and would end the whole group
            self._end(kept, "failed", failure=Failure.of(error))
        finally:
            self._stop(kept, "cancelled" if kept.scope.cancel_called and not self._closing else "interrupted")
            kept.size += len(record.text) + len(record.facts.failure.partial if record.facts.failure else "")
            self._unfinished[key[0]] -= 1
            self._finished[key[0]] += 1
            self._ended[key] = kept
            self._size += kept.size
            self._expiry = min(self._expiry, record.facts.expires_at or math.inf)
            self._trim()

    def _end(self, kept: _Kept, state: State, *, result: JsonValue = None, failure: Failure | None = None) -> None:
        now, facts = self._clock(), kept.record.facts
        if state == "done":
            kept.record.forget_text()
        kept.record.change(
            replace(
                facts,
                state=state,
                result=result,
                failure=failure,
                request_id=(failure and failure.request_id) or facts.request_id,
                job_id=(failure and failure.job_id) or facts.job_id,
                ended_at=now,
                expires_at=now + kept.lifetime_s,
            )
        )

    def _stop(self, kept: _Kept, state: Literal["cancelled", "interrupted"]) -> None:
        """Ends a run that has not ended by itself."""
        facts = kept.record.facts
        if not facts.ended:
            billed = facts.billable and facts.sent
            why = stopped(state, billed=billed, request_id=facts.request_id, job_id=facts.job_id)
            self._end(kept, state, failure=why)

    async def _stored(self, handle: str, owner: str) -> Status:
        status = await self._archive.read(handle, owner) if self._archive is not None else None
        if status is None:
            raise NotFoundError(
                "There is no run with this handle.",
                hint="It may have expired. Check the handle, or start the work again.",
            )
        return status

    def _status_of(self, key: Key) -> Status | None:
        """What is worth storing: the text so far only of a run that has ended without a result."""
        kept = self._runs.get(key)
        if kept is None:
            return None
        return kept.run.status if kept.run.ended else kept.record.facts

    def _changed(self, key: Key) -> None:
        if self._archive is not None:
            self._archive.save_soon(key)

    def _trim(self) -> None:
        """Forgets what has expired and what is too much, the oldest first."""
        now = self._clock()
        if self._expiry <= now:
            for key, kept in list(self._ended.items()):
                if (kept.record.facts.expires_at or math.inf) <= now:
                    self._forget(key)
            self._expiry = min(
                (kept.record.facts.expires_at or math.inf for kept in self._ended.values()), default=math.inf
            )
        for owner in [owner for owner, count in self._finished.items() if count > self._limits.finished]:
            of_owner = [key for key in self._ended if key[0] == owner]
            for key in of_owner[: len(of_owner) - self._limits.finished]:
                self._forget(key)
                if self._archive is not None:
                    self._archive.delete_soon(key)
        if self._size > self._limits.memory_bytes:
            for key in list(self._ended)[:-1]:  # the newest stays, however large
                if self._size > self._limits.memory_bytes and not (self._archive and self._archive.awaits(key)):
                    self._forget(key)

    def _forget(self, key: Key) -> None:
        """Memory has it no more."""
        self._size -= self._ended.pop(key).size
        self._finished[key[0]] -= 1
        del self._runs[key]

    async def _close(self) -> None:
        self._closing = True
        live = [kept for kept in self._runs.values() if not kept.run.ended]
        for kept in live:
            kept.scope.cancel()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(self._limits.closing_s):
                for kept in live:
                    await kept.run.wait(self._limits.closing_s)
            for kept in live:
                self._stop(kept, "interrupted")
            if self._archive is not None:
                with anyio.move_on_after(self._limits.closing_s):
                    await self._archive.save()
