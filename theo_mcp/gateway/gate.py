"""The one path of every request: id, host, key, limits, body, credits, work, answer; and of every failure.

The work stops when the client closes the connection, also where nothing streams. (A client that closes only its sending
side counts as gone: the two look alike until something is written.)
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
from anyio.abc import TaskGroup
from starlette.types import Receive, Scope, Send

from theo_mcp.backend import Backend, Caller
from theo_mcp.errors import StoreError, TheoError
from theo_mcp.gateway import bodies
from theo_mcp.gateway.bodies import Gone
from theo_mcp.gateway.call import EVENTS, Answer, Call, Endpoint, Streamed, Whole
from theo_mcp.gateway.credits import Credits, Spent
from theo_mcp.gateway.heads import check_length, host_name, is_fresh
from theo_mcp.gateway.keys import Key, Keys
from theo_mcp.gateway.limits import Hours, Minutes
from theo_mcp.gateway.noted import Noted
from theo_mcp.gateway.outgoing import GONE, Outgoing
from theo_mcp.gateway.patience import Patience
from theo_mcp.gateway.refusals import Refusal, closing, failure, not_allowed, place_of, refusal_of
from theo_mcp.gateway.replays import Once, Replays
from theo_mcp.meanwhile import meanwhile
from theo_mcp.store import Store
from theo_mcp.wire.service import Health
from theo_mcp.wire.words import MODES

_HEALTH_S: Final = 5.0
_NOBODY: Final = Key("", "", "unlimited", 0.0)
_CHALLENGE: Final = {"www-authenticate": "Bearer"}

log = logging.getLogger("theo_mcp.gateway")


@dataclass
class Work:
    """A request under way."""

    tasks: TaskGroup
    streams: bool = False
    why: str = ""
    """What stopped it: ``gone``, ``slow`` or ``closing``."""

    def stop(self, why: str) -> None:
        if not self.why:
            self.why = why
            self.tasks.cancel_scope.cancel()


@dataclass
class Gateway:
    """What all requests share."""

    backend: Backend
    store: Store
    hosts: frozenset[str] | None = None
    """The names that a request may ask for; None is any. It keeps web pages with a name of their own for this machine
    away from what needs no key."""

    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self.keys = Keys(self.store)
        self.minutes = Minutes()
        self.hours = Hours(self.store)
        self.credits = Credits(self.store)
        self.replays = Replays(self.store)
        self.noted = Noted(self.backend)
        self.works: list[Work] = []
        self._idle = anyio.Event()
        self.is_closing = False
        self._health: tuple[float, Health] | None = None

    async def health(self) -> tuple[Health, bool]:
        """How the backend is, and whether it was asked just now: nobody needs a key to ask, so it is kept a while."""
        now = time.monotonic()
        if self._health is not None and now - self._health[0] < _HEALTH_S:
            return self._health[1], False
        health = await self.backend.theo.health()
        self._health = (now, health)
        return health, True

    def knows(self, scope: Scope) -> bool:
        """Whether it is asked by a name of its own."""
        if self.hosts is None:
            return True
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        return host_name(host) in self.hosts

    def begin(self, work: Work) -> None:
        """A request has begun."""
        if not self.works:
            self._idle = anyio.Event()
        self.works.append(work)

    def end(self, work: Work) -> None:
        """It has ended."""
        self.works.remove(work)
        if not self.works:
            self._idle.set()

    async def drain(self) -> None:
        """Ends what is under way: streams at once, with an error event; the rest after a while."""
        self.is_closing = True
        for work in list(self.works):
            if work.streams:
                work.stop("closing")
        if self.works:
            with anyio.move_on_after(self.patience.grace):
                await self._idle.wait()
        for work in list(self.works):
            work.stop("closing")


class Gate:
    """The ASGI application of one path."""

    def __init__(self, gateway: Gateway, endpoints: Iterable[Endpoint]) -> None:
        self._gateway = gateway
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        method = scope["method"]
        endpoint = self._endpoints.get("GET" if method == "HEAD" else method)
        shape = endpoint or next(iter(self._endpoints.values()))
        out = Outgoing(send, f"req_{secrets.token_hex(8)}", shape.api, self._gateway.patience)
        who, at = "", time.time()
        try:
            if endpoint is None:
                raise not_allowed(self._endpoints)
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            check_length(headers)
            key = await self._key(endpoint, headers)
            who = key.id
            _check_scope(endpoint, key)
            await self._admitted(endpoint, key, headers, scope, receive, out)
        except Gone:
            out.status = GONE
        except Refusal as refusal:
            await out.refuse(refusal)
        except TheoError as error:
            await out.refuse(refusal_of(error, shape.no_prompt))
        except Exception as error:  # whatever it is, the client gets an answer, and the log the place
            log.error(
                "A request failed.", extra={"facts": {"event": "failed", "request_id": out.id, **place_of(error)}}
            )
            await out.refuse(failure())
        finally:
            if endpoint is not None:
                self._gateway.noted.end(endpoint, who, out, at)
            if log.isEnabledFor(logging.INFO):
                took = round((time.perf_counter() - began) * 1000, 1)
                facts = {"event": "request", "request_id": out.id, "key": who, "method": method, "path": shape.path}
                ended = {"status": out.status, "ms": took} | ({"code": out.code} if out.code else {})
                log.info("request", extra={"facts": facts | ended})

    async def _key(self, endpoint: Endpoint, headers: Mapping[str, str]) -> Key:
        if not endpoint.keyed:
            with suppress(Refusal, StoreError):
                if "authorization" in headers:
                    return await self._named(headers)
            return _NOBODY
        return await self._named(headers)

    async def _named(self, headers: Mapping[str, str]) -> Key:
        scheme, _, text = headers.get("authorization", "").partition(" ")
        key = await self._gateway.keys.find(text.strip()) if scheme.lower() == "bearer" and text.strip() else None
        if key is None or key.revoked is not None:
            raise Refusal(401, "invalid_api_key", "Missing or invalid API key.", headers=_CHALLENGE)
        if key.expires is not None and key.expires <= time.time():
            raise Refusal(401, "key_expired", "This API key has expired.", headers=_CHALLENGE)
        return key

    async def _admitted(
        self,
        endpoint: Endpoint,
        key: Key,
        headers: Mapping[str, str],
        scope: Scope,
        receive: Receive,
        out: Outgoing,
    ) -> None:
        gateway = self._gateway
        if endpoint.keyed and endpoint.api == "theo":
            out.limits = lambda: gateway.minutes.headers(key)
            gateway.minutes.take(key)
        body = b""
        if endpoint.takes is not None:
            body = await bodies.read(receive, headers, endpoint.most, gateway.patience.body)
        fields = bodies.fields_of(body) if endpoint.takes is not None else {}
        again = headers.get("idempotency-key") if endpoint.works else None
        async with AsyncExitStack() as stack:
            work = await stack.enter_async_context(self._watched(receive, out))
            once: Once | None = None
            if again is not None:
                what = f"{endpoint.method} {scope['path']}"
                once = await stack.enter_async_context(gateway.replays.once(key, what, again, body))
                if once.kept is not None:
                    await out.replay(once.kept)
                    return
            spent = await self._paid(endpoint, key, fields, stack)
            caller = Caller(tenant=key.id, idempotency_key=again, fresh=is_fresh(headers), request_id=out.id)
            backend = gateway.backend.for_caller(caller)
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            path = dict(scope.get("path_params", {}))
            call = Call(endpoint, gateway, out.id, key, backend, fields, query, path, spent)
            try:
                await self._answered(call, await endpoint.work(call), work, out, once)
            finally:
                gateway.minutes.used(key, spent.tokens)

    async def _paid(self, endpoint: Endpoint, key: Key, fields: Mapping[str, object], stack: AsyncExitStack) -> Spent:
        gateway = self._gateway
        mode = endpoint.mode
        if mode == "*":  # a word that is none of the documents' is refused later
            mode = next((word for word in MODES if word == fields.get("mode")), "")
        if mode:
            gateway.minutes.take_mode(key, mode)
        if not endpoint.works:
            return Spent()
        spent = await stack.enter_async_context(gateway.credits.reserved(key, f"{endpoint.path} {mode}"))
        if endpoint.counted is not None and endpoint.takes is not None:
            bodies.request_of(endpoint.takes, fields)  # what is refused anyway is not one of the few of the hour
            await gateway.hours.take(key, endpoint.counted)
        return spent

    async def _answered(self, call: Call, answer: Answer, work: Work, out: Outgoing, once: Once | None) -> None:
        match answer:
            case Whole():
                if once is not None and answer.status < 300:
                    once.add(answer.body)
                    await once.keep(answer.status, answer.media)
                await call.spent.settle()
                await out.whole(answer)
            case Streamed():
                work.streams = True
                out.beat, out.failed = answer.beat, answer.failed
                work.tasks.start_soon(out.pulse, work.stop)
                async with aclosing(answer.frames) as frames:
                    async for frame in frames:
                        if once is not None:
                            once.add(frame)
                        if call.spent.final:
                            await self._keep(call, once)
                        await out.frame(frame)
                await out.end()

    async def _keep(self, call: Call, once: Once | None) -> None:
        if once is not None:
            await once.keep(call.endpoint.status, EVENTS)
        await call.spent.settle()

    @asynccontextmanager
    async def _watched(self, receive: Receive, out: Outgoing) -> AsyncIterator[Work]:
        """Runs a request until it ends, its client goes or stalls, or the gateway is stopped."""
        gateway = self._gateway
        if gateway.is_closing:
            raise closing()
        stopped: Work | None = None
        try:
            async with meanwhile() as tasks:
                work = stopped = Work(tasks)
                gateway.begin(work)
                tasks.start_soon(_until_gone, receive, work, out)
                try:
                    yield work
                finally:
                    gateway.end(work)
        finally:
            if stopped is not None and stopped.why == "closing":
                raise closing()
            if stopped is not None and stopped.why:
                raise Gone


def _check_scope(endpoint: Endpoint, key: Key) -> None:
    if endpoint.keyed and endpoint.scope is not None and endpoint.scope not in key.scopes:
        raise Refusal(403, "missing_scope", f"This API key lacks the scope {endpoint.scope}.")


async def _until_gone(receive: Receive, work: Work, out: Outgoing) -> None:
    message: MutableMapping[str, Any] = {}
    while message.get("type") != "http.disconnect":
        message = await receive()
    if not out.ended:  # the server says the same once all is sent
        work.stop("gone")
