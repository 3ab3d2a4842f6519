"""One request and the reading of its reply: the only place where the HTTP library is called.

Whatever the library raises becomes one of our errors here, and nothing of the request is in its text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic
from types import TracebackType
from typing import Any

from theo_mcp import errors
from theo_mcp.http.address import host_of
from theo_mcp.http.body import ACCEPTED, BodyError, Unpacked, read_all
from theo_mcp.http.call import Call, told
from theo_mcp.http.envelope import error_from, word
from theo_mcp.http.library import Library, Response, chunks_of, release
from theo_mcp.http.options import Options, RawReply
from theo_mcp.http.pool import Pool
from theo_mcp.http.retry import kind_of_status, read_retry_after, read_should_retry
from theo_mcp.secret import Secret, redact

_SHOWN_JSON, _SHOWN_PAGE = 40_000, 2000


class Head:
    """The head of a reply. Names of headers are in lower case; of one that came twice, the last counts."""

    __slots__ = ("headers", "response", "status")

    def __init__(self, response: Response) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in response.headers.raw}

    @property
    def request_id(self) -> str | None:
        """The id that the service gave the request, if it is one that can be shown."""
        return word(self.headers.get("x-request-id"))

    def reply(self, data: bytes) -> RawReply:
        """The whole reply as a value, with its body."""
        return RawReply(self.status, dict(self.headers), data, self.request_id)


class Exchange:
    """How `call`'s tries go to the service at `base_url` and come back."""

    def __init__(self, call: Call, base_url: str, key: Secret | None, pool: Pool, options: Options) -> None:
        self._call = call
        self._base_url = base_url
        self._key = key
        self._pool = pool
        self._options = options

    async def send(self, accept: str, more: dict[str, str] | None = None) -> Head:
        """One try, up to the head of its reply, which goes to `release` whatever comes then.

        Raises:
            TransportError: no head came, or it is a redirect.
        """
        call, pool = self._call, self._pool
        wire = call.next_try()
        self._lease = lease = pool.take()
        started = monotonic()
        try:
            with _Mapped(self):
                try:
                    # The library's own time-out does not see a silent proxy.
                    call.connecting(1.1 * self._options.timeouts.connect, self._unconnected)
                    if not lease.library.traces:
                        wire.begin()
                    response: Response = await lease.http.send(
                        self._request(accept, more), stream=True, follow_redirects=False
                    )
                except BaseException:
                    await wire.drop()
                    if wire.tunnelled and not wire.sent:
                        pool.retire()
                    raise
                finally:
                    call.sent += wire.sent
        except BaseException:
            await pool.leave(lease)
            raise
        head = Head(response)
        status = head.status
        call.settled = status >= 400 and kind_of_status(status) != "ambiguous"
        call.should_retry = read_should_retry(head.headers)
        call.report.tried(call.tries, head.headers, status, monotonic() - started)
        if 300 <= status < 400:
            await self.release(head)
            raise self._redirected(head)
        return head

    async def release(self, head: Head) -> None:
        """Gives the connection back, or closes it where the reply was not read whole."""
        try:
            await release(head.response, self._call.wire)
        except self._lease.library.broken:  # what does not close is gone; what it brought is not
            pass
        finally:
            await self._pool.leave(self._lease)

    async def body(self, head: Head) -> bytes:
        """The whole body, unpacked.

        Raises:
            TransportError: it broke, is too large or cannot be unpacked.
        """
        encoding, length = head.headers.get("content-encoding", ""), head.headers.get("content-length", "")
        parts: list[bytes] = []
        self._call.received = parts if head.status < 300 else []
        try:
            with _Mapped(self):
                async with aclosing(chunks_of(head.response)) as chunks:
                    data = await read_all(chunks, encoding, length, self._options.limits.body, parts)
        except BodyError as error:
            parts.clear()
            raise errors.ProtocolError(f"{self._call.service} {error}.", status=head.status) from None
        self._call.wire.read = True
        if self._options.on_reply is not None:
            told(self._options.on_reply, head.reply(data))
        return data

    async def pieces(self, head: Head) -> AsyncGenerator[bytes, None]:
        """The body as it comes, unpacked; the caller sets the time between pieces.

        Raises:
            TransportError: it broke or cannot be unpacked.
        """
        encoding = head.headers.get("content-encoding", "")
        try:
            unpacked = Unpacked(encoding) if encoding else None
            with _Mapped(self):
                async with aclosing(chunks_of(head.response)) as chunks:
                    async for chunk in chunks:
                        if unpacked is None:
                            yield chunk
                        else:
                            for piece in unpacked.feed(chunk):
                                yield piece
        except BodyError as error:
            raise errors.ProtocolError(f"{self._call.service} {error}.", status=head.status) from None
        self._call.wire.read = True

    def refusal(self, head: Head, data: bytes) -> errors.APIError:
        """The error that a reply with an error status, or with an error inside, stands for."""
        return error_from(head.status, data, request_id=head.request_id, retry_after=read_retry_after(head.headers))

    def unreadable(self, head: Head, data: bytes, what: str) -> errors.ProtocolError:
        """The error of a reply that is `what` instead of what was asked for; it keeps what may have been paid for, and
        the beginning of a page."""
        kind = head.headers.get("content-type", "")
        return errors.ProtocolError(
            f"{self._call.service} answered with {what}.",
            hint=f"Check the base URL ({self._base_url}): a proxy or a login page may have answered.",
            status=head.status,
            request_id=head.request_id,
            partial=redact(data[: _SHOWN_JSON if "json" in kind else _SHOWN_PAGE].decode("utf-8", "replace")),
        )

    def _request(self, accept: str, more: dict[str, str] | None) -> Any:
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
        return self._lease.http.build_request(
            call.method,
            self._lease.library.url(self._base_url + call.path),
            content=call.body,
            headers=headers,
            extensions={"timeout": times, "trace": call.wire.trace},
        )

    def _redirected(self, head: Head) -> errors.RedirectError:
        location = head.headers.get("location", "")
        error = errors.RedirectError(
            f"{self._call.service} redirects to {host_of(location)}, which is not followed because it could carry the "
            "key elsewhere.",
            hint="If you trust that host, set it as the base URL.",
            status=head.status,
        )
        error.location = location
        return error

    def _unconnected(self) -> errors.UnreachableError:
        return self._unreachable("no connection in time")

    def _unreachable(self, why: str, code: str | None = None) -> errors.UnreachableError:
        host, named = host_of(self._base_url), self._call.service
        at, base = (f" at {host}", f"; the base URL is {self._base_url}") if named != host else ("", "")
        return errors.UnreachableError(
            f"{named} could not be reached{at}: {why}.",
            code=code,
            hint=f"Check the address, the network and the proxy{base}.",
        )

    def told(self, error: BaseException) -> errors.TheoError | None:
        """The error of ours that stands for what the HTTP library raised; None where it did not raise it."""
        call, library = self._call, self._lease.library
        if isinstance(error, errors.TheoError | TimeoutError):  # the second is an OSError, and ours
            return None
        if isinstance(error, library.unreachable):
            code = "too_many_calls" if isinstance(error, library.pool_timeout) else None
            return self._unreachable(_cause(library, error), code)
        if isinstance(error, library.unusable):
            return errors.ConfigError(f"The base URL of {call.service} is not a URL that can be called.")
        if not isinstance(error, library.broken):
            return None
        if not call.wire.sent:
            return self._unreachable("the connection broke while it was made")
        return errors.ConnectionLostError(
            f"The connection to {call.service} at {host_of(self._base_url)} broke before the answer was whole.",
            hint=call.after,
        )


class _Mapped:
    """Around the library's code: whatever it raises becomes an error of ours. (As a class it costs a third of what a
    generator does, twice a call.)"""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and (told := self._exchange.told(error)) is not None:
            raise told from None


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
