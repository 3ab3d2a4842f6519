"""What GetCode's generate made: when, of which type, and from which words, those that the person typed before they were
improved included; the documents promise to keep these.

It holds prompts, as nothing else but conversations does; so it is kept as long as results are (``keep_results_s``), and
not at all where they are not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from theo_mcp.backend import Caller
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.place import Place
from theo_mcp.settings import Settings
from theo_mcp.store import Entry, Put

_LONGEST: Final = 20_000


@dataclass(frozen=True)
class Generation:
    """One thing that was made."""

    id: str
    output_type: str
    prompt: str = field(repr=False)
    original_prompt: str = field(repr=False)
    """What the person typed, where the prompt was made of it; else empty."""
    model: str
    created_at: float
    cursor: int = field(default=0, compare=False)
    """Continues a listing after it."""


class History:
    """The generations of one engine."""

    def __init__(
        self, settings: Settings, place: Place, behind: Behind, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._place = place
        self._behind = behind
        self._clock = clock
        self._kept_s = settings.keep_results_s

    def add(
        self,
        caller: Caller,
        id: str,
        output_type: str,
        prompt: str,
        *,
        original_prompt: str | None = None,
        model: str = "",
    ) -> None:
        """Notes what was made; returns at once."""
        if self._kept_s > 0:
            made = {
                "output_type": output_type,
                "prompt": prompt[:_LONGEST],
                "original_prompt": (original_prompt or "")[:_LONGEST],
                "model": model,
            }
            self._behind.put("history", Put(id, dict(made), caller.tenant, self._clock() + self._kept_s))

    async def listed(self, caller: Caller, *, after: int | None = None, limit: int = 20) -> list[Generation]:
        """The caller's generations, the newest first, from behind the cursor `after`.

        Raises:
            StoreError: they cannot be read.
        """
        await self._behind.flush()
        store = await self._place.found()
        entries = await store.entries("history", owner=caller.tenant, after=after, limit=limit) if store else []
        return [_read(entry) for entry in entries]


def _read(entry: Entry) -> Generation:
    fields = entry.value if isinstance(entry.value, dict) else {}
    words = {name: str(fields.get(name) or "") for name in ("output_type", "prompt", "original_prompt", "model")}
    return Generation(id=entry.key, created_at=entry.created_at, cursor=entry.cursor, **words)
