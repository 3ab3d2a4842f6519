"""The connections of one client: made at the first request, bound to one event loop, closed once."""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from dataclasses import dataclass

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from theo_mcp import errors
from theo_mcp.http.address import is_loopback
from theo_mcp.http.library import AsyncClient, Library, make_client
from theo_mcp.http.retry import Traffic
from theo_mcp.secret import Secret

opened_here: ContextVar[list[Pool] | None] = ContextVar("opened_here", default=None)
"""Where `run_sync` finds the pools that its loop opened, to close them before the loop ends."""

_CLOSE_WITHIN_S = 5.0
_traffic: weakref.WeakValueDictionary[tuple[str, Secret | None], Traffic] = weakref.WeakValueDictionary()


@dataclass(eq=False)
class Lease:
    """The library's client, while requests use it."""

    http: AsyncClient
    library: Library
    users: int = 0
    retired: bool = False


class Pool:
    """Hands out the HTTP client for `base_url`; `given` is one that the caller brought and closes."""

    def __init__(self, base_url: str, key: Secret | None, service: str, given: AsyncClient | None) -> None:
        self._base_url = base_url
        self._service = service
        self._given = given
        self._lease = Lease(given, Library(given)) if given is not None else None
        self._loop: EventLoopToken | None = None
        self._closed = False
        self.traffic = _traffic.setdefault((base_url, key), Traffic())

    @property
    def keeps(self) -> bool:
        """Whether a connection is kept for the next request."""
        return self._given is not None or not is_loopback(self._base_url)

    def take(self) -> Lease:
        """The client, for one request; give it back with `leave`.

        Raises:
            TransportError: the client is closed, or its connections live in another event loop.
            ConfigError: the environment's proxy or certificate settings cannot be used.
        """
        if self._closed:
            raise errors.TransportError(f"The client for {self._service} is closed.", code="client_closed")
        loop = current_token()
        if self._loop is None:
            self._loop = loop
            if (opened := opened_here.get()) is not None:
                opened.append(self)
        elif self._loop != loop:
            raise errors.TransportError(
                f"The client for {self._service} was first used in another event loop, which holds its connections.",
                code="wrong_event_loop",
                hint="Make one client per event loop, or make the calls of a script with theo_mcp.run_sync.",
            )
        if self._lease is None:
            http = make_client(self._base_url)
            self._lease = Lease(http, Library(http))
        self._lease.users += 1
        return self._lease

    async def leave(self, lease: Lease) -> None:
        """The request is over; the last to leave a retired client closes it."""
        lease.users -= 1
        if lease.retired and lease.users == 0:
            await _close(lease)

    def retire(self) -> None:
        """The next request gets new connections: the library has lost track of one of these."""
        if self._given is None and self._lease is not None:
            self._lease.retired = True
            self._lease = None

    async def reset(self) -> None:
        """Closes the connections and forgets the event loop; the next request begins anew."""
        self._loop = None
        if self._given is None and self._lease is not None:
            lease, self._lease = self._lease, None
            await _close(lease)

    async def aclose(self) -> None:
        """Closes the connections for good; safe to call twice."""
        self._closed = True
        await self.reset()


async def _close(lease: Lease) -> None:
    with anyio.move_on_after(_CLOSE_WITHIN_S, shield=True):
        await lease.http.aclose()
