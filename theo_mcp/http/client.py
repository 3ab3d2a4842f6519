"""JSON and event streams over one connection pool, with deadlines, typed errors and a cancel that closes the socket.

It refuses redirects (they drop the key or carry it elsewhere), keys over plain http, and replies that are neither the
JSON nor the event stream that was asked for. No exception of the HTTP library leaves this module.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TypeVar

import anyio
import httpx2

from theo_mcp import errors
from theo_mcp.http.address import host_of, is_loopback
from theo_mcp.http.envelope import error_from, word
from theo_mcp.http.sse import EventTooLargeError, ServerSentEvent, SSEDecoder
from theo_mcp.secret import Secret, redact
from theo_mcp.wire.model import Extended, Reply, read_json

ReplyT = TypeVar("ReplyT", bound=Reply)

WHOLE_REPLY = "whole reply"
"""The name of the one event that stands for a JSON reply of a server that does not stream."""
_CLOSE_GRACE_S = 1.0
_SHOWN_BODY = 2000
_NO_ANSWER = (httpx2.HTTPError, httpx2.StreamError, ssl.SSLError, OSError, anyio.EndOfStream, anyio.BrokenResourceError)


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect; for a whole reply that does not stream; between two events of a stream."""

    connect: float = 10.0
    whole: float = 120.0
    idle: float = 120.0


class HttpClient:
    """One service, one key, one pool. Close it when done.

    `billed` says that a request may cost money, so that an error after it went out warns of that.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | None = None,
        *,
        service: str,
        billed: bool,
        timeouts: Timeouts = Timeouts(),
        max_body_bytes: int = 64 * 2**20,
    ) -> None:
        self.base_url = base_url
        self.service = service
        self._key = key
        self._timeouts = timeouts
        self._max_body = max_body_bytes
        self._http: httpx2.AsyncClient | None = None
        self._closed = False
        self._after_sent = (
            "The work may have been done and billed, so look before you call again." if billed else "Call again."
        )

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
        with self._deadline(seconds, "did not answer", "timeout_s"):
            async with self._send(method, path, body, "application/json", authenticate) as response:
                data = await self._body(response)
        accepted = response.is_success or response.status_code in accept_status
        if not accepted:
            raise self._refusal(response, data)
        try:
            answer = reply.model_validate(read_json(data))
        except ValueError:
            if not response.is_success:
                raise self._refusal(response, data) from None
            raise self._unreadable(response, data, "something other than the JSON that it documents") from None
        failed = bool((answer.model_extra or {}).get("error"))  # an error in the envelope of a success
        if failed and not (isinstance(answer, Extended) and answer.delivered):
            raise self._refusal(response, data)
        return answer

    @asynccontextmanager
    async def events(self, path: str, body: bytes) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        """One POST whose reply is an event stream. Leaving the context closes the socket.

        A server that answers with JSON instead gives one event, `WHOLE_REPLY`, whose data is the JSON.

        Raises:
            APIError: the service answered with an error instead of a stream.
            TransportError: no stream came, it broke, or it was silent for too long.
        """
        idle = self._timeouts.idle
        async with self._send("POST", path, body, "text/event-stream", True, head_within=idle) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.is_success and kind == "text/event-stream":
                async with aclosing(self._read_events(response)) as events:
                    yield events
                return
            with self._deadline(idle, "sent nothing", "idle_timeout_s"):
                data = await self._body(response)
            if not response.is_success:
                raise self._refusal(response, data)
            try:
                fields = read_json(data)
            except ValueError:
                fields = None
            if not isinstance(fields, dict):
                raise self._unreadable(response, data, f"{kind or 'no content type'} where an event stream was due")
            if fields.get("error") and not fields.get("content") and not fields.get("choices"):
                raise self._refusal(response, data)
            async with aclosing(_one(ServerSentEvent(WHOLE_REPLY, data.decode("utf-8", "replace"), ""))) as events:
                yield events

    async def aclose(self) -> None:
        """Closes the pool; calls after it raise."""
        self._closed = True
        if self._http is not None:
            http, self._http = self._http, None
            await http.aclose()

    async def _read_events(self, response: httpx2.Response) -> AsyncGenerator[ServerSentEvent, None]:
        decoder = SSEDecoder()
        chunks = response.aiter_bytes()
        while True:
            events: list[ServerSentEvent] = []
            # Comments do not feed the clock, events do.
            with self._deadline(self._timeouts.idle, "sent nothing", "idle_timeout_s"):
                while not events:
                    try:
                        with self._mapped():
                            chunk = await anext(chunks)
                        events = decoder.feed(chunk)
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
        with self._deadline(head_within, "did not begin to answer", "idle_timeout_s"), self._mapped():
            request = http.build_request(method, self.base_url + path, content=body, headers=headers)
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
        with self._mapped():
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > self._max_body:
                    raise errors.ProtocolError(
                        f"{self.service} sent more than {self._max_body} bytes.",
                        status=response.status_code,
                        attempts=1,
                    )
        return b"".join(parts)

    def _refusal(self, response: httpx2.Response, data: bytes) -> errors.APIError:
        return error_from(
            response.status_code, data, request_id=_request_id(response), retry_after=_retry_after(response.headers)
        )

    def _unreadable(self, response: httpx2.Response, data: bytes, what: str) -> errors.ProtocolError:
        return errors.ProtocolError(
            f"{self.service} answered with {what}.",
            hint=f"Check the base URL ({self.base_url}): a proxy or a login page may have answered.",
            status=response.status_code,
            request_id=_request_id(response),
            attempts=1,
            partial=redact(data[:_SHOWN_BODY].decode("utf-8", "replace")),
        )

    def _pool(self) -> httpx2.AsyncClient:
        """Made at the first request: a TLS context costs 15 ms that a server without requests need not pay."""
        if self._closed:
            raise errors.TransportError(f"The client for {self.service} is closed.", code="client_closed")
        if self._http is None:
            local = is_loopback(self.base_url)
            try:
                # llama.cpp's server closes the socket after a stream but announces keep-alive; a pooled connection to
                # it fails one call in five. A proxy between this machine and itself is never meant.
                self._http = httpx2.AsyncClient(
                    headers={"User-Agent": f"theo-mcp/{version('theo-mcp')}"},
                    timeout=httpx2.Timeout(None, connect=self._timeouts.connect, pool=self._timeouts.connect),
                    limits=httpx2.Limits(max_connections=100, max_keepalive_connections=0 if local else 20),
                    trust_env=not local,
                )
            except (ImportError, ValueError, OSError, httpx2.InvalidURL):
                raise errors.ConfigError(
                    "The proxy or certificate settings of the environment cannot be used.",
                    hint="Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE.",
                ) from None
        return self._http

    @contextmanager
    def _deadline(self, seconds: float | None, what: str, setting: str) -> Iterator[None]:
        try:
            with anyio.fail_after(seconds):
                yield
        except TimeoutError:
            raise errors.TimeoutExceededError(
                f"{self.service} {what} within {seconds:g} s.",
                hint=f"{self._after_sent} The limit is the setting {setting}.",
                attempts=1,
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
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError):
            raise errors.ConfigError(f"The base URL of {self.service} is not a URL that can be called.") from None
        except httpx2.DecodingError:
            raise errors.ProtocolError(f"{self.service} sent a body whose encoding is broken.", attempts=1) from None
        except TimeoutError:  # an OSError, and ours
            raise
        except (*_NO_ANSWER, ExceptionGroup):
            raise errors.ConnectionLostError(
                f"The connection to {self.service} at {host} broke before the answer was whole.",
                hint=self._after_sent,
                attempts=1,
            ) from None


async def _one(event: ServerSentEvent) -> AsyncGenerator[ServerSentEvent, None]:
    yield event


def _request_id(response: httpx2.Response) -> str | None:
    return word(response.headers.get("x-request-id"))


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds, from Retry-After as a number or as a date (measured against the reply's own clock)."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            then, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
            seconds = (then - now).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _cause(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.PoolTimeout):
        return "too many requests are under way"
    if isinstance(error, httpx2.TimeoutException):
        return "no connection in time"
    if isinstance(error, httpx2.ProxyError):
        return "the proxy refused"
    text = str(error).lower()
    if "certificate_verify_failed" in text or "certificate verify failed" in text:
        return "its certificate is not trusted by this machine (SSL_CERT_FILE adds one)"
    if "ssl" in text or "tls" in text:
        return "no TLS connection could be made"
    if "name" in text or "getaddrinfo" in text or "nodename" in text:
        return "the name is unknown"
    return "the connection was refused" if "refused" in text or "attempts failed" in text else "no connection"
