"""A page of the web as text: only where the user's own settings file allows it, and then the public internet alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser

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


def text_of_page(html: str) -> str:
    """What a reader sees of a page, block by block, with the addresses of its links left out."""
    page = _Page()
    page.feed(html)
    page.close()
    lines = (" ".join(line.split()) for line in "".join(page.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Page(HTMLParser):
    _UNSEEN = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "select", "textarea"})
    _INLINE = frozenset({
        "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "label", "mark", "q",
        "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
    })  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN:
            self._unseen.append(tag)
        elif tag in ("td", "th"):
            self.parts.append(" | ")
        elif tag not in self._INLINE:
            self.parts.append("\n- " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif tag not in self._INLINE and tag not in ("td", "th"):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data.replace("\n", " "))


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
