"""What the tools of one server share: the user's files, the work that outlives a call, and the sandbox.

Nothing is opened before it is needed, so that a server which only lists its tools starts at once and leaves no trace.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

import anyio
from anyio import to_thread

from theo_mcp.errors import ConfigError, NotAvailableError, StoreError
from theo_mcp.server.changes import Changes
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.runs import Run, Runs
    from theo_mcp.sandbox import Sandbox
    from theo_mcp.workspace import Workspace

RoomT = TypeVar("RoomT")

LOCAL = "local"
"""The owner of what is made over stdin and on the command line: whoever owns the data folder."""

_MOST_RUNS = 1_000

log = logging.getLogger(__name__)


class Rooms:
    """The rooms that `settings` describe. `open` must be entered before `runs` and `sandbox` are asked for."""

    def __init__(self, settings: Settings | ConfigError, *, owner: str = LOCAL) -> None:
        self.settings = Settings() if isinstance(settings, ConfigError) else settings
        self.owner = owner
        self.notice = ""
        """What is missing: why results are kept in memory only."""
        self.unheard = ""
        """What was set and could not be followed."""
        self.told_of_project = ""
        """The digest of the project's file whose remarks have been told."""
        self.changes = Changes()
        self._runs = _Late(self._open_runs)
        self._sandbox = _Late(_open_sandbox)

    @cached_property
    def workspace(self) -> Workspace:
        from theo_mcp.workspace import Workspace

        return Workspace(self.settings)

    async def runs(self) -> Runs:
        """The registry of work that may outlive its call."""
        return await self._runs.room()

    async def listed_runs(self) -> list[Run]:
        """The owner's runs that can still be read, the last started first. No store is made for that.

        Raises:
            StoreError: the store cannot be read.
        """
        if not self._runs.wanted and not await to_thread.run_sync(self._stored):
            return []
        runs = await self.runs()
        return await runs.listed(owner=self.owner, limit=_MOST_RUNS)

    async def sandbox(self) -> Sandbox:
        """Children for what parses and renders."""
        return await self._sandbox.room()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """For as long as the server lives. Leaving it stops what runs, and records it."""
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            for late in (self._runs, self._sandbox):
                tasks.start_soon(late.keep)
            tasks.start_soon(self.changes.keep)
            try:
                yield
            except Exception as error:  # so that it comes out as it is, and not in a group
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def _stored(self) -> bool:
        from theo_mcp.store import FILE

        store = self.settings.data_dir / FILE
        return self.settings.keep_results_s > 0 and os.path.exists(store)  # noqa: PTH110 - which raises nothing

    @asynccontextmanager
    async def _open_runs(self) -> AsyncIterator[Runs]:
        from theo_mcp.runs import Limits, Runs

        limits = Limits(unfinished=256, running=128, finished=200, closing_s=0.4)
        if self.settings.keep_results_s <= 0:
            async with Runs.open(limits=limits) as runs:
                yield runs
            return
        from theo_mcp.store import FILE, Store

        opened = False
        try:
            async with (
                Store.open(self.settings.data_dir / FILE) as store,
                Runs.open(store, limits=limits) as runs,
            ):
                opened = True
                yield runs
                return
        except StoreError as error:
            if opened:
                raise
            self.notice = f"Results are kept in memory only: {error}"
            log.warning("%s", self.notice)
        async with Runs.open(limits=limits) as runs:
            yield runs


class _Late(Generic[RoomT]):
    """A room that is opened at its first use, in a task of its own: what holds a task group must be left by the task
    that entered it."""

    def __init__(self, open: Callable[[], AbstractAsyncContextManager[RoomT]]) -> None:
        self._open = open
        self._wanted, self._ready = anyio.Event(), anyio.Event()
        self._room: RoomT | None = None
        self._failure: Exception | None = None

    @property
    def wanted(self) -> bool:
        """Whether somebody asked for it."""
        return self._wanted.is_set()

    async def keep(self) -> None:
        """Opens the room once somebody wants it, and holds it until this task is cancelled."""
        try:
            await self._wanted.wait()
            async with self._open() as self._room:
                self._ready.set()
                await anyio.sleep_forever()
        except Exception as error:
            self._failure = error
            log.exception("A room could not be opened.")
        finally:
            self._room = None
            self._ready.set()

    async def room(self) -> RoomT:
        self._wanted.set()
        await self._ready.wait()
        if self._room is None:
            raise self._failure or NotAvailableError("The server is ending and starts nothing new.", code="closing")
        return self._room


@asynccontextmanager
async def _open_sandbox() -> AsyncIterator[Sandbox]:
    from theo_mcp.sandbox import Sandbox

    async with Sandbox() as sandbox:
        yield sandbox
