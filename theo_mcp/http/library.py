"""The HTTP library: httpx2, or an `httpx.AsyncClient` that the caller brings; and what it gets wrong.

Both raise exceptions of the same names, looked up here in the module that the client comes from. What is worked around:
a cancel or an error between connect and the first byte of the request forgets the socket (and, through a proxy, a place
in the pool); bytes behind a reply stay in the connection and cost the next call on it.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import anyio
import httpx2
import truststore

from theo_mcp import errors
from theo_mcp.http.address import is_loopback
from theo_mcp.machine import environment

_MODULES = ("httpx2", "httpx")
_MAX_CONNECTIONS = 100
_CLOSE_GRACE_S = 1.0
_BUNDLES = ("/etc/pki/tls/cert.pem", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem")


class Response(Protocol):
    """What is used of a response."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    @property
    def stream(self) -> Any: ...
    @property
    def extensions(self) -> Any: ...
    async def aclose(self) -> None: ...


class AsyncClient(Protocol):
    """What is used of an ``httpx2.AsyncClient`` or ``httpx.AsyncClient``."""

    def build_request(self, method: str, url: Any, *, content: Any, headers: Any, extensions: Any) -> Any: ...
    async def send(self, request: Any, *, stream: bool, follow_redirects: bool) -> Any: ...
    async def aclose(self) -> None: ...


class Library:
    """The exceptions of the library that `client` belongs to.

    Raises:
        ConfigError: it belongs to neither.
    """

    def __init__(self, client: AsyncClient) -> None:
        roots = {kind.__module__.partition(".")[0] for kind in type(client).__mro__}
        name = next((name for name in _MODULES if name in roots), None)
        if name is None:
            raise errors.ConfigError(
                f"An HTTP client of the type {type(client).__name__} cannot be used.",
                hint="Give an httpx2.AsyncClient or an httpx.AsyncClient.",
            )
        module = sys.modules[name]
        self.traces = _tells_its_steps(client, module.AsyncHTTPTransport)
        """Whether the client tells when a request goes out; where it does not, one counts as sent from the start."""
        self.url: Callable[[str], object] = lru_cache(maxsize=64)(module.URL)  # parsing one costs a tenth of a call
        self.proxy_error: type[Exception] = module.ProxyError
        self.pool_timeout: type[Exception] = module.PoolTimeout
        self.timeout: type[Exception] = module.TimeoutException
        self.unreachable: tuple[type[Exception], ...] = (
            module.ConnectError,
            module.ConnectTimeout,
            module.PoolTimeout,
            module.ProxyError,
        )
        self.unusable: tuple[type[Exception], ...] = (module.InvalidURL, module.UnsupportedProtocol, UnicodeError)
        self.broken: tuple[type[Exception], ...] = (
            module.HTTPError,
            module.StreamError,
            ssl.SSLError,
            OSError,
            anyio.EndOfStream,
            anyio.BrokenResourceError,
            anyio.ClosedResourceError,
            RuntimeError,  # "the client has been closed", "handler is closed"
            ExceptionGroup,
        )


def _tells_its_steps(client: AsyncClient, own: type[object]) -> bool:
    """Only the library's own transports call a request's trace; another (a mock, an ASGI app, a cache) may not."""
    mounted: Mapping[object, object] = getattr(client, "_mounts", {})
    transports = [getattr(client, "_transport", None), *(each for each in mounted.values() if each is not None)]
    return all(isinstance(each, own) for each in transports)


def make_client(base_url: str) -> httpx2.AsyncClient:
    """A client for `base_url`. A TLS context costs 15 ms, so make it at the first request.

    Raises:
        ConfigError: the environment's proxy or certificate settings cannot be used.
    """
    local = is_loopback(base_url)
    environ = environment()
    try:
        # llama.cpp's server closes the socket after a stream but announces keep-alive; a pooled connection to it fails
        # one call in five. A proxy between this machine and itself is never meant.
        return httpx2.AsyncClient(
            verify=own_tls(environ),
            headers={"User-Agent": f"theo-mcp/{version('theo-mcp')}"},
            limits=httpx2.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=0 if local else 20),
            trust_env=not local,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # one outside ASCII would fail all later calls
        )
    except (ImportError, ValueError, OSError, httpx2.InvalidURL):
        raise errors.ConfigError(
            "The proxy or certificate settings of the environment cannot be used.",
            hint="Look at HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
        ) from None


def own_tls(environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """The TLS context of this machine, with what its environment adds."""
    environ = environment() if environ is None else environ
    return _tls(environ.get("SSL_CERT_FILE") or "", environ.get("SSL_CERT_DIR") or "")


@lru_cache(maxsize=4)
def _tls(cert_file: str, cert_dir: str) -> ssl.SSLContext:
    """Trusts what the system trusts, and the private certificates that the environment adds to that."""
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cert_file or cert_dir:
        context.load_verify_locations(cafile=cert_file or None, capath=cert_dir or None)
        paths = ssl.get_default_verify_paths()
        bundles = (paths.openssl_cafile, *_BUNDLES)
        if found := next((bundle for bundle in bundles if Path(bundle).is_file()), None):
            context.load_verify_locations(cafile=found)
    return context


class Wire:
    """One request on its way: whether any of it was sent, and the socket until the pool answers for it.

    Its `trace` is the request's ``trace`` extension, which both libraries call at every step.
    """

    __slots__ = ("_socket", "on_sent", "read", "sent", "tunnelled")

    def __init__(self, on_sent: Callable[[], None]) -> None:
        self.on_sent = on_sent
        self.sent = False
        self.read = False
        """Whether the reply's body was read to its end."""
        self.tunnelled = False
        """Whether a proxy was asked for a tunnel: what then fails before the request costs a place in the pool."""
        self._socket: Any = None

    async def trace(self, name: str, facts: Mapping[str, Any]) -> None:
        if name.endswith(".send_request_headers.started"):  # of http11 or http2
            if facts["request"].method == b"CONNECT":
                self.tunnelled = True
            else:
                self.begin()
        elif name.endswith((".connect_tcp.complete", ".connect_unix_socket.complete")):
            self._socket = facts["return_value"]

    def begin(self) -> None:
        """The request goes out."""
        self.sent, self._socket = True, None
        self.on_sent()

    async def drop(self) -> None:
        """Closes a socket that was opened but never came to carry the request."""
        socket, self._socket = self._socket, None
        if socket is not None:
            with anyio.move_on_after(_CLOSE_GRACE_S, shield=True):
                await socket.aclose()


async def release(response: Response, wire: Wire) -> None:
    """Gives the connection back; closes it where the reply was not read whole, or more came behind it."""
    if wire.read and not _has_bytes_behind(response):
        await response.aclose()  # the library shields this itself, and nothing is sent
        return
    with anyio.move_on_after(_CLOSE_GRACE_S, shield=True):
        if wire.read:
            await response.extensions["network_stream"].aclose()
        await response.aclose()


def _has_bytes_behind(response: Response) -> bool:
    """Whether the server sent more than its reply. Only h11 knows, and neither library tells; where the inside of a
    library looks different, the answer is no, and a test of ours fails."""
    part: Any = response.stream
    for name in ("_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state"):
        part = getattr(part, name, None)
    return bool(part is not None and part.trailing_data[0])


def chunks_of(response: Response) -> AsyncGenerator[bytes, None]:
    """The body as it comes, still packed; unlike ``aiter_raw`` it leaves the connection to `release`."""
    chunks: AsyncGenerator[bytes, None] = response.stream.__aiter__()
    return chunks
