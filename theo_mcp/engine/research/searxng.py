"""Asks a SearXNG instance by its JSON API. It is sent the query and nothing else of the request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode

from pydantic import Field, JsonValue

from theo_mcp import errors
from theo_mcp.engine.research.sources import Source, source
from theo_mcp.http.address import checked_base_url, host_of, is_loopback
from theo_mcp.http.client import HttpClient
from theo_mcp.http.options import Limits, Options, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.settings import Settings
from theo_mcp.wire.model import Reply

_SECONDS: Final = 20.0
_LARGEST: Final = 4 * 2**20
_SERVICE: Final = "The search service"


class Hit(Reply):
    """One result."""

    url: str = ""
    title: str = ""
    content: str = ""


class Results(Reply):
    """The answer of ``GET /search?format=json``."""

    results: tuple[Hit, ...] = ()
    unresponsive_engines: tuple[JsonValue, ...] = Field(default=())


class SearXNG:
    """One instance."""

    def __init__(self, url: str, http: HttpClient) -> None:
        self._url = url
        self._http = http

    async def search(self, query: str) -> list[Source]:
        """What it finds for `query`, the best first.

        Raises:
            NotAvailableError: it does not answer in JSON (``search_without_json``).
            APIError, TransportError: it could not be asked, or asks to wait.
        """
        asked = urlencode({"q": query, "format": "json", "pageno": 1})
        try:
            answer = await self._http.json("GET", f"/search?{asked}", Results)
        except (errors.PermissionDeniedError, errors.ProtocolError) as error:
            raise self._without_json(error) from None
        found = (source(hit.title, hit.url, hit.content) for hit in answer.results)
        return [each for each in found if each is not None]

    def _without_json(self, error: errors.TheoError) -> errors.TheoError:
        if isinstance(error, errors.RedirectError):
            return error
        said = "refuses to answer in JSON (403)" if error.status == 403 else "does not answer in JSON"
        return errors.NotAvailableError(
            f"{_SERVICE} at {host_of(self._url)} {said}.",
            code="search_without_json",
            hint="In its settings.yml the list search.formats needs json; many public instances leave it out, so use "
            "one of your own.",
            status=error.status,
            attempts=error.attempts,
        )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[SearXNG | None]:
    """The instance that the settings name, or None.

    Raises:
        ConfigError: the address is not one.
    """
    if settings.searxng_url is None:
        yield None
        return
    url = checked_base_url(settings.searxng_url, "searxng_url", allow_insecure_http=settings.allow_insecure_http)
    timeouts = Timeouts(connect=settings.connect_timeout_s, whole=min(_SECONDS, settings.timeout_s))
    policy = RetryPolicy(
        retries=0 if is_loopback(url) else settings.max_retries, max_retry_after=min(10.0, settings.max_retry_after_s)
    )
    options = Options(timeouts=timeouts, limits=Limits(body=_LARGEST), policy=policy)
    http = HttpClient(url, None, service=_SERVICE, billed=False, options=options)
    try:
        yield SearXNG(url, http)
    finally:
        await http.aclose()
