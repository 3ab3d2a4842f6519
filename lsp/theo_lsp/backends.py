"""The backend of the settings as they are now; one that newer settings replaced closes when its last run has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from theo_mcp.backend import Backend, Spent
from theo_mcp.errors import ConfigError
from theo_mcp.meanwhile import meanwhile
from theo_mcp.settings import Settings

_SETTLE_S = 6.0


@dataclass
class _Shared:
    backend: Backend
    users: int = 0
    replaced: bool = False
    open: anyio.Event = field(default_factory=anyio.Event)
    over: anyio.Event = field(default_factory=anyio.Event)
    closed: anyio.Event = field(default_factory=anyio.Event)

    async def keep(self) -> None:
        """Has the backend open until it is over: entered and left by one task, as its own tasks need. The end of the
        server stops its runs, which then end it."""
        try:
            with anyio.CancelScope(shield=True):
                async with self.backend:
                    self.open.set()
                    await self.over.wait()
        finally:
            self.open.set()
            self.closed.set()


class Backends:
    """Nothing behind a backend is imported, contacted or started before the first run."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._settings: Settings | ConfigError = ConfigError("There are no settings yet.")
        self._shared: _Shared | None = None
        self._settled = anyio.Event()
        self._telling = 0
        self._spent = Spent()
        """Of all of them: other settings do not begin another session."""

    @property
    def settings(self) -> Settings:
        """The settings as they are now; the defaults where they could not be read."""
        return Settings() if isinstance(self._settings, ConfigError) else self._settings

    async def settled(self) -> None:
        """Waits until the editor has told its settings, or takes too long for it."""
        with anyio.move_on_after(_SETTLE_S):
            await self._settled.wait()

    def unsettle(self) -> None:
        """The editor begins to tell settings; runs wait for them until as many calls of `settle` have followed."""
        self._telling += 1
        if self._settled.is_set():
            self._settled = anyio.Event()

    def settle(self) -> None:
        """The editor has told what it will tell for now."""
        self._telling -= 1
        if self._telling == 0:
            self._settled.set()

    async def use(self, settings: Settings | ConfigError) -> None:
        """From now on runs begin with `settings`. Those that could not be read fail each run with their sentence."""
        old, self._shared, self._settings = self._shared, None, settings
        if old is not None:
            old.replaced = True
            await self._close(old)

    @asynccontextmanager
    async def current(self) -> AsyncIterator[Backend]:
        """The backend for one run."""
        from theo_mcp.connection import connect

        unlocked: object = None
        while isinstance(self._settings, Settings) and self._settings.keyring and self._settings is not unlocked:
            unlocked = self._settings  # it may ask its user, who may have changed the settings meanwhile
            await anyio.to_thread.run_sync(self._settings.unlock, abandon_on_cancel=True)
        if self._shared is None:
            self._shared = _Shared(connect(self._settings, self._spent))
            self._tasks.start_soon(self._shared.keep)
        shared = self._shared
        shared.users += 1
        try:
            await shared.open.wait()
            yield shared.backend
        finally:
            shared.users -= 1
            if shared.replaced:
                await self._close(shared)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Self]:
        """The backends for as long as the ``with``, whose runs have left them at its end."""
        async with meanwhile() as tasks:
            backends = cls(tasks)
            try:
                yield backends
            finally:
                backends._end()

    def _end(self) -> None:
        last, self._shared = self._shared, None
        if last is not None:
            last.replaced = True
            if last.users == 0:
                last.over.set()

    async def _close(self, shared: _Shared) -> None:
        if shared.users == 0:
            shared.over.set()
            await shared.closed.wait()
