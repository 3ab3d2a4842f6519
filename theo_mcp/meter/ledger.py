"""What has been spent in a period, in whole micro-cents, so that sums neither drift nor lose a small cost.

A cost is taken from the budget before its call is sent, and corrected afterwards; so two calls cannot both pass a
limit that only one fits under. A process that dies in between leaves its reservation: the call may have been billed.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol


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
        if limit is not None and self._totals[period] + amount > limit:
            return False
        self._totals[period] += amount
        return True

    async def settle(self, period: str, reserved: int, cost: int) -> None:
        self._totals[period] += cost - reserved

    async def total(self, period: str) -> int:
        return self._totals[period]
