"""One model on one or several servers: the least busy one that works is asked, and another where that cannot answer.

Only before the first token: what was begun to be told is never begun again. A server that costs money is not left for
another once it may have begun the work (decision 6); one that costs nothing is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final, TypeVar

import anyio

from theo_mcp import errors
from theo_mcp.backend import Caller, Observe
from theo_mcp.engine.providers import Capabilities, Price, ServedModel
from theo_mcp.engine.providers.openai_compatible import OpenAICompatible
from theo_mcp.engine.providers.slots import Place, Server, Slots
from theo_mcp.wire.openai import ChatChunk, ChatRequest

T = TypeVar("T")
ESTIMATED: Final = "Token counts are estimated: the model server did not send any."
_UNREAD: Final = frozenset({401, 403, 404, 408, 425, 429, 503})
"""Answers that say that the work was not begun."""
_SHOWN: Final = 200
_LISTED_S: Final = 30.0


class Pool:
    """The servers of one model, called `name` in the settings."""

    def __init__(
        self, name: str, servers: Sequence[Server], *, waiting: int, idle: float, price: Price | None = None
    ) -> None:
        self.name = name
        self.servers = tuple(servers)
        self._price = price
        self._slots = Slots(name, self.servers, waiting=waiting, idle=idle)
        self._first: ServedModel | None = None
        self._listed: tuple[float, list[str]] | None = None
        self._capabilities: dict[str, Capabilities] = {}
        self._probing = anyio.Lock()

    async def model(self, wanted: str | None, observe: Observe | None) -> ServedModel:
        """The model called `wanted`, else the configured one, else the first that a server lists."""
        if wanted is not None and isinstance(first := self.servers[0].provider, OpenAICompatible):
            return self._priced(first.served(wanted))
        if len(self.servers) == 1:
            return self._priced(await self.servers[0].provider.model(observe))
        if self._first is None:  # asked with the short limit of a check, so that one that hangs costs seconds
            self._first = await self._of_any(lambda server: server.provider.check())
        return self._priced(self._first)

    async def check(self) -> ServedModel:
        """What answers, after asking the servers until one can.

        Raises:
            TheoError: none can, and why.
        """
        return self._priced(await self._of_any(lambda server: server.provider.check()))

    async def models(self) -> list[str]:
        """The models that a server lists, asked anew after a while."""

        async def ask(server: Server) -> list[str]:
            return await server.provider.models() if isinstance(server.provider, OpenAICompatible) else []

        if self._listed is None or self._listed[0] <= monotonic():
            listed = await self._of_any(ask)
            self._listed = monotonic() + _LISTED_S, listed
        return self._listed[1]

    async def capabilities(self, model: str) -> Capabilities:
        """What `model` can do. The probe waits for no place: it is short, and comes once."""
        async with self._probing:
            if model not in self._capabilities:
                self._capabilities[model] = await self._of_any(lambda server: server.provider.capabilities(model))
            return self._capabilities[model]

    @asynccontextmanager
    async def chat(
        self, request: ChatRequest, visit: Visit, observe: Observe | None
    ) -> AsyncIterator[AsyncIterator[ChatChunk]]:
        failures: dict[Server, errors.TheoError] = {}
        while True:
            place: Place | None = None
            answering = False
            try:
                async with (
                    self._slots.taken(failures.keys(), caller=visit.caller, observe=observe) as place,
                    place.server.provider.chat(request, observe) as chunks,
                ):
                    begun = await _begun(chunks)
                    answering = True
                    place.server.answered()
                    visit.server = place.server.name
                    async with aclosing(self._read(begun, chunks, place, visit)) as read:
                        yield read
                return
            except errors.TheoError as error:
                if place is None or answering or not self._may_go_on(place.server, error):
                    raise
                failures[place.server] = error
                if len(failures) == len(self.servers):
                    raise self._none_left(failures) from None
            if observe is not None:
                observe(f"{place.server.name} could not answer, asking another server")

    async def _read(
        self,
        begun: Sequence[ChatChunk],
        chunks: AsyncIterator[ChatChunk],
        place: Place,
        visit: Visit,
    ) -> AsyncGenerator[ChatChunk, None]:
        """All chunks. Whether the server counted the tokens is noted, also where nobody reads to the end."""
        counted = False
        try:
            async with aclosing(_joined(begun, chunks)) as joined:
                async for chunk in joined:
                    counted = counted or chunk.usage is not None
                    place.unread_since = monotonic()
                    yield chunk
                    place.unread_since = None
                    if place.lost:
                        raise errors.TimeoutExceededError(
                            "Nobody read the answer for so long that its place went to another request.",
                            hint="Read a stream as it comes. The limit is idle_timeout_s.",
                        )
        finally:
            visit.estimated = visit.estimated or not counted
        self._slots.give_back(place)  # whoever makes more of the answer, follow-ups for one, still holds the context

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            for server in self.servers:
                stack.push_async_callback(server.provider.aclose)

    def _priced(self, model: ServedModel) -> ServedModel:
        return replace(model, price=self._price) if self._price is not None else model

    async def _of_any(self, question: Callable[[Server], Awaitable[T]]) -> T:
        failures: dict[Server, errors.TheoError] = {}
        for server in sorted(self.servers, key=lambda server: (server.failures > 0, server.at_work)):
            try:
                return await question(server)
            except errors.TheoError as error:
                if not self._may_go_on(server, error):
                    raise
                failures[server] = error
        raise self._none_left(failures)

    def _may_go_on(self, server: Server, error: errors.TheoError) -> bool:
        """Whether another server may be asked after `error`; it counts against `server` where it is the server's."""
        unsent = isinstance(error, errors.UnreachableError)
        unread = error.status in _UNREAD or isinstance(error, errors.NotAvailableError)
        broke = isinstance(error, errors.TransportError | errors.StreamError | errors.ModelError)
        broke = broke or (error.status or 0) >= 500
        if (unsent or unread or broke) and error.code != "too_many_calls":
            server.failed(monotonic(), error.retry_after)
        if isinstance(error, errors.TimeoutExceededError):  # a second wait as long helps nobody
            return False
        return unsent or unread or (broke and not server.billed)

    def _none_left(self, failures: dict[Server, errors.TheoError]) -> errors.TheoError:
        """One error for all; that of a server alone is told as it is."""
        if len(failures) == 1:
            return next(iter(failures.values()))
        said = "; ".join(f"{server.name}: {error.message[:_SHOWN].rstrip('.')}" for server, error in failures.items())
        unsent = all(isinstance(error, errors.UnreachableError) for error in failures.values())
        later = [error.retry_after for error in failures.values() if error.retry_after is not None]
        kind = errors.UnreachableError if unsent else errors.ServiceError
        return kind(
            f"No server of {self.name} could answer. {said}.",
            hint="Look after one of them, then call again.",
            retryable=True,
            retry_after=min(later, default=None),
            status=None if unsent else 503,
            attempts=sum(error.attempts for error in failures.values()),
        )


@dataclass(eq=False)
class Visit:
    """One request's way to a pool, as the provider that it talks to: it knows who answered."""

    pool: Pool
    wanted: str | None = None
    caller: Caller = field(default_factory=Caller)
    server: str = ""
    """The server that answered last."""
    estimated: bool = False
    """Whether tokens were counted here, because a server sent no count."""

    def __post_init__(self) -> None:
        if len(self.pool.servers) == 1:
            self.server = self.pool.servers[0].name

    async def model(self, observe: Observe | None = None) -> ServedModel:
        return await self.pool.model(self.wanted, observe)

    async def check(self) -> ServedModel:
        return await self.pool.check()

    @asynccontextmanager
    async def chat(
        self, request: ChatRequest, observe: Observe | None = None
    ) -> AsyncIterator[AsyncIterator[ChatChunk]]:
        async with self.pool.chat(request, self, observe) as chunks:
            yield chunks

    async def capabilities(self, model: str) -> Capabilities:
        return await self.pool.capabilities(model)

    async def aclose(self) -> None:
        """Nothing: the pool is closed by whoever opened it."""


async def _begun(chunks: AsyncIterator[ChatChunk]) -> list[ChatChunk]:
    """The chunks up to the first that tells something; a role alone is nothing."""
    held: list[ChatChunk] = []
    async for chunk in chunks:
        held.append(chunk)
        if any(
            choice.finish_reason or any(value for name, value in choice.delta if name != "role")
            for choice in chunk.choices
        ):
            break
    return held


async def _joined(begun: Sequence[ChatChunk], chunks: AsyncIterator[ChatChunk]) -> AsyncGenerator[ChatChunk, None]:
    for chunk in begun:
        yield chunk
    async for chunk in chunks:
        yield chunk
