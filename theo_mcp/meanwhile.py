"""Tasks that go on for as long as a body runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def meanwhile() -> AsyncIterator[TaskGroup]:
    """A task group that is cancelled when the body ends. What the body raises comes out as itself, not in a group."""
    raised: BaseException | None = None
    try:
        async with anyio.create_task_group() as tasks:
            try:
                yield tasks
            except anyio.get_cancelled_exc_class():
                raise
            except BaseException as error:
                raised = error
            tasks.cancel_scope.cancel()
    finally:  # also where the group is cancelled from outside, or one of its tasks fails at its end
        if raised is not None:
            raise raised
