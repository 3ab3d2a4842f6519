"""Where work of the engine goes on that outlives its call: a task group that is open as long as its backend is.

A backend that is closed but was never entered has none; then whatever needs one says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from theo_mcp.meanwhile import meanwhile

if TYPE_CHECKING:
    from anyio.abc import TaskGroup


class Background:
    """The tasks of one backend. Leaving `open` cancels them and waits until they have ended."""

    def __init__(self) -> None:
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with meanwhile() as self._tasks:
            try:
                yield
            finally:
                self._tasks = None

    def start(self, work: Callable[[], Coroutine[object, object, None]]) -> bool:
        """Starts `work`, which raises nothing; whether there is a place for it."""
        if self._tasks is None:
            return False
        self._tasks.start_soon(work)
        return True
