"""Who may use a model server now, and who waits: a bounded number at work at each address, and a bounded queue.

Callers take turns: one that asks for much waits behind its own requests, not the others behind it. A place is given
back when its answer has been read or its holder leaves, however it leaves; one whose answer nobody reads is lost to
those who wait. A task that asks again while it holds a place gives that up first: it cannot wait for itself.
"""

from __future__ import annotations

import math
import re
from bisect import insort
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

import anyio

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine.providers import Provider
from theo_mcp.errors import ServiceError, TimeoutExceededError

_FIRST_REST_S = 1.0
_LONGEST_REST_S = 60.0
_USUAL_S = 5.0  # what a generation takes, before any was seen
_QUEUED = re.compile(r"queued, (?:(\d+) before you|next in line)")


def queued(before: int) -> str:
    """What an observer is told whose request waits behind `before` others."""
    return f"queued, {before} before you" if before else "queued, next in line"


def waiting_behind(news: str) -> int | None:
    """The number of requests before this one, where `news` says that it is queued; None for other news."""
    found = _QUEUED.fullmatch(news)
    return int(found[1] or 0) if found else None


@dataclass(eq=False)
class Server:
    """One address of a model, and how it does."""

    name: str
    provider: Provider
    parallel: int
    billed: bool
    """Whether a generation there may cost money: then what may have begun is not begun again elsewhere."""
    at_work: int = 0
    failures: int = 0
    rests_until: float = 0.0

    def failed(self, now: float, asked: float | None = None) -> None:
        """It could not answer; it rests for a time that doubles, or for as long as it `asked`. What fails while it
        rests was on its way before, and is the same fault."""
        if now < self.rests_until:
            return
        rest = min(_LONGEST_REST_S, _FIRST_REST_S * 2 ** min(self.failures, 10))
        self.failures += 1
        self.rests_until = now + (rest if asked is None else max(rest, min(asked, _LONGEST_REST_S)))

    def answered(self) -> None:
        self.failures = 0
        self.rests_until = 0.0


@dataclass(eq=False)
class Place:
    """One request's place at a server."""

    server: Server
    task: int
    """The task that holds it."""
    unread_since: float | None = None
    """Since when its holder has had something that it has not read yet."""
    lost: bool = False
    """Whether it was given to another request."""


@dataclass(order=True)
class _Waiter:
    turn: int
    number: int
    tried: Set[Server] = field(compare=False)
    task: int = field(compare=False)
    observed: bool = field(compare=False)
    news: anyio.Event = field(compare=False, default_factory=anyio.Event)
    place: Place | None = field(compare=False, default=None)


class Slots:
    """The places at `servers`, all of one model. `waiting` requests may wait for one; a place whose answer is not read
    for `idle` seconds is theirs."""

    def __init__(self, name: str, servers: Sequence[Server], *, waiting: int, idle: float) -> None:
        self._name = name
        self._servers = servers
        self._most = waiting
        self._idle = idle
        self._waiters: list[_Waiter] = []
        self._places: set[Place] = set()
        self._numbers = 0
        self._turn = 0
        self._turns: dict[str, int] = {}
        self._usual = _USUAL_S

    @asynccontextmanager
    async def taken(
        self, tried: Set[Server] = frozenset(), *, caller: Caller = Caller(), observe: Observe | None = None
    ) -> AsyncIterator[Place]:
        """A place at the least busy server that works and was not `tried`; leaving the context gives it back.

        Raises:
            ServiceError: all places are taken, and as many wait as may.
            TimeoutExceededError: the time that `caller` has is over before a place is free.
        """
        try:
            with anyio.fail_after(caller.deadline_s):
                place = await self._take(tried, caller.tenant, observe)
        except TimeoutError:
            raise TimeoutExceededError(
                f"No place at {self._name} was free within {caller.deadline_s:g} s.",
                hint="Nothing was started. Call again, or give it more time.",
                retryable=True,
            ) from None
        since = monotonic()
        try:
            yield place
        finally:
            self._usual += (monotonic() - since - self._usual) / 8
            self.give_back(place)

    def give_back(self, place: Place) -> None:
        """Lets others have `place`; safe to call twice."""
        if place in self._places:
            self._places.remove(place)
            place.server.at_work -= 1
            self._hand_out()

    def choose(self, tried: Set[Server] = frozenset()) -> Server | None:
        """The server to ask now; None where the caller must wait. One that has rested is asked first, by one request;
        those that still rest only where there is no other."""
        now = monotonic()
        left = [server for server in self._servers if server not in tried]
        free = [server for server in left if server.at_work < server.parallel]
        for server in free:
            if server.failures and server.rests_until <= now and not server.at_work:
                return server
        working = [server for server in free if not server.failures]
        if working:
            return min(working, key=lambda server: server.at_work / server.parallel)
        if any(not server.failures for server in left):
            return None
        return min(free, key=lambda server: server.rests_until, default=None)

    async def _take(self, tried: Set[Server], tenant: str, observe: Observe | None) -> Place:
        task = anyio.get_current_task().id
        for place in [each for each in self._places if each.task == task]:
            self.give_back(place)
        if not self._waiters and (server := self.choose(tried)) is not None:
            return self._placed(server, task)
        if len(self._waiters) >= self._most:
            raise self._full()
        self._numbers += 1
        waiter = _Waiter(self._next_turn(tenant), self._numbers, tried, task, observe is not None)
        insort(self._waiters, waiter)
        try:
            self._hand_out()
            return await self._wait(waiter, observe)
        except BaseException:
            if waiter.place is not None:
                self.give_back(waiter.place)
            else:
                self._waiters.remove(waiter)
                self._tell()
            raise

    async def _wait(self, waiter: _Waiter, observe: Observe | None) -> Place:
        told = None
        while waiter.place is None:
            before = self._waiters.index(waiter)
            if observe is not None and before != told:
                observe(queued(before))
            told = before
            waiter.news = anyio.Event()
            with anyio.move_on_after(self._idle):
                await waiter.news.wait()
            self._take_back_unread()
        return waiter.place

    def _next_turn(self, tenant: str) -> int:
        """The round in which `tenant` is served next: one request of each waiting tenant makes a round."""
        if not self._waiters:
            self._turns.clear()
        self._turns[tenant] = turn = max(self._turn, self._turns.get(tenant, -1) + 1)
        return turn

    def _placed(self, server: Server, task: int) -> Place:
        server.at_work += 1
        place = Place(server, task)
        self._places.add(place)
        return place

    def _take_back_unread(self) -> None:
        until = monotonic() - self._idle
        for place in [each for each in self._places if each.unread_since is not None and each.unread_since <= until]:
            self.give_back(place)
            place.lost = True

    def _hand_out(self) -> None:
        """Gives what is free to those who wait, in their order."""
        for waiter in list(self._waiters):
            server = self.choose(waiter.tried)
            if server is not None:
                self._waiters.remove(waiter)
                self._turn = max(self._turn, waiter.turn)
                waiter.place = self._placed(server, waiter.task)
                waiter.news.set()
        self._tell()

    def _tell(self) -> None:
        """Wakes those who tell somebody their place."""
        for waiter in self._waiters:
            if waiter.observed:
                waiter.news.set()

    def _full(self) -> ServiceError:
        places = sum(server.parallel for server in self._servers)
        seconds = math.ceil(min(300.0, max(1.0, self._usual * (len(self._waiters) + 1) / places)))
        return ServiceError(
            f"The queue of {self._name} is full: {places} at work, {len(self._waiters)} waiting.",
            code="queue_unavailable",
            hint=f"Nothing was started; call again in about {seconds} s.",
            retryable=True,
            retry_after=float(seconds),
            status=503,
        )
