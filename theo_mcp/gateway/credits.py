"""What keys with credits have left, exact for all processes on one store.

An answer's cost is known at its end, so a request reserves what such answers have cost so far and settles the
difference; one that is stopped before it says is taken off by its tokens, as such tokens have cost. A job is taken off
when its end is first looked at. The last answer may cost more than was left; no other begins after it. A process that
is killed leaves the reservations of its open requests taken.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
from pydantic import JsonValue

from theo_mcp.errors import StoreError
from theo_mcp.gateway.keys import Key
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.store import Store

_MICRO: Final = 1_000_000  # whole micro-cents stay exact
_OWNER: Final = "spent"
_JOB_S: Final = 400 * 86_400.0

log = logging.getLogger(__name__)


@dataclass
class Spent:
    """What one request has used so far. It is filled in while the work goes on, so that a broken one is known too."""

    cents: float = 0.0
    tokens: int = 0
    final: bool = False
    """Whether it is the whole of it, and of a stream the last frame comes next: what it cost is taken off before."""
    _settle: Callable[[Spent], Awaitable[None]] | None = field(default=None, repr=False)

    def all(self, cents: float | None, tokens: int | None) -> None:
        """The whole of it."""
        self.cents, self.tokens, self.final = max(cents or 0.0, 0.0), max(tokens or 0, 0), True

    async def settle(self) -> None:
        """Takes it off, once."""
        settle, self._settle = self._settle, None
        if settle is not None:
            with anyio.CancelScope(shield=True):
                await settle(self)


class Credits:
    """The balances of all keys."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._usual: dict[str, int] = {}
        self._each: dict[str, float] = {}
        """What a token of such answers has cost, for those that are stopped before they say."""
        self._owed: Counter[str] = Counter()
        """What could not be taken off yet, because the disk is full or another program holds the store."""

    async def left(self, key: Key) -> float | None:
        """Cents that `key` has left; None where it has no limit."""
        if key.credits is None:
            return None
        return max(0.0, key.credits - _number(await self._store.get("keys", key.id, owner=_OWNER)) / _MICRO)

    @asynccontextmanager
    async def reserved(self, key: Key, what: str) -> AsyncIterator[Spent]:
        """Runs one request in the name of `key`, and takes off what it says to have spent, however it ends.

        Raises:
            Refusal: nothing is left.
        """
        if key.credits is None:
            yield Spent()
            return
        given = round(key.credits * _MICRO)
        usual = max(1, self._usual.get(what, 0))
        reserved = 0

        def reserve(value: JsonValue) -> JsonValue:
            nonlocal reserved
            taken = _number(value) + owed
            if taken >= given:
                raise Refusal(
                    402, "insufficient_credits", "This key has no credits left. Its owner can make one with more."
                )
            reserved = min(usual, given - taken)
            return taken + reserved

        async def settle(spent: Spent) -> None:
            cost = round(spent.cents * _MICRO)
            if spent.final and spent.tokens:
                self._each[what] = cost / spent.tokens
            elif not spent.final:
                cost = max(cost, round(spent.tokens * self._each.get(what, 0.0)))
            self._usual[what] = max(cost, self._usual.get(what, 0))
            try:
                await self._store.add("keys", {key.id: cost - reserved}, owner=_OWNER)
            except StoreError as error:  # the answer is made, and goes out
                self._owed[key.id] += cost - reserved
                log.warning("What an answer cost is taken off with the next: %s", error.code)

        owed = self._owed.pop(key.id, 0)
        try:
            with anyio.CancelScope(shield=True):  # a change that is left may be made all the same, and nobody undoes it
                await self._store.update("keys", key.id, reserve, owner=_OWNER)
        except BaseException:
            self._owed[key.id] += owed
            raise
        spent = Spent(_settle=settle)
        try:
            yield spent
        finally:
            await spent.settle()

    async def delivered(self, key: Key, job_id: str, cents: float | None) -> None:
        """Takes off what a job cost, the first time that its owner sees its end.

        Raises:
            StoreError: that cannot be noted.
        """
        if key.credits is None or not cents:
            return
        mark = f"{key.id} {job_id}"
        first = await self._store.add(
            "keys", {mark: 1}, owner=_OWNER, limits={mark: 1}, expires_at=time.time() + _JOB_S
        )
        if not first.over:
            await self._store.add("keys", {key.id: round(cents * _MICRO)}, owner=_OWNER)


def _number(value: JsonValue) -> int:
    return int(value) if isinstance(value, int | float) else 0
