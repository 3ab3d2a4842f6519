"""What the engine remembers between calls: conversations, jobs, what was used, what was made, and whole answers."""

from __future__ import annotations

from contextlib import AsyncExitStack

from theo_mcp.engine.background import Background
from theo_mcp.engine.memory.jobs import Jobs
from theo_mcp.engine.memory.place import Place
from theo_mcp.settings import Settings


class Memory:
    """The memory of one engine; nothing is opened before there is something to keep or to read."""

    def __init__(self, settings: Settings, background: Background) -> None:
        self._place = Place(settings)
        self.jobs = Jobs(settings, self._place, background)

    async def aclose(self) -> None:
        """Closes what was opened."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._place.aclose)
