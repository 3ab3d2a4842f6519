"""The user's store as the engine has it: opened at the first need, closed with the engine, and made by writing only."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio

from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.store import Store


class Place:
    """The store in the data folder. What fails to open is tried again at the next need."""

    def __init__(self, settings: Settings) -> None:
        from theo_mcp.store import FILE

        self._path = settings.data_dir / FILE
        self._opening = anyio.Lock()
        self._held = AsyncExitStack()
        self._store: Store | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept here."""
        return self._store is not None or self._path.exists()

    async def store(self) -> Store:
        """The store, made where there is none.

        Raises:
            StoreError: it cannot be opened.
        """
        from theo_mcp.store import Store

        async with self._opening:
            if self._store is None:
                self._store = await self._held.enter_async_context(Store.open(self._path))
            return self._store

    async def found(self) -> Store | None:
        """The same for whoever only reads; None where nothing was ever kept.

        Raises:
            StoreError: it cannot be opened.
        """
        return await self.store() if self.exists else None

    async def aclose(self) -> None:
        """Closes the store, if it was opened."""
        self._store = None
        await self._held.aclose()
