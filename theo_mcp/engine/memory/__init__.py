"""What the engine remembers between calls: conversations, jobs, what was used, what was made, and whole answers."""

from __future__ import annotations

from contextlib import AsyncExitStack

from theo_mcp.engine.background import Background
from theo_mcp.engine.memory.account import Account
from theo_mcp.engine.memory.audit import AUDIT_BYTES, Audit
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.cache import Cache
from theo_mcp.engine.memory.conversations import Conversations
from theo_mcp.engine.memory.history import History
from theo_mcp.engine.memory.jobs import Jobs
from theo_mcp.engine.memory.place import Place
from theo_mcp.settings import Settings
from theo_mcp.store import Kind


class Memory:
    """The memory of one engine; nothing is opened before there is something to keep or to read."""

    def __init__(self, settings: Settings, background: Background) -> None:
        self.place = place = Place(settings)
        caps: dict[Kind, int] = {"cache": settings.cache_bytes, "audit": AUDIT_BYTES}
        self.behind = behind = Behind(place, background, caps=caps, keeps_sums=settings.keep_results_s > 0)
        self.conversations = Conversations(settings, place, behind)
        self.cache = Cache(settings, place, behind)
        self.audit = Audit(settings, place, behind)
        self.account = Account(place, behind, self.audit)
        self.history = History(settings, place, behind)
        self.jobs = Jobs(settings, place, background)

    async def aclose(self) -> None:
        """Writes what waits, and closes what was opened."""
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            stack.push_async_callback(self.place.aclose)
            stack.callback(self.conversations.close)
            stack.push_async_callback(self.behind.flush)
