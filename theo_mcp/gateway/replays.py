"""``Idempotency-Key``: the same key gets the same answer, and its work is done once, whichever gateway is asked.

A request that comes while the first is under way waits for it. Only what succeeded is kept: whoever tries again after a
failure, or after closing the connection, which stops the work, gets the work done. A process that dies leaves its claim
for half a minute.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio
from pydantic import JsonValue

from theo_mcp.errors import StoreError
from theo_mcp.gateway.keys import Key
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.meanwhile import meanwhile
from theo_mcp.store import Store

_KEPT_S: Final = 86_400.0
_KEPT_BYTES: Final = 4 * 2**20
_LEASE_S: Final = 30.0
_RENEWED_S: Final = 10.0
_LOOK_S: Final = 0.05
_LONGEST_LOOK_S: Final = 0.5
_LONGEST_KEY: Final = 255

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """An answer as it went out: whole in one part, or a stream's frames."""

    status: int
    media: str
    parts: tuple[str, ...]


class Once:
    """One claim. `kept` is the answer that another request got already, if any did."""

    def __init__(self, keep: Callable[[dict[str, JsonValue]], Awaitable[None]], kept: Kept | None = None) -> None:
        self.kept = kept
        self.is_kept = kept is not None
        self._keep = keep
        self._parts: list[str] = []
        self._bytes = 0

    def add(self, part: bytes) -> None:
        """A part of the answer, as it goes out."""
        self._bytes += len(part)
        if self._bytes <= _KEPT_BYTES:
            self._parts.append(part.decode())

    async def keep(self, status: int, media: str) -> None:
        """Keeps the answer, all of whose parts are here: to be called before its last part goes out, because a process
        may be killed at any time, and what was answered is answered."""
        self.is_kept = True
        if self._bytes > _KEPT_BYTES:
            await self._keep({"state": "large"})
            return
        parts: list[JsonValue] = list(self._parts)
        await self._keep({"state": "done", "status": status, "media": media, "parts": parts})


class Replays:
    """The answers of the last day that a key can ask for again."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    @asynccontextmanager
    async def once(self, key: Key, what: str, text: str, body: bytes) -> AsyncIterator[Once]:
        """The claim of one request: `what` is its method and path, `text` its ``Idempotency-Key``.

        Raises:
            Refusal: the key was used for another body, or its answer was too large to be kept.
        """
        if not 0 < len(text) <= _LONGEST_KEY:
            raise Refusal(400, "validation_error", f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters.")
        place = _hash(f"{what}\n{text}".encode())
        print_ = _hash(body)
        pause = _LOOK_S
        while True:
            found = await self._claim(key, place, print_)
            if found is None:
                break
            if found["print"] != print_:
                raise Refusal(409, "conflict", "This Idempotency-Key was used for a request with another body.")
            if found["state"] == "done":
                yield Once(_nothing, _kept(found))
                return
            if found["state"] == "large":
                raise Refusal(409, "conflict", "The answer to this Idempotency-Key was too large to be kept.")
            await anyio.sleep(pause)
            pause = min(pause * 2, _LONGEST_LOOK_S)

        async def keep(value: dict[str, JsonValue]) -> None:
            await self._put(key, place, {**value, "print": print_}, _KEPT_S)

        once = Once(keep)
        try:
            async with meanwhile() as tasks:
                tasks.start_soon(self._renew, key, place, print_)
                yield once
        finally:
            if not once.is_kept:
                with anyio.CancelScope(shield=True):
                    await self._put(key, place, None, _KEPT_S)

    async def _claim(self, key: Key, place: str, print_: str) -> dict[str, JsonValue] | None:
        """What stands there; None where this request may begin."""
        found = await self._store.get("replays", place, owner=key.id)
        if isinstance(found, dict):
            return found

        def claim(value: JsonValue) -> JsonValue:
            if isinstance(value, dict):
                raise _TakenError(value)  # so that its entry, with its time, stays as it is
            return {"state": "running", "print": print_}

        try:
            with anyio.CancelScope(
                shield=True
            ):  # a claim that is left may be made all the same, and stand for its time
                await self._store.update("replays", place, claim, owner=key.id, expires_at=self._clock() + _LEASE_S)
        except _TakenError as taken:
            return taken.value
        return None

    async def _renew(self, key: Key, place: str, print_: str) -> None:
        while True:
            await anyio.sleep(_RENEWED_S)
            await self._put(key, place, {"state": "running", "print": print_}, _LEASE_S)

    async def _put(self, key: Key, place: str, value: JsonValue, seconds: float) -> None:
        """Stores it, or says in the log that it could not be; the answer goes out all the same."""
        try:
            await self._store.put("replays", place, value, owner=key.id, expires_at=self._clock() + seconds)
        except StoreError as error:
            log.warning("An answer could not be kept for its Idempotency-Key: %s", error.code)


class _TakenError(Exception):
    """Another request was quicker."""

    def __init__(self, value: dict[str, JsonValue]) -> None:
        super().__init__()
        self.value = value


async def _nothing(value: dict[str, JsonValue]) -> None:
    pass


def _kept(found: dict[str, JsonValue]) -> Kept:
    parts, status = found.get("parts"), found.get("status")
    return Kept(
        status if isinstance(status, int) else 200,
        str(found.get("media")),
        tuple(str(part) for part in parts) if isinstance(parts, list) else (),
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
