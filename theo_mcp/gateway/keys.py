"""The keys that the gateway gives out: shown once, kept as a hash, with a plan, scopes and perhaps credits.

A key is 256 random bits, so a plain SHA-256 keeps it: a slow hash protects what people choose, and nobody guesses this.
Keys are found by their hash, so no comparison's time depends on a key that somebody tries.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

import anyio
from pydantic import JsonValue

from theo_mcp.errors import InputError, NotFoundError, StoreError
from theo_mcp.gateway.plans import PLANS, Plan
from theo_mcp.secret import Secret
from theo_mcp.store import Store

Scope: TypeAlias = Literal["completions", "skills", "tools", "connectors", "billing"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
_PREFIX: Final = "theo_sk_"
_FIRST: Final = "first"
_FIRST_OWNER: Final = "gateway"
_BELIEVED_S: Final = 0.5  # a revoked key ends within it in every process; a stream that has begun is let end
_SEEN_S: Final = 60.0
_NOTED_S: Final = 0.2  # no request waits longer for that note, whoever holds the store
_HELD: Final = 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Key:
    """A key as it is kept. `id` names it wherever it must be named, and owns what its holder makes."""

    id: str
    name: str
    plan: Plan
    created: float
    scopes: tuple[Scope, ...] = SCOPES
    credits: float | None = None
    """Cents that it was given; None is without limit."""
    expires: float | None = None
    revoked: float | None = None
    used: float | None = None


@dataclass(frozen=True)
class _Held:
    key: Key | None
    read: float


class Keys:
    """The keys in one store, which other gateways and commands may change meanwhile."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._noted: dict[str, float] = {}

    async def create(
        self,
        name: str,
        plan: Plan,
        *,
        credits: float | None = None,
        scopes: tuple[Scope, ...] = SCOPES,
        days: float | None = None,
    ) -> tuple[Key, Secret]:
        """A new key, and its text, which nobody can read again."""
        text = Secret(_PREFIX + secrets.token_urlsafe(32))
        now = self._clock()
        expires = None if days is None else now + days * 86_400
        key = Key(f"key_{secrets.token_hex(6)}", name, plan, now, scopes, credits, expires)
        await self._store.put("keys", _hash(text.reveal()), _fields(key))
        return key, text

    async def first(self) -> tuple[Key, Secret] | None:
        """The key of the owner of this machine, made at the first start on this store; None at every later one."""
        before: list[JsonValue] = []

        def claim(value: JsonValue) -> JsonValue:
            before.append(value)
            return value or self._clock()

        await self._store.update("keys", _FIRST, claim, owner=_FIRST_OWNER)
        return None if before[0] else await self.create("the owner of this machine", "unlimited")

    async def find(self, text: str) -> Key | None:
        """The key of this text, revoked or expired as it may be; None where there is none."""
        hashed = _hash(text)
        now = self._clock()
        held = self._held.get(hashed)
        if held is None or not 0 <= now - held.read < _BELIEVED_S:
            held = _Held(_key(await self._store.get("keys", hashed)), now)
            if held.key is None:
                self._held.pop(hashed, None)
                return None
            if len(self._held) >= _HELD:
                self._held.clear()
                self._noted.clear()
            self._held[hashed] = held
            if now - max(held.key.used or 0, self._noted.get(hashed, 0)) > _SEEN_S:
                self._noted[hashed] = now
                await self._seen(hashed, now)
        return held.key

    async def list(self) -> list[Key]:
        """All of them, the newest first."""
        entries = await self._store.entries("keys", limit=10_000)
        return [key for entry in entries if (key := _key(entry.value)) is not None]

    async def revoke(self, id: str) -> Key:
        """Takes a key back, for every process at once.

        Raises:
            NotFoundError: there is no such key.
        """
        for entry in await self._store.entries("keys", limit=10_000):
            key = _key(entry.value)
            if key is not None and key.id == id:
                revoked = replace(key, revoked=key.revoked or self._clock())
                await self._store.put("keys", entry.key, _fields(revoked))
                self._held.pop(entry.key, None)
                return revoked
        raise NotFoundError(
            f"There is no key {id[:80]!r}.", hint="`theo-mcp gateway keys list` shows the ids.", code="not_found"
        )

    async def _seen(self, hashed: str, now: float) -> None:
        """When it was last used, to the minute. A disk that is full, or another program's lock, does not lock its owner
        out."""

        def change(value: JsonValue) -> JsonValue:
            return {**value, "used": now} if isinstance(value, dict) else value

        code = "store_busy"
        with anyio.move_on_after(_NOTED_S):
            try:
                await self._store.update("keys", hashed, change)
                return
            except StoreError as error:
                code = error.code
        log.warning("When a key was last used could not be kept: %s", code)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _fields(key: Key) -> JsonValue:
    scopes: list[JsonValue] = list(key.scopes)
    return {
        "id": key.id,
        "name": key.name,
        "plan": key.plan,
        "created": key.created,
        "scopes": scopes,
        "credits": key.credits,
        "expires": key.expires,
        "revoked": key.revoked,
        "used": key.used,
    }


def _key(value: JsonValue) -> Key | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    scopes = value.get("scopes")
    held = {name: value[name] for name in ("credits", "expires", "revoked", "used") if name in value}
    numbers = {name: number if isinstance(number, int | float) else None for name, number in held.items()}
    created = value.get("created")
    return Key(
        id=str(value["id"]),
        name=str(value.get("name") or ""),
        plan=plan_of(str(value.get("plan"))),
        created=created if isinstance(created, int | float) else 0.0,
        scopes=tuple(scope for scope in SCOPES if isinstance(scopes, list) and scope in scopes),
        **numbers,
    )


def plan_of(word: str) -> Plan:
    """The plan of this name.

    Raises:
        InputError: there is none.
    """
    with suppress(StopIteration):
        return next(plan for plan in PLANS if plan == word)
    raise InputError(f"There is no plan {word[:40]!r}.", hint=f"The plans are {', '.join(PLANS)}.")
