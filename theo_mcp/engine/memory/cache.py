"""Whole answers that are given again to the same request, at no cost and marked as such.

It is exact: likeness of two prompts is no proof that one answer serves both. What is kept ended by itself, called no
tool but those that compute, and is the tenant's own. Of requests that are the same at the same time one is carried
out; the others get its answer. If that one is stopped, the next of them takes its place; if it fails, each goes its
own way.
"""

from __future__ import annotations

import json
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Set
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import anyio
from pydantic import JsonValue

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine.deadline import within
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.place import Place
from theo_mcp.errors import StoreError
from theo_mcp.settings import Settings
from theo_mcp.store import Put
from theo_mcp.wire.events import ArtifactEvent, CompletionEvent, Done, GenuiMeta, Meta, Skills, Token, ToolEvent

Kept: TypeAlias = str
"""The events of an answer in their order, as JSON; a text alone stands for a token."""
Events: TypeAlias = AbstractAsyncContextManager[AsyncIterator[CompletionEvent]]

_HOUR_S: Final = 3600.0
_LIVES_S: Final = {"fast": _HOUR_S, "roast": _HOUR_S}
"""By mode; a day for the others. What is asked in passing is asked of the present."""
_DAY_S: Final = 24 * _HOUR_S
_IN_MEMORY: Final = 4 * 2**20  # the rest is on disk, where there is a disk
_OVERHEAD_BYTES: Final = 512  # of an answer in memory
_TOUCH_S: Final = 60.0
_READ_S: Final = 1.0  # to look longer for an answer is no shorter way to one
_UNREAD_S: Final = 30.0
_KINDS: Final[dict[str, type[CompletionEvent]]] = {
    "meta": Meta, "skills": Skills, "genui_meta": GenuiMeta, "tool": ToolEvent, "artifact": ArtifactEvent, "done": Done,
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass
class _Held:
    """An answer in memory."""

    events: Kept
    size: int
    expires_at: float
    touched_at: float


@dataclass
class _Flight:
    """An answer that is being made; `events` is None where it ended without one that may be given again."""

    ended: anyio.Event = field(default_factory=anyio.Event)
    events: Kept | None = None
    stopped: bool = False

    def end(self, events: Kept | None = None, *, stopped: bool = False) -> None:
        if not self.ended.is_set():
            self.events, self.stopped = events, stopped
            self.ended.set()


class Cache:
    """The answers of one engine; on disk where results are kept there, and in memory."""

    def __init__(
        self, settings: Settings, place: Place, behind: Behind, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._room = settings.cache_bytes
        self._on_disk = settings.keep_results_s > 0
        self._place = place
        self._behind = behind
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()  # the one used last at the end
        self._size = 0
        self._flights: dict[str, _Flight] = {}
        self._unread_until = 0.0

    @asynccontextmanager
    async def through(
        self,
        key: str | None,
        caller: Caller,
        make: Callable[[], Events],
        observe: Observe | None,
        *,
        model: str = "",
        computing: Set[str] = frozenset(),
    ) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        """The events of the kept answer, or of a new one that `make` makes. One of another model than `model`, which
        stood in for it, is not kept, nor is one that called other tools than the `computing` ones."""
        if key is None or self._room <= 0:
            async with make() as events:
                yield events
            return
        kept = None if caller.fresh else await self._known(key, caller, observe)
        if kept is not None:
            async with aclosing(_replayed(kept)) as replayed:
                yield replayed
            return
        flight = _Flight()
        leads = self._flights.setdefault(key, flight) is flight
        try:
            fits = partial(_may_be_kept, model=model, computing=computing)
            async with make() as events, aclosing(self._recorded(events, flight, key, caller, fits)) as recorded:
                yield recorded
        except Exception:
            flight.end()
            raise
        finally:
            flight.end(stopped=True)
            if leads:
                del self._flights[key]

    async def _known(self, key: str, caller: Caller, observe: Observe | None) -> Kept | None:
        """The kept answer, or that of the same request which is under way."""
        while True:
            kept = await self._kept(key, caller)
            flight = self._flights.get(key)
            if kept is not None or flight is None:
                return kept
            if observe is not None:
                observe("waiting for the answer to the same request")
            with within(caller.deadline_s):
                await flight.ended.wait()
            if not flight.stopped:
                return flight.events

    async def _kept(self, key: str, caller: Caller) -> Kept | None:
        now = self._clock()
        held = self._held.get(key)
        if held is None or held.expires_at <= now:
            return await self._stored(key, caller)
        self._held.move_to_end(key)
        if self._on_disk and now - held.touched_at > _TOUCH_S:
            held.touched_at = now
            self._behind.touch("cache", key, caller.tenant)
        return held.events

    async def _stored(self, key: str, caller: Caller) -> Kept | None:
        if not self._on_disk or anyio.current_time() < self._unread_until:
            return None
        value: JsonValue = None
        reason = f"the store did not answer for {_READ_S:g} s"
        try:
            with anyio.move_on_after(_READ_S) as looked:
                store = await self._place.found()
                value = await store.get("cache", key, owner=caller.tenant) if store else None
            failed = looked.cancelled_caught
        except StoreError as error:
            failed, reason = True, str(error)
        if failed:
            self._unread_until = anyio.current_time() + _UNREAD_S
            log.warning("Answers that were kept cannot be read for %g s: %s", _UNREAD_S, reason)
            return None
        if not isinstance(value, dict) or not isinstance(events := value.get("events"), str):
            return None
        until = value.get("until")
        self._hold(key, events, float(until) if isinstance(until, int | float) else 0.0)
        self._behind.touch("cache", key, caller.tenant)
        return events

    def _keep(self, key: str, caller: Caller, events: Kept, mode: str) -> None:
        until = self._clock() + _LIVES_S.get(mode, _DAY_S)
        self._hold(key, events, until)
        if self._on_disk and len(events) <= self._room:
            self._behind.put("cache", Put(key, {"events": events, "until": until}, caller.tenant, until))

    def _hold(self, key: str, events: Kept, until: float) -> None:
        """Holds it in memory, where those that were not asked for longest give way."""
        size = len(events) + _OVERHEAD_BYTES
        self._forget(key)
        room = min(self._room, _IN_MEMORY) if self._on_disk else self._room
        if size <= room:
            self._held[key] = _Held(events, size, until, self._clock())
            self._size += size
            while self._size > room:
                self._forget(next(iter(self._held)))

    def _forget(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._size -= held.size

    async def _recorded(
        self,
        events: AsyncIterator[CompletionEvent],
        flight: _Flight,
        key: str,
        caller: Caller,
        fits: Callable[[CompletionEvent], bool],
    ) -> AsyncGenerator[CompletionEvent, None]:
        """The same events; at the last one the answer is kept, if it may be."""
        kept: list[JsonValue] | None = []
        mode, room = "", self._room
        async for event in events:
            if kept is not None:
                kept.append(_written(event, kept))
                room -= len(event.token) if isinstance(event, Token) else 0
                mode = event.resolved_mode if isinstance(event, Meta) else mode
                if room < 0 or not fits(event):
                    kept = None
            if isinstance(event, Done):
                whole = None if kept is None else json.dumps(kept, ensure_ascii=False, default=str)
                if whole is not None:
                    self._keep(key, caller, whole, mode)
                flight.end(whole)
            yield event


def _written(event: CompletionEvent, before: list[JsonValue]) -> JsonValue:
    """An event as it is kept; the last one without the text that stands before it."""
    if isinstance(event, Token):
        return event.token
    said = {"content"} if isinstance(event, Done) and event.content == _text(before) else None
    return {**event.model_dump(by_alias=True, exclude_unset=True, exclude=said), "event": event.event}


def _text(events: list[JsonValue]) -> str:
    return "".join(item for item in events if isinstance(item, str))


def _may_be_kept(event: CompletionEvent, *, model: str, computing: Set[str]) -> bool:
    match event:
        case ToolEvent():
            return event.name in computing and event.status == "success"
        case Done():
            broken = event.structured_output is not None and event.structured_output.parse_error
            return event.theo_mcp.finish_reason == "stop" and event.theo_mcp.model == model and not broken
        case _:
            return True


async def _replayed(kept: Kept) -> AsyncGenerator[CompletionEvent, None]:
    """A kept answer as if it were made now: the same events, at no cost and marked."""
    events: list[JsonValue] = json.loads(kept)
    for item in events:
        if isinstance(item, str):
            yield Token(token=item)
        elif isinstance(item, dict) and (kind := _KINDS.get(str(item.get("event")))) is not None:
            event = kind.model_validate(item)
            if isinstance(event, Done):
                usage = event.usage.model_copy(update={"cost_cents": 0.0, "cached": True})
                said = event.content or _text(events)
                event = event.model_copy(update={"usage": usage, "cached": True, "content": said})
            yield event
