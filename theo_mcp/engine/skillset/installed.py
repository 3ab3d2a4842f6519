"""Which skills a caller has installed: a record for each, by tenant, in the store that all processes share."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from theo_mcp.store import Store

_MOST = 1000


class Installed:
    """The records, read anew each time: another process may have changed them. The store is opened when it is needed,
    and made by the first installing alone. Its `StoreError` comes out of every method."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._opening = anyio.Lock()
        self._held = AsyncExitStack()
        self._store: Store | None = None

    async def slugs(self, tenant: str) -> tuple[str, ...]:
        """What `tenant` installed, the first installed first."""
        store = await self._opened(make=False)
        entries = [] if store is None else await store.entries("skills", owner=tenant, limit=_MOST)
        return tuple(entry.key for entry in reversed(entries))

    async def add(self, tenant: str, slug: str) -> None:
        store = await self._opened(make=True)
        assert store is not None
        await store.put("skills", slug, True, owner=tenant)

    async def remove(self, tenant: str, slug: str) -> bool:
        """Whether it was installed."""
        store = await self._opened(make=False)
        return store is not None and await store.delete("skills", slug, owner=tenant)

    async def aclose(self) -> None:
        """Closes the store, if it was opened."""
        self._store = None
        await self._held.aclose()

    async def _opened(self, *, make: bool) -> Store | None:
        from theo_mcp.store import FILE, Store

        async with self._opening:
            if self._store is None and (make or os.path.lexists(self._data_dir / FILE)):
                self._store = await self._held.enter_async_context(Store.open(self._data_dir / FILE))
            return self._store
