"""JSON and event streams over one connection pool, with deadlines, retries, typed errors and a cancel that closes the
socket.

It refuses redirects (they drop the key or carry it elsewhere) and replies that are neither the JSON nor the event
stream that was asked for. No exception of the HTTP library leaves this package.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from math import inf
from time import monotonic
from typing import Final, Self, TypeVar

import anyio

from theo_mcp import errors
from theo_mcp.http.answer import only, read_answer, whole_reply
from theo_mcp.http.call import Call, Observe, new_key, told
from theo_mcp.http.exchange import Exchange, Head
from theo_mcp.http.library import AsyncClient
from theo_mcp.http.options import Options
from theo_mcp.http.pool import Pool
from theo_mcp.http.sse import EventTooLargeError, ServerSentEvent, SSEDecoder
from theo_mcp.http.telemetry import Report
from theo_mcp.secret import Secret
from theo_mcp.wire.model import Reply

ReplyT = TypeVar("ReplyT", bound=Reply)

_REST_S: Final = 0.1


class Events:
    """The events of one stream, as they come."""

    def __init__(self, report: Report, events: AsyncGenerator[ServerSentEvent, None]) -> None:
        self._report = report
        self._events = events
        self.over = False

    def __aiter__(self) -> AsyncIterator[ServerSentEvent]:
        return self._events

    async def __anext__(self) -> ServerSentEvent:
        return await anext(self._events)

    def answered(self, answer: object) -> None:
        """Tells telemetry what the stream's last event says of model, tokens and cost."""
        self._report.answered(answer)

    def ended(self) -> None:
        """The stream's terminator has come: what the server sends to end its reply is then read for a moment, or its
        connection could not be used again."""
        self.over = True

    async def rest(self) -> None:
        """Reads what comes behind the terminator; it may be anything, and may never come."""
        with anyio.move_on_after(_REST_S), suppress(errors.TheoError):
            async for _ in self._events:
                pass


class HttpClient:
    """One service, one key, one pool. Close it when done.

    `billed` says that a request may cost money: then it carries an ``Idempotency-Key``, is not sent again once it may
    have been done, and errors after it went out warn of that. `limits_per_path` says that the service counts its rate
    limits per endpoint, and `longest_pause` for how many seconds a pause that it asks for is kept at most, where that
    is not the policy's to say. A client that the caller brings as `http_client` stays the caller's to close.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | None = None,
        *,
        service: str,
        billed: bool,
        options: Options = Options(),
        limits_per_path: bool = False,
        longest_pause: float | None = None,
        http_client: AsyncClient | None = None,
    ) -> None:
        self.base_url = base_url
        self.service = service
        self.options = options
        self._key = key
        self._billed = billed
        self._limits_per_path = limits_per_path
        self._longest_pause = longest_pause
        self._pool = Pool(base_url, key, service, http_client)

    def with_options(self, options: Options) -> Self:
        """A client over the same connections whose calls follow `options`."""
        other = copy.copy(self)
        other.options = options
        return other

    async def json(
        self,
        method: str,
        path: str,
        reply: type[ReplyT],
        body: bytes | None = None,
        *,
        timeout: float | None = None,
        authenticate: bool = True,
        accept_status: tuple[int, ...] = (),
        operation: str | None = None,
        observe: Observe | None = None,
    ) -> ReplyT:
        """One logical call, one JSON reply as a `reply` model, all tries within `timeout` seconds.

        Replies with a status in `accept_status` are read like a success; the answer to a DELETE may be empty.
        `operation` is the GenAI operation's name, for telemetry.

        Raises:
            APIError: the service answered with an error.
            TransportError: no whole, readable answer came in time.
        """
        seconds = self._whole if timeout is None else min(timeout, self._total)
        call, exchange = self._begin(method, path, body, seconds, operation, observe, authenticate)

        async def once() -> ReplyT:
            head = await exchange.send("application/json")
            try:
                data = await exchange.body(head)
            finally:
                await exchange.release(head)
            return read_answer(exchange, head, data, reply, accept_status, may_be_empty=method == "DELETE")

        try:
            answer = await call.attempts(once)
        except BaseException as error:
            call.failed(error)
            raise
        call.report.answered(answer)
        call.ended()
        return answer

    async def raw(
        self, method: str, path: str, body: bytes | None = None, *, accept: str = "application/json"
    ) -> bytes:
        """One logical call and the body of its reply, for endpoints that have no method here.

        Raises:
            APIError: the service answered with an error.
            TransportError: no whole answer came in time.
        """
        call, exchange = self._begin(method, path, body, self._whole, None, None)

        async def once() -> bytes:
            head = await exchange.send(accept)
            try:
                data = await exchange.body(head)
            finally:
                await exchange.release(head)
            if head.status >= 400:
                raise exchange.refusal(head, data)
            return data

        with call.reported():
            return await call.attempts(once)

    @asynccontextmanager
    async def events(
        self, path: str, body: bytes, *, operation: str | None = None, observe: Observe | None = None
    ) -> AsyncIterator[Events]:
        """One POST whose reply is an event stream. Leaving the context closes the socket.

        A server that answers with JSON instead gives one event, `WHOLE_REPLY`, whose data is the JSON.

        Raises:
            APIError: the service answered with an error instead of a stream.
            TransportError: no stream came, it broke, or it was silent for too long.
        """
        call, exchange = self._begin("POST", path, body, self._total, operation, observe)

        async def once() -> tuple[AsyncExitStack, AsyncGenerator[ServerSentEvent, None]]:
            async with AsyncExitStack() as stack:
                with call.first_byte(self.options.timeouts.first_byte):
                    head = await exchange.send("text/event-stream")
                    stack.push_async_callback(exchange.release, head)
                    kind = head.headers.get("content-type", "").partition(";")[0].strip().lower()
                    if 200 <= head.status < 300 and kind == "text/event-stream":
                        if self.options.on_reply is not None:
                            told(self.options.on_reply, head.reply(b""))
                        return stack.pop_all(), self._read_events(call, exchange, head)
                    event = whole_reply(exchange, head, await exchange.body(head), kind)
                return stack.pop_all(), only(event)

        with call.reported():
            stack, events = await call.attempts(once)
            async with stack, aclosing(events):
                read = Events(call.report, events)
                yield read
                if read.over and self._pool.keeps:
                    await read.rest()

    @asynccontextmanager
    async def chunks(
        self, path: str, headers: dict[str, str]
    ) -> AsyncIterator[tuple[int, dict[str, str], AsyncIterator[bytes]]]:
        """One GET whose body is read as it comes, unpacked: (status, headers, pieces). `headers` go beside ours. A
        status below 300, and 416 (what was asked for lies behind the end), is passed on.

        Raises:
            APIError: the service answered with an error.
            TransportError: the body broke, or was silent for too long.
        """
        call, exchange = self._begin("GET", path, None, self._total, None, None)

        async def once() -> tuple[AsyncExitStack, Head]:
            async with AsyncExitStack() as stack:
                with call.first_byte(self.options.timeouts.first_byte):
                    head = await exchange.send("*/*", headers)
                    stack.push_async_callback(exchange.release, head)
                    if head.status >= 400 and head.status != 416:
                        raise exchange.refusal(head, await exchange.body(head))
                return stack.pop_all(), head

        with call.reported():
            stack, head = await call.attempts(once)
            async with stack, aclosing(self._read_pieces(call, exchange, head)) as pieces:
                yield head.status, head.headers, pieces

    def pauses(self) -> dict[str, float]:
        """Seconds until the times that the service named for its next requests, by path; "" is all of them."""
        return self._pool.traffic.pauses(monotonic())

    async def reset(self) -> None:
        """Closes the connections; the next call opens new ones, in whatever event loop it runs."""
        await self._pool.reset()

    async def aclose(self) -> None:
        """Closes the connections; calls after it raise."""
        await self._pool.aclose()

    @property
    def _whole(self) -> float:
        return min(self.options.timeouts.whole, self._total)

    @property
    def _total(self) -> float:
        total = self.options.timeouts.total
        return inf if total is None else total

    def _begin(
        self,
        method: str,
        path: str,
        body: bytes | None,
        seconds: float,
        operation: str | None,
        observe: Observe | None,
        authenticate: bool = True,
    ) -> tuple[Call, Exchange]:
        given = self.options.idempotency_key
        call = Call(
            service=self.service,
            method=method,
            path=path,
            body=body,
            seconds=seconds,
            until=monotonic() + seconds,
            policy=self.options.policy,
            traffic=self._pool.traffic,
            report=Report(self.service, self.base_url, method, path, operation),
            billed=self._billed,
            key=(given or new_key()) if self._billed and method == "POST" else None,
            limits_per_path=self._limits_per_path,
            longest_pause=self._longest_pause,
            limited=authenticate,
            observe=observe,
        )
        key = self._key if authenticate else None
        return call, Exchange(call, self.base_url, key, self._pool, self.options)

    async def _read_events(self, call: Call, exchange: Exchange, head: Head) -> AsyncGenerator[ServerSentEvent, None]:
        decoder = SSEDecoder(self.options.limits.event)
        first = True
        # Comments do not feed the clock, events do.
        with call.watched(head.response, self.options.timeouts.idle) as silence:
            async with aclosing(silence.reads(exchange.pieces(head))) as pieces:
                try:
                    async for piece in pieces:
                        if not (events := decoder.feed(piece)):
                            continue
                        silence.since = None
                        if first:
                            call.report.first_chunk()
                            first = False
                        for event in events:
                            yield event
                        silence.since = monotonic()
                    decoder.close()
                except EventTooLargeError as error:
                    raise errors.ProtocolError(f"{self.service} sent a stream in which {error}.") from None

    async def _read_pieces(self, call: Call, exchange: Exchange, head: Head) -> AsyncGenerator[bytes, None]:
        with call.watched(head.response, self.options.timeouts.idle) as silence:
            async with aclosing(silence.reads(exchange.pieces(head))) as pieces:
                async for piece in pieces:
                    silence.since = None
                    yield piece
                    silence.since = monotonic()
