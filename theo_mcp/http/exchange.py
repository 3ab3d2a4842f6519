"""One request and the reading of its reply: the only place where the HTTP library is called.

Whatever the library raises becomes one of our errors here, and nothing of the request is in its text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from time import monotonic
from typing import Any

import anyio

from theo_mcp import errors
from theo_mcp.http.address import host_of
from theo_mcp.http.body import ACCEPTED, BodyError, Unpacked, read_all
from theo_mcp.http.call import Call
from theo_mcp.http.envelope import error_from, word
from theo_mcp.http.library import Library, Response, chunks_of, release
from theo_mcp.http.options import Options, RawReply
from theo_mcp.http.pool import Pool
from theo_mcp.http.retry import kind_of_status, read_retry_after, read_should_retry
from theo_mcp.secret import Secret, redact

_SHOWN_BODY = 2000


class Exchange:
    """How `call`'s tries go to the service at `base_url` and come back."""

    def __init__(self, call: Call, base_url: str, key: Secret | None, pool: Pool, options: Options) -> None:
        self._call = call
        self._base_url = base_url
        self._key = key
        self._pool = pool
        self._options = options

    @asynccontextmanager
    async def send(self, accept: str, more: dict[str, str] | None = None) -> AsyncIterator[Response]:
        """One try, up to the head of its reply. Leaving closes the socket unless the reply was read whole."""
        call = self._call
        wire = call.next_try()
        lease = self._pool.take()
        self._library = lease.library
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._pool.leave, lease)
            started = monotonic()
            with self._mapped(lease.library):
                try:
                    wire.connecting.deadline = anyio.current_time() + 1.1 * self._options.timeouts.connect
                    with wire.connecting:
                        response: Response = await lease.http.send(
                            self._request(lease.http, accept, more), stream=True, follow_redirects=False
                        )
                    if wire.connecting.cancelled_caught:  # the library's own time-out does not see a silent proxy
                        raise self._unreachable("no connection in time")
                except BaseException:
                    await wire.drop()
                    if wire.tunnelled and not wire.sent:
                        self._pool.retire()
                    raise
                finally:
                    call.sent += wire.sent
            stack.push_async_callback(release, response, wire)
            status = response.status_code
            call.settled = status >= 400 and kind_of_status(status) != "ambiguous"
            call.should_retry = read_should_retry(response.headers)
            call.report.tried(call.tries, response.headers, status, monotonic() - started)
            if 300 <= status < 400:
                raise self._redirected(response)
            yield response

    async def body(self, response: Response) -> bytes:
        """The whole body, unpacked.

        Raises:
            TransportError: it broke, is too large or cannot be unpacked.
        """
        headers = response.headers
        try:
            async with aclosing(self._raw(response)) as raw:
                data = await read_all(
                    raw,
                    headers.get("content-encoding", ""),
                    headers.get("content-length", ""),
                    self._options.limits.body,
                )
        except BodyError as error:
            raise errors.ProtocolError(f"{self._call.service} {error}.", status=response.status_code) from None
        if self._options.on_reply is not None:
            self._options.on_reply(raw_reply(response, data))
        return data

    def pieces(self, response: Response) -> AsyncGenerator[bytes, None]:
        """The body as it comes, unpacked; the caller sets the time between pieces.

        Raises:
            TransportError: it broke or cannot be unpacked.
        """
        encoding = response.headers.get("content-encoding", "")
        return self._unpacked(response, encoding) if encoding else self._raw(response)

    async def _unpacked(self, response: Response, encoding: str) -> AsyncGenerator[bytes, None]:
        try:
            unpacked = Unpacked(encoding)
            async with aclosing(self._raw(response)) as raw:
                async for chunk in raw:
                    for piece in unpacked.feed(chunk):
                        yield piece
        except BodyError as error:
            raise errors.ProtocolError(f"{self._call.service} {error}.", status=response.status_code) from None

    def refusal(self, response: Response, data: bytes) -> errors.APIError:
        """The error that a reply with an error status, or with an error inside, stands for."""
        headers = response.headers
        return error_from(
            response.status_code, data, request_id=request_id(response), retry_after=read_retry_after(headers)
        )

    def unreadable(self, response: Response, data: bytes, what: str) -> errors.ProtocolError:
        """The error of a reply that is `what` instead of what was asked for."""
        return errors.ProtocolError(
            f"{self._call.service} answered with {what}.",
            hint=f"Check the base URL ({self._base_url}): a proxy or a login page may have answered.",
            status=response.status_code,
            request_id=request_id(response),
            partial=redact(data[:_SHOWN_BODY].decode("utf-8", "replace")),
        )

    async def _raw(self, response: Response) -> AsyncGenerator[bytes, None]:
        """The body as it comes. Unlike the library's own iterator it leaves the connection to `release`."""
        with self._mapped(self._library):
            async with aclosing(chunks_of(response)) as chunks:
                async for chunk in chunks:
                    yield chunk
        self._call.wire.read = True

    def _request(self, http: Any, accept: str, more: dict[str, str] | None) -> Any:
        """The library's request; the key is in it, so no frame of ours keeps it."""
        call = self._call
        headers = {
            "Accept": accept,
            "Accept-Encoding": ACCEPTED if accept == "application/json" else "identity",
            **(more or {}),
        }
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        connect = self._options.timeouts.connect
        times = {"connect": connect, "pool": connect, "read": None, "write": None}
        call.tell("sent")
        return http.build_request(
            call.method,
            self._base_url + call.path,
            content=call.body,
            headers=headers,
            extensions={"timeout": times, "trace": call.wire.trace},
        )

    def _redirected(self, response: Response) -> errors.RedirectError:
        location = response.headers.get("location", "")
        error = errors.RedirectError(
            f"{self._call.service} redirects to {host_of(location)}, which is not followed because it could carry the "
            "key elsewhere.",
            hint="If you trust that host, set it as the base URL.",
            status=response.status_code,
        )
        error.location = location
        return error

    def _unreachable(self, why: str) -> errors.UnreachableError:
        return errors.UnreachableError(
            f"{self._call.service} could not be reached at {host_of(self._base_url)}: {why}.",
            hint=f"Check the address, the network and the proxy; the base URL is {self._base_url}.",
        )

    @contextmanager
    def _mapped(self, library: Library) -> Iterator[None]:
        """Turns what the HTTP library raises into our errors."""
        call = self._call
        try:
            yield
        except (errors.TheoError, TimeoutError):  # the second is an OSError, and ours
            raise
        except library.unreachable as error:
            raise self._unreachable(_cause(library, error)) from None
        except library.unusable:
            raise errors.ConfigError(f"The base URL of {call.service} is not a URL that can be called.") from None
        except library.broken:
            if not call.wire.sent:
                raise self._unreachable("the connection broke while it was made") from None
            raise errors.ConnectionLostError(
                f"The connection to {call.service} at {host_of(self._base_url)} broke before the answer was whole.",
                hint=call.after,
            ) from None


def request_id(response: Response) -> str | None:
    """The id that the service gave the request, if it is one that can be shown."""
    return word(response.headers.get("x-request-id"))


def raw_reply(response: Response, data: bytes) -> RawReply:
    """`response` as a value of our own."""
    return RawReply(response.status_code, dict(response.headers.items()), data, request_id(response))


def _cause(library: Library, error: Exception) -> str:
    if isinstance(error, library.pool_timeout):
        return "too many requests are under way"
    if isinstance(error, library.timeout):
        return "no connection in time"
    if isinstance(error, library.proxy_error):
        return "the proxy refused"
    text = str(error).lower()
    if "certificate_verify_failed" in text or "certificate verify failed" in text:
        return "its certificate is not trusted by this machine (SSL_CERT_FILE adds one)"
    if "ssl" in text or "tls" in text:
        return "no TLS connection could be made"
    if "name" in text or "getaddrinfo" in text or "nodename" in text:
        return "the name is unknown"
    return "the connection was refused" if "refused" in text or "attempts failed" in text else "no connection"
