"""What has been spent in a period, in whole micro-cents, so that sums neither drift nor lose a small cost.

A cost is taken from the budget before its call is sent, and corrected afterwards; so two calls cannot both pass a
limit that only one fits under. A process that dies in between leaves its reservation: the call may have been billed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Protocol

import anyio

from theo_mcp.errors import StoreError

if TYPE_CHECKING:
    from theo_mcp.store import Store

_KEPT_S = 40 * 86_400  # long enough for a month's sum


class Ledger(Protocol):
    """Where the totals are. Periods are names, such as ``day 2026-11-21``."""

    async def reserve(self, period: str, amount: int, limit: int | None) -> bool:
        """Adds `amount` in one step, unless the total would pass `limit`; whether it was added."""

    async def settle(self, period: str, reserved: int, cost: int) -> None:
        """Puts `cost` in the place of what was `reserved`."""

    async def total(self, period: str) -> int:
        """What was spent, and what is reserved."""


class MemoryLedger:
    """The totals of this process, gone with it."""

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()

    async def reserve(self, period: str, amount: int, limit: int | None) -> bool:
        if limit is not None and amount > 0 and self._totals[period] + amount > limit:
            return False
        self._totals[period] += amount
        return True

    async def settle(self, period: str, reserved: int, cost: int) -> None:
        self._totals[period] += cost - reserved

    async def total(self, period: str) -> int:
        return self._totals[period]


class StoreLedger:
    """The totals in the user's store: they outlive this process, and all processes share them.

    The store is opened at the first use. Its `StoreError` comes out of every method. What `settle` could not note is
    noted with the next change: a cost that the store did not take is spent all the same.
    """

    def __init__(
        self, open_store: Callable[[], AbstractAsyncContextManager[Store]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._open = open_store
        self._clock = clock
        self._opening = anyio.Lock()
        self._held = AsyncExitStack()
        self._store: Store | None = None
        self._owed: Counter[str] = Counter()

    async def reserve(self, period: str, amount: int, limit: int | None) -> bool:
        owed = self._owed.pop(period, 0)
        limits = {} if limit is None else {period: limit}
        taken = False
        try:
            taken = not await self._add(period, owed + amount, limits)
        finally:
            if not taken:
                self._owed[period] += owed
        return taken

    async def settle(self, period: str, reserved: int, cost: int) -> None:
        owed = self._owed.pop(period, 0) + cost - reserved
        try:
            if owed:
                await self._add(period, owed, {})
        except StoreError as error:
            if owed > 0 or error.retryable:  # else it may have been noted, and twice would be too little
                self._owed[period] += owed
            raise

    async def total(self, period: str) -> int:
        store = await self._opened()
        total = await store.get("usage", period)
        return self._owed[period] + (int(total) if isinstance(total, int | float) else 0)

    async def aclose(self) -> None:
        """Closes the store, if it was opened."""
        self._store = None
        await self._held.aclose()

    async def _add(self, period: str, amount: int, limits: dict[str, int]) -> bool:
        """Adds `amount`; whether a limit refused it."""
        store = await self._opened()
        sums = await store.add("usage", {period: amount}, limits=limits, expires_at=self._clock() + _KEPT_S)
        return bool(sums.over)

    async def _opened(self) -> Store:
        async with self._opening:
            if self._store is None:
                self._store = await self._held.enter_async_context(self._open())
            return self._store
