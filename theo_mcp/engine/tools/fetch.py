"""A page of the web as text: only where the user's own settings file allows it, and then the public internet alone."""

from __future__ import annotations

import re

from theo_mcp.engine.shown import text_of_page
from theo_mcp.engine.tools import Arguments, Context, Tool
from theo_mcp.errors import InputError
from theo_mcp.http.options import Timeouts

_MAX_BYTES = 2**20
_SECONDS = 10.0
_TEXT = re.compile(r"text/.*|application/(.*\+)?(json|xml|javascript|yaml|toml)|application/x-(ndjson|yaml|javascript)")
_PAGES = ("text/html", "application/xhtml+xml")


async def _run(arguments: Arguments, context: Context) -> str:
    return await page_of(str(arguments["url"]).strip(), private=context.settings.allow_private_fetch)


async def page_of(url: str, *, private: bool) -> str:
    """The text at `url`; with `private`, on this machine and its network too.

    Raises:
        InputError: it is no address of the web, is not allowed, or holds no text.
        APIError, TransportError: it could not be read.
    """
    from theo_mcp.http.download import fetch
    from theo_mcp.http.guard import guarded_client

    if not url.lower().startswith(("http://", "https://")):
        raise InputError("That is no address of the web.", hint="It begins with https:// or http://.")
    timeouts = Timeouts(connect=_SECONDS, first_byte=_SECONDS, idle=_SECONDS, whole=_SECONDS)
    async with guarded_client(private=private) as client:
        got = await fetch(url, allowed=lambda _: True, max_bytes=_MAX_BYTES, timeouts=timeouts, http_client=client)
    if not _TEXT.fullmatch(got.mime):
        raise InputError(f"What is there is no text: {got.mime[:60]}.", hint="Only text, HTML, JSON and XML are read.")
    text = got.data.decode("utf-8", "replace")
    return text_of_page(text) if got.mime in _PAGES else text


TOOL = Tool(
    name="fetch",
    description="Reads a page or a text file of the web by its address and returns its text.",
    input_schema={
        "type": "object",
        "properties": {"url": {"type": "string", "description": "https://…", "maxLength": 2000}},
        "required": ["url"],
    },
    run=_run,
    effects=True,  # a GET may be counted, or worse, by whoever is asked
    available=lambda context: context.settings.allow_fetch,
)
