"""The engine's long work, on `theo_mcp.runs`: begun at once, asked for by its id, and still known after a restart.

A job belongs to the process that began it. If that process ends, the job reads as failed in the next, with a sentence
that says so; it is never begun a second time by itself, because it may have cost something.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import anyio
from pydantic import JsonValue

from theo_mcp.backend import Caller, ObserveJob
from theo_mcp.engine.background import Background
from theo_mcp.engine.deadline import within
from theo_mcp.engine.memory.audit import Request
from theo_mcp.engine.memory.place import Place
from theo_mcp.errors import (
    InputError,
    NotAvailableError,
    NotFoundError,
    ServiceError,
    StoreError,
    TimeoutExceededError,
)
from theo_mcp.runs import Limits, Report, Run, Runs, Status
from theo_mcp.settings import Settings
from theo_mcp.wire.jobs import Job, JobStarted
from theo_mcp.wire.model import Extension
from theo_mcp.wire.parts import Usage

JobKind: TypeAlias = Literal["research", "video"]
JobWork: TypeAlias = Callable[[Report], Awaitable[dict[str, JsonValue]]]
"""Its result is the job's; what stands under ``usage`` there is what it used."""

_LIMITS: Final = Limits(unfinished=16, running=4, finished=200, closing_s=0.4)
_PREFIX: Final[dict[JobKind, str]] = {"research": "res", "video": "vid"}
_STATUS: Final = {"queued": "queued", "running": "active", "done": "completed"}  # whatever else it is, it failed
_UNTIL_END_S: Final = 3600.0  # how long memory has what is not kept on disk

log = logging.getLogger(__name__)


class Jobs:
    """The jobs of one engine."""

    def __init__(self, settings: Settings, place: Place, background: Background) -> None:
        self._settings = settings
        self._place = place
        self._background = background
        self._notice = ""
        self._runs: Runs | None = None
        self._opening: anyio.Event | None = None
        self._begun: dict[str, Request] = {}
        """Those whose job is still in the queue."""

    async def start(self, kind: JobKind, work: JobWork, noted: Request, title: str) -> JobStarted:
        """Begins `work` and returns as soon as that is stored; the request is noted when the job ends. `title` is shown
        beside the job, so it is no prompt.

        Raises:
            NotAvailableError: the backend is not open, so no work can go on in it.
            ServiceError: the caller has too many jobs that have not ended (``queue_unavailable``).
        """
        runs = await self._opened()
        seconds = self._settings.job_timeout_s

        async def limited(report: Report) -> JsonValue:
            with noted.under_way(job=True), within(seconds):
                self._begun.pop(noted.id, None)
                result = await work(report)
                noted.done(_used(result), model=_named(result, "model"), engine=_named(result, "engine"))
                return result

        try:
            run = runs.start(
                limited,
                title=f"{kind} {title}",
                owner=noted.caller.tenant,
                lifetime_s=self._settings.keep_results_s or _UNTIL_END_S,
            )
        except NotAvailableError as error:
            raise ServiceError(
                error.message, code="queue_unavailable", hint="Wait until one of the jobs has ended.", retryable=True
            ) from None
        noted.by_job = True
        self._begun[noted.id] = noted
        await runs.save()
        return JobStarted(
            id=f"{_PREFIX[kind]}_{run.handle.removeprefix('job_')}",
            job_id=run.handle,
            status="queued",
            created=_written(run.status.created_at),
            poll_url=f"/api/v1/jobs/{run.handle}",
            theo_mcp=Extension(backend="engine", notice=self._notice),
        )

    async def job(self, job_id: str, caller: Caller) -> Job:
        """How a job of this caller stands.

        Raises:
            NotFoundError: there is none; it has expired; it is someone else's. The sentence is the same.
            StoreError: what is kept cannot be read.
        """
        return _job(job_id, (await self._find(job_id, caller)).status)

    async def wait(self, job_id: str, caller: Caller, *, deadline_s: float, observe: ObserveJob | None) -> Job:
        """The job once it has ended well.

        Raises:
            InputError: the time makes no sense.
            ServiceError: the job failed.
            TimeoutExceededError: it has not ended by the deadline; it goes on.
            NotFoundError, StoreError: as for `job`.
        """
        if not (math.isfinite(deadline_s) and deadline_s > 0):
            raise InputError("A wait takes a deadline_s above 0.", job_id=job_id)
        run = await self._find(job_id, caller)
        with anyio.move_on_after(deadline_s):
            async for status in run.changes():
                if observe is not None:
                    observe(_job(job_id, status))
        if not run.ended:
            raise TimeoutExceededError(
                f"The job did not end within {deadline_s:g} s.",
                hint=f"It goes on here. The job is {job_id}; ask again with its id.",
                retryable=True,
                job_id=job_id,
            )
        job = _job(job_id, run.status)
        if (failure := run.status.failure) is not None:
            raise ServiceError(
                f"The job failed: {failure.message}",
                code=failure.code,
                hint=failure.hint or "Start it again.",
                job_id=job_id,
                partial=run.status.text,
            )
        return job

    async def _find(self, job_id: str, caller: Caller) -> Run:
        try:
            if self._runs is None and await self._place.found() is None:
                raise NotFoundError("")
            return await (await self._opened()).find(job_id, owner=caller.tenant)
        except NotFoundError:
            raise NotFoundError(
                "There is no job with this id.", hint="It may have expired. Check the id, or start the work again."
            ) from None

    async def _opened(self) -> Runs:
        if self._runs is None:
            if self._opening is None:  # else another caller, who may have left meanwhile, has it opened
                opening = anyio.Event()
                if not self._background.start(lambda: self._keep(opening)):
                    raise NotAvailableError(
                        "This backend was not entered, so no job can go on in it.",
                        code="not_open",
                        hint="Use it in a block: `async with connect(settings) as backend`.",
                    )
                self._opening = opening
            await self._opening.wait()
        if self._runs is None:
            raise NotAvailableError("The engine is ending and starts nothing new.", code="closing")
        return self._runs

    async def _keep(self, ready: anyio.Event) -> None:
        """Holds the registry until the backend is left; a task of its own, because a task group is left by the task
        that entered it."""
        try:
            async with self._registry() as self._runs:
                ready.set()
                await anyio.sleep_forever()
        finally:
            self._runs = self._opening = None
            ready.set()
            while self._begun:
                self._begun.popitem()[1].end()

    @asynccontextmanager
    async def _registry(self) -> AsyncIterator[Runs]:
        """With the store, where results are kept and it can be opened; else in memory."""
        if self._settings.keep_results_s > 0:
            opened = False
            try:
                async with Runs.open(await self._place.store(), kind="jobs", limits=_LIMITS) as runs:
                    opened = True
                    yield runs
                    return
            except StoreError as error:
                if opened:
                    raise
                self._notice = f"This job is kept in memory only: {error}"
                log.warning("Jobs are kept in memory only: %s", error)
        async with Runs.open(limits=_LIMITS) as runs:
            yield runs


def _job(job_id: str, status: Status) -> Job:
    failure = status.failure
    done = status.state == "done"
    return Job(
        id=job_id,
        type=status.title.partition(" ")[0],
        status=_STATUS.get(status.state, "failed"),
        progress=100.0 if done else round(100 * (status.fraction or 0.0), 1),
        result=status.result,
        error={"message": str(failure.message), "code": failure.code} if failure else None,
        created_at=_written(status.created_at),
        completed_at=_written(status.ended_at) if status.ended_at is not None else "",
        usage=_used(status.result),
        theo_mcp=Extension(backend="engine"),
    )


def _used(result: JsonValue) -> Usage:
    """What a result says that it used."""
    used = result.get("usage") if isinstance(result, dict) else None
    return Usage.model_validate(used) if isinstance(used, dict) else Usage()


def _named(result: JsonValue, name: str) -> str:
    return str(result.get(name) or "") if isinstance(result, dict) else ""


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
