"""JSON and event streams over one connection pool, with deadlines, typed errors and a cancel that closes the socket.

It refuses redirects (they drop the key or carry it elsewhere), keys over plain http, and replies that are not the
JSON or the event stream that was asked for. No exception of the HTTP library leaves this module.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TypeVar

import anyio
import httpx2
from pydantic import BaseModel

from theo_mcp import errors
from theo_mcp.http.address import host_of, is_loopback
from theo_mcp.http.envelope import error_from
from theo_mcp.http.sse import EventTooLargeError, ServerSentEvent, SSEDecoder
from theo_mcp.secret import Secret
from theo_mcp.wire.model import read_json

ReplyT = TypeVar("ReplyT", bound=BaseModel)

_CLOSE_GRACE_S = 1.0


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect; for a whole reply that does not stream; between two events of a stream."""

    connect: float = 10.0
    whole: float = 120.0
    idle: float = 120.0


class HttpClient:
    """One service, one key, one pool. Close it when done."""

    def __init__(
        self,
        base_url: str,
        key: Secret | None = None,
        *,
        service: str,
        timeouts: Timeouts = Timeouts(),
        max_body_bytes: int = 64 * 2**20,
    ) -> None:
        self.base_url = base_url
        self.service = service
        self._key = key
        self._timeouts = timeouts
        self._max_body = max_body_bytes
        self._http: httpx2.AsyncClient | None = None

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
    ) -> ReplyT:
        """One request, one JSON reply as a `reply` model, all within `timeout` seconds.

        Replies with a status in `accept_status` are read like a success.

        Raises:
            APIError: the service answered with an error.
            TransportError: no whole, readable answer came in time.
        """
        seconds = timeout or self._timeouts.whole
        with self._deadline(seconds, f"{self.service} did not answer within {seconds:g} s."):
            async with self._send(method, path, body, "application/json", authenticate) as response:
                data = await self._body(response)
                if not response.is_success and response.status_code not in accept_status:
                    raise self._refusal(response, data)
        try:
            answer = reply.model_validate(read_json(data))
        except ValueError:
            raise errors.ProtocolError(
                f"{self.service} answered with something other than the JSON that it documents.",
                hint=f"Check the base URL ({self.base_url}): a proxy or a login page may have answered.",
                status=response.status_code,
                request_id=_request_id(response),
                attempts=1,
                partial=data.decode("utf-8", "replace"),
            ) from None
        if (answer.model_extra or {}).get("error"):  # an error in the envelope of a success
            raise self._refusal(response, data)
        return answer

    @asynccontextmanager
    async def events(self, path: str, body: bytes) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        """One POST whose reply is an event stream. Leaving the context closes the socket.

        Raises:
            APIError: the service answered with an error instead of a stream.
            TransportError: no stream came, it broke, or it was silent for too long.
        """
        idle = self._timeouts.idle
        silence = f"{self.service} sent nothing for {idle:g} s."
        async with self._send("POST", path, body, "text/event-stream", True, head_within=idle) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if not response.is_success or kind != "text/event-stream":
                with self._deadline(idle, silence):
                    data = await self._body(response)
                if not response.is_success or b'"error"' in data[:200]:
                    raise self._refusal(response, data)
                raise errors.ProtocolError(
                    f"{self.service} answered with {kind or 'no content type'} where an event stream was asked for.",
                    hint=f"Check the base URL ({self.base_url}).",
                    status=response.status_code,
                    request_id=_request_id(response),
                    attempts=1,
                    partial=data.decode("utf-8", "replace"),
                )
            async with aclosing(self._read_events(response, idle, silence)) as events:
                yield events

    async def aclose(self) -> None:
        """Closes the pool."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def _read_events(
        self, response: httpx2.Response, idle: float, silence: str
    ) -> AsyncGenerator[ServerSentEvent, None]:
        decoder = SSEDecoder()
        chunks = response.aiter_bytes()
        with self._mapped():
            while True:
                events: list[ServerSentEvent] = []
                with self._deadline(idle, silence):  # comments do not feed the clock, events do
                    while not events:
                        try:
                            events = decoder.feed(await anext(chunks))
                        except StopAsyncIteration:
                            return
                        except EventTooLargeError as error:
                            raise errors.ProtocolError(f"{self.service} sent a stream in which {error}.") from None
                for event in events:
                    yield event

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        accept: str,
        authenticate: bool,
        *,
        head_within: float | None = None,
    ) -> AsyncIterator[httpx2.Response]:
        http = self._pool()
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key is not None and authenticate:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        with self._mapped():
            request = http.build_request(method, self.base_url + path, content=body, headers=headers)
            with self._deadline(head_within, f"{self.service} did not begin to answer within {head_within or 0:g} s."):
                response = await http.send(request, stream=True, follow_redirects=False)
            try:
                if response.is_redirect:
                    raise errors.ProtocolError(
                        f"{self.service} redirects to {host_of(response.headers.get('location', ''))}, which is not "
                        "followed because it could carry the key elsewhere.",
                        hint="If you trust that host, set it as the base URL.",
                        status=response.status_code,
                        attempts=1,
                    )
                yield response
            finally:
                with anyio.move_on_after(_CLOSE_GRACE_S, shield=True):
                    await response.aclose()

    async def _body(self, response: httpx2.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > self._max_body:
                raise errors.ProtocolError(
                    f"{self.service} sent more than {self._max_body} bytes.", status=response.status_code, attempts=1
                )
        return b"".join(parts)

    def _refusal(self, response: httpx2.Response, data: bytes) -> errors.APIError:
        return error_from(
            response.status_code,
            data,
            request_id=_request_id(response),
            retry_after=_retry_after(response.headers),
        )

    def _pool(self) -> httpx2.AsyncClient:
        """Made at the first request: a TLS context costs 15 ms that a server without requests need not pay."""
        if self._http is None:
            local = is_loopback(self.base_url)
            # llama.cpp's server closes the socket after a stream but announces keep-alive; a pooled connection to it
            # fails one call in five. A proxy between this machine and itself is never meant.
            limits = httpx2.Limits(max_connections=100, max_keepalive_connections=0 if local else 20)
            self._http = httpx2.AsyncClient(
                headers={"User-Agent": f"theo-mcp/{version('theo-mcp')}"},
                timeout=httpx2.Timeout(None, connect=self._timeouts.connect, pool=self._timeouts.connect),
                limits=limits,
                trust_env=not local,
            )
        return self._http

    @contextmanager
    def _deadline(self, seconds: float | None, message: str) -> Iterator[None]:
        try:
            with anyio.fail_after(seconds):
                yield
        except TimeoutError:
            raise errors.TimeoutExceededError(
                message, hint="The work may have been done; a longer limit is a setting (timeout_s).", attempts=1
            ) from None

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Turns what the HTTP library raises into our errors; nothing of the request is in their text."""
        host = host_of(self.base_url)
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError) as error:
            raise errors.UnreachableError(
                f"{self.service} could not be reached at {host}: {_cause(error)}.",
                hint=f"Check the address, the network and the proxy; the base URL is {self.base_url}.",
                attempts=1,
            ) from None
        except httpx2.TimeoutException:
            raise errors.TimeoutExceededError(
                f"{self.service} at {host} was silent for too long.", attempts=1
            ) from None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise errors.ConfigError(f"The base URL of {self.service} is not a URL that can be called.") from None
        except httpx2.DecodingError:
            raise errors.ProtocolError(f"{self.service} sent a body whose encoding is broken.", attempts=1) from None
        except (httpx2.HTTPError, httpx2.StreamError, ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError):
            raise errors.ConnectionLostError(
                f"The connection to {self.service} at {host} broke before the answer was whole.",
                hint="The work may have been done and billed, so look before you call again.",
                attempts=1,
            ) from None


def _request_id(response: httpx2.Response) -> str | None:
    return response.headers.get("x-request-id")


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds, from Retry-After as a number or as a date (measured against the reply's own clock)."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        then, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _cause(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.PoolTimeout):
        return "too many requests are under way"
    if isinstance(error, httpx2.TimeoutException):
        return "no connection in time"
    if isinstance(error, httpx2.ProxyError):
        return "the proxy refused"
    text = str(error).lower()
    if "certificate" in text or "ssl" in text:
        return "its certificate is not trusted by this machine (SSL_CERT_FILE adds one)"
    if "name" in text or "getaddrinfo" in text or "nodename" in text:
        return "the name is unknown"
    return "the connection was refused" if "refused" in text or "attempts failed" in text else "no connection"
