"""Which skills a caller has installed: a record for each, by tenant, in the store that all processes share."""

from __future__ import annotations

from theo_mcp.engine.memory.place import Place

_MOST = 1000


class Installed:
    """The records, read anew each time: another process may have changed them. The store's `StoreError` comes out of
    every method."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def slugs(self, tenant: str) -> tuple[str, ...]:
        """What `tenant` installed, the first installed first."""
        store = await self._place.found()
        entries = [] if store is None else await store.entries("skills", owner=tenant, limit=_MOST)
        return tuple(entry.key for entry in reversed(entries))

    async def add(self, tenant: str, slug: str) -> None:
        store = await self._place.store()
        await store.put("skills", slug, True, owner=tenant)

    async def remove(self, tenant: str, slug: str) -> bool:
        """Whether it was installed."""
        store = await self._place.found()
        return store is not None and await store.delete("skills", slug, owner=tenant)
