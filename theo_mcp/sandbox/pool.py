"""`Sandbox`: gives each job a child, keeps a few children warm between jobs, and never runs more than some at once."""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import anyio

from theo_mcp.sandbox import faults
from theo_mcp.sandbox.child import Child, IdleExitError, Kind
from theo_mcp.sandbox.job import Job, Limits, Result
from theo_mcp.sandbox.setup import Setup, import_path, readable_paths

T = TypeVar("T")

_FUNCTION: Final = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_]\w*")
_NAME: Final = re.compile(r"[A-Za-z_]\w{0,80}")
_DEFAULT: Final = Limits()
_CLOSE_LIMIT_S: Final = 5.0


class Sandbox:
    """Runs jobs; close it with `aclose` or as a context manager.

    Args:
        concurrency: how many jobs run at once; the others wait. Default: as many as there are cores, at most 4.
        warm: how many idle children are kept for one set of modules and limits.
        warm_in_all: how many idle children are kept together; the one that rested longest goes first.
        idle_seconds: after how long an idle child ends.
        jobs_per_child: after how many jobs a child is replaced.
        recycle_bytes: above how much memory in use, after a job, a child is replaced.
        readable: files and folders that jobs may read besides the system's libraries and our code.
        allow: the packages that functions may come from; `path` is where else those are imported from. For tests.
    """

    def __init__(
        self,
        *,
        concurrency: int | None = None,
        warm: int = 2,
        warm_in_all: int = 4,
        idle_seconds: float = 60.0,
        jobs_per_child: int = 100,
        recycle_bytes: int = 256 << 20,
        readable: Sequence[Path] = (),
        allow: Sequence[str] = ("theo_mcp",),
        path: Sequence[Path] = (),
    ) -> None:
        imports = import_path(path)
        self._setup = Setup(imports, readable_paths(imports, readable), idle_seconds, jobs_per_child, recycle_bytes)
        self._places = anyio.Semaphore(concurrency or min(_cores(), 4))
        self._warm = warm
        self._warm_in_all = warm_in_all
        self._allow = tuple(allow)
        self._idle: list[Child] = []  # the one that rested longest first
        self._running: set[anyio.CancelScope] = set()
        self._quiet = anyio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def run(self, job: Job, *, limits: Limits = _DEFAULT, within: float | None = None) -> Result:
        """Runs `job`, after those that wait already; `within` is the time in seconds for waiting and running together.

        Raises:
            SandboxError: see its codes.
            InputError, NotAvailableError: raised by the job itself.
            ValueError: the job is not one of ours, or its arguments are not what they should be.
        """
        job = self._checked(job)
        return await self._while_open(lambda: self._run(job, Kind(job.modules, limits)), within)

    async def warm(self, modules: tuple[str, ...], *, limits: Limits = _DEFAULT) -> frozenset[str]:
        """Has a child with `modules` at rest, for jobs with the same modules and limits; says what confines it.

        The words are ``limits``, ``files``, ``network`` and ``processes``, each where the platform has it.

        Raises:
            SandboxError: it cannot be started.
        """
        return await self._while_open(lambda: self._ready(Kind(modules, limits)), None)

    async def aclose(self) -> None:
        """Ends all children; jobs that run or wait fail with ``sandbox_closed``. A second call does nothing."""
        self._closed = True
        with anyio.CancelScope(shield=True), anyio.move_on_after(_CLOSE_LIMIT_S):
            for scope in self._running:
                scope.cancel()
            async with anyio.create_task_group() as tasks:
                while self._idle:
                    tasks.start_soon(self._idle.pop().end)
            while self._running:
                await self._quiet.wait()

    async def _while_open(self, work: Callable[[], Awaitable[T]], within: float | None) -> T:
        if self._closed:
            raise faults.closed()
        deadline = math.inf if within is None else anyio.current_time() + within
        with anyio.CancelScope(deadline=deadline) as scope:
            self._running.add(scope)
            try:
                async with self._places:
                    return await work()
            finally:
                self._running.discard(scope)
                if self._closed and not self._running:
                    self._quiet.set()
        raise faults.closed() if self._closed or within is None else faults.busy(within)

    async def _run(self, job: Job, kind: Kind) -> Result:
        while True:
            child = await self._take(kind, unused=job.alone)
            try:
                return await child.serve(job)
            except IdleExitError:
                continue
            finally:
                await self._give_back(child)

    async def _ready(self, kind: Kind) -> frozenset[str]:
        child = await self._take(kind, unused=False)
        await self._give_back(child)
        return child.confined

    async def _take(self, kind: Kind, *, unused: bool) -> Child:
        """The child that worked last, as its memory is at hand; a new one where none rests."""
        await self._end([each for each in self._idle if not each.usable])
        for child in reversed(self._idle):
            if child.kind == kind and not (unused and child.served):
                self._idle.remove(child)
                return child
        return await Child.start(kind, self._setup)

    async def _give_back(self, child: Child) -> None:
        if not child.usable or self._closed:
            await child.end()
            return
        self._idle.append(child)
        same = [each for each in self._idle if each.kind == child.kind]
        if len(same) > self._warm:
            await self._end(same[:1])
        elif len(self._idle) > self._warm_in_all:
            await self._end(self._idle[:1])

    async def _end(self, children: list[Child]) -> None:
        for child in children:  # nobody else may take them from here on
            self._idle.remove(child)
        for child in children:
            await child.end()

    def _checked(self, job: Job) -> Job:
        if not _FUNCTION.fullmatch(job.function) or job.function.split(":")[0].split(".")[0] not in self._allow:
            raise ValueError(f"{job.function[:80]!r} is not a function that a sandbox may run")
        names = [*job.inputs, *job.options]
        for name in names:
            if not _NAME.fullmatch(name) or names.count(name) > 1:
                raise ValueError(f"{name[:80]!r} is not the name of one argument")
        try:
            options = json.loads(json.dumps(dict(job.options), allow_nan=False))
        except TypeError as error:
            raise ValueError(f"the options of {job.function} are not JSON: {error}") from None
        return replace(job, options=options)


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
