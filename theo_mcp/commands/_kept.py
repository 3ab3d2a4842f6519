"""The runs that the store keeps, for the commands that only read them. Nothing is made where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from theo_mcp.errors import StoreError
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.server.rooms import Rooms


@asynccontextmanager
async def kept(settings: Settings) -> AsyncIterator[Rooms | None]:
    """The rooms whose runs can be read; None where nothing was ever kept.

    Raises:
        StoreError: what is kept cannot be read.
    """
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.store import FILE

    if not (settings.data_dir / FILE).exists():
        yield None
        return
    # What was kept before keep_results_s was set to 0 can be read all the same.
    rooms = Rooms(settings.model_copy(update={"keep_results_s": settings.keep_results_s or 1.0}))
    async with rooms.open():
        await rooms.runs()
        if rooms.notice:
            raise StoreError(rooms.notice.partition(": ")[2])
        yield rooms
