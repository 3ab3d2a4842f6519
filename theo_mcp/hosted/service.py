"""What both hosted services have in common: a key, a base URL, options, files that their answers point to."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Self
from urllib.parse import urlsplit

from theo_mcp.backend import Api, Limited
from theo_mcp.errors import InputError
from theo_mcp.http.client import HttpClient
from theo_mcp.http.options import Limits, OnReply, Options, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.wire.model import Extension
from theo_mcp.wire.parts import Model

if TYPE_CHECKING:
    from theo_mcp.backend import Caller
    from theo_mcp.wire.files import Fetched

OPEN_MAX_BYTES = 64 * 2**20


class HostedService:
    """A hosted service. Close it, or use it in an ``async with``; copies share its connections."""

    api: ClassVar[Api]
    file_hosts: frozenset[str] = frozenset()
    """Hosts beside the service's own that its answers may point to."""

    def __init__(self, http: HttpClient, max_prompt_chars: int) -> None:
        self._http = http
        self._max_prompt_chars = max_prompt_chars

    @property
    def base_url(self) -> str:
        """Where the requests go."""
        return self._http.base_url

    def with_options(
        self,
        *,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        retries: RetryPolicy | None = None,
        idempotency_key: str | None = None,
        on_reply: OnReply | None = None,
    ) -> Self:
        """A client over the same connections whose calls differ in what is given; close only the first.

        Args:
            timeouts, limits, retries: as for the client.
            idempotency_key: sent with the next call instead of a new one; make a copy for each logical call.
            on_reply: told of every reply as it came: status, headers, body, request id.
        """
        now = self._http.options
        return self._with(
            Options(
                timeouts=timeouts or now.timeouts,
                limits=limits or now.limits,
                policy=retries or now.policy,
                idempotency_key=idempotency_key or now.idempotency_key,
                on_reply=on_reply or now.on_reply,
            )
        )

    def for_caller(self, caller: Caller) -> Self:
        """A client whose calls keep to one caller's deadline and idempotency key. The service tells tenants apart by
        their keys, so the tenant is not sent."""
        options = self._http.options
        timeouts = options.timeouts
        if caller.deadline_s is not None:
            limit = caller.deadline_s if timeouts.total is None else timeouts.total
            timeouts = replace(timeouts, total=min(caller.deadline_s, limit))
        return self._with(
            replace(options, timeouts=timeouts, idempotency_key=caller.idempotency_key or options.idempotency_key)
        )

    async def open(self, url: str, *, max_bytes: int = OPEN_MAX_BYTES) -> Fetched:
        """The file that an answer points to, fetched without the key: from the service's own host or its file host, or
        out of a ``data:`` URL.

        Raises:
            InputError: it is elsewhere (``address_not_allowed``), or has more than `max_bytes`.
            APIError, TransportError: it could not be read; links of the services expire.
        """
        from theo_mcp.http.download import fetch

        return await fetch(url, allowed=self._is_ours, max_bytes=max_bytes, timeouts=self._http.options.timeouts)

    def limits(self) -> tuple[Limited, ...]:
        """The rate limits that the service told of and that are not over."""
        return tuple(
            Limited(self.api, path.partition("?")[0].removeprefix("/api/").removeprefix("v1/"), seconds)
            for path, seconds in self._http.pauses().items()
        )

    async def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """One call to an endpoint that has no method here, with all that a call has (key, deadline, retries), and the
        body of its reply. `path` begins behind the base URL, as in ``/api/v1/benchmarks?window=24h``.

        Raises:
            InputError: `method` is no word.
            APIError, TransportError: as any call.
        """
        if not (method.isascii() and method.isalpha()):
            raise InputError("The method is not one of HTTP's.", hint="It looks like GET or POST.")
        return await self._http.raw(method.upper(), path if path.startswith("/") else "/" + path, body)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _is_ours(self, url: str) -> bool:
        own, other = urlsplit(self.base_url), urlsplit(url)
        if (other.scheme, other.netloc) == (own.scheme, own.netloc):
            return True
        return other.scheme == "https" and other.port in (None, 443) and (other.hostname or "") in self.file_hosts

    def _with(self, options: Options) -> Self:
        other = copy.copy(self)
        other._http = self._http.with_options(options)  # noqa: SLF001 - its own
        return other


def by_hosted(model: Model, said: Extension) -> Extension:
    """Who answered: Theo's service, with `model`, and what it `said` beyond the documents."""
    return stamped(_by_hosted(model.engine or "theo", model.id), said)


def stamped(by: Extension, said: Extension) -> Extension:
    """`by`, and what a gateway of ours `said` beside that: that it is a draft, or a notice. Who answered is never its
    to say."""
    if said == _NOTHING_SAID:
        return by
    return said.model_copy(update={"backend": by.backend, "engine": by.engine, "model": by.model})


_NOTHING_SAID: Final = Extension()


@lru_cache(maxsize=64)
def _by_hosted(engine: str, model: str) -> Extension:
    return Extension(backend="hosted", engine=engine, model=model)
