"""Writes that no answer waits for: gathered for a moment, then made in one step for each kind.

A process that is killed loses what it gathered in the last fifth of a second. A store that fails costs no answer: it
is logged once, tried again, and the oldest entries give way where too many wait.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio

from theo_mcp.engine.background import Background
from theo_mcp.engine.memory.place import Place
from theo_mcp.errors import InputError, StoreError

if TYPE_CHECKING:
    from theo_mcp.store import Kind, Put, Store

Sum: TypeAlias = tuple[str, str]
"""An owner and the name of one of its sums."""

_LINGER_S: Final = 0.2
_RETRY_S: Final = 30.0
_PURGE_S: Final = 3600.0
_MANY: Final = 256  # without a background, whoever ends a request then writes
_MOST: Final = 4096
_TRIMS: Final = 64  # how often a kind is trimmed while it grows by as much as it may have: it is read whole for that
_SUMS_KEPT_S: Final = 400 * 86_400.0

log = logging.getLogger(__name__)


class Behind:
    """What waits to be written. `caps` are the most bytes that a kind may have; `keeps_sums` writes sums at all."""

    def __init__(
        self,
        place: Place,
        background: Background,
        *,
        caps: Mapping[Kind, int],
        keeps_sums: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._place = place
        self._background = background
        self._caps = caps
        self._keeps_sums = keeps_sums
        self._clock = clock
        self._puts: dict[tuple[Kind, str, str], Put] = {}
        self._touched: set[tuple[Kind, str, str]] = set()
        self._sums: Counter[Sum] = Counter()
        self._turns = anyio.Lock()
        self._writing = False
        self._failing = False
        self._grown = dict(caps)  # bytes since a kind was trimmed; at first nobody knows what the file holds
        self._purge_at = clock() + _PURGE_S

    def put(self, kind: Kind, put: Put) -> None:
        """Notes an entry to store; returns at once."""
        key = (kind, put.owner, put.key)
        self._puts.pop(key, None)
        self._puts[key] = put
        while len(self._puts) > _MOST:
            del self._puts[next(iter(self._puts))]
        self._soon()

    def touch(self, kind: Kind, key: str, owner: str) -> None:
        """Notes that an entry was used, so that others give way before it; returns at once."""
        self._touched.add((kind, owner, key))
        self._soon()

    def add(self, owner: str, amounts: Mapping[str, int]) -> None:
        """Notes amounts to add to the owner's sums; returns at once."""
        for name, amount in amounts.items():
            self._sums[(owner, name)] += amount
        self._soon()

    def waiting(self, owner: str) -> dict[str, int]:
        """The owner's sums that are not written yet."""
        return {name: amount for (whose, name), amount in self._sums.items() if whose == owner}

    async def many(self) -> None:
        """Writes where nobody else does and much waits; for whoever ends a request."""
        if not self._writing and len(self._puts) >= _MANY:
            await self.flush()

    async def flush(self) -> bool:
        """Writes what waits; whether nothing waits any more. What cannot be written is tried again with the next."""
        with anyio.CancelScope(shield=True):  # a sum that was written and counts as unwritten would be added twice
            async with self._turns:
                if not self.waits:
                    return True
                try:
                    await self._write(await self._place.store())
                except StoreError as error:
                    if not self._failing:
                        log.warning("What the engine notes of its work is in memory only: %s", error)
                    self._failing = True
                    return False
                self._failing = False
        return not self.waits

    @property
    def waits(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self._puts or self._touched or (self._keeps_sums and self._sums))

    def _soon(self) -> None:
        if not self._writing and self.waits:
            self._writing = self._background.start(self._keep_writing)

    async def _keep_writing(self) -> None:
        try:
            while self.waits:
                await anyio.sleep(_LINGER_S)  # before each writing, or many requests would make it one a request
                if not await self.flush() and self._failing:
                    await anyio.sleep(_RETRY_S)
        finally:
            self._writing = False

    async def _write(self, store: Store) -> None:
        kinds = {kind for kind, _, _ in self._puts}
        for kind in kinds:
            puts = {key: put for key, put in self._puts.items() if key[0] == kind}
            written = await _stored(store, kind, list(puts.values()))
            if kind in self._grown:
                self._grown[kind] += written
            for key, put in puts.items():
                if self._puts.get(key) is put:
                    del self._puts[key]
        for owner in {owner for owner, _ in self._sums} if self._keeps_sums else ():
            sums = {name: amount for (whose, name), amount in self._sums.items() if whose == owner}
            await store.add("totals", sums, owner=owner, expires_at=self._clock() + _SUMS_KEPT_S)
            for name, amount in sums.items():
                self._sums[(owner, name)] -= amount
                if not self._sums[(owner, name)]:
                    del self._sums[(owner, name)]
        while self._touched:
            kind, owner, name = self._touched.pop()
            await store.update(kind, name, lambda value: value, owner=owner)
        for kind in kinds & self._caps.keys():
            if self._grown[kind] * _TRIMS >= self._caps[kind]:
                self._grown[kind] = 0
                await store.contents.trim(kind, self._caps[kind])
        if self._clock() >= self._purge_at:
            self._purge_at = self._clock() + _PURGE_S
            await store.purge()


async def _stored(store: Store, kind: Kind, puts: list[Put]) -> int:
    """Stores them in one step; or one by one, so that one that is no JSON costs no other. How many bytes it was."""
    try:
        return await store.put_all(kind, puts)
    except InputError:
        written = 0
        for put in puts:
            try:
                written += await store.put_all(kind, [put])
            except InputError as error:
                log.warning("An entry of kind %s is not kept: %s", kind, error)
        return written
