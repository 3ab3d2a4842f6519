"""Looks at a page of HTML: whether it is whole, and what it would load from elsewhere. Websites and emails share it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from theo_mcp.wire.model import Check

_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_CLOSES_ITSELF: Final = frozenset(
    {"p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "caption"}
    | {"html", "head", "body", "rt", "rp"}
)
_TEXT_NOT_SHOWN: Final = ("script", "style", "title", "template")
_LONGEST: Final = 1_000_000
_HOST: Final = re.compile(r"\s*(?:https?:)?//([^/\s\"'?#]{1,100})", re.I)
_SOURCES: Final = {"src", "srcset", "poster", "data"}


class Page(HTMLParser):
    """What a source holds."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[tuple[str, int]] = []
        self.problem = ""
        self.tags: set[str] = set()
        self.shown = 0
        """Characters that a reader sees."""
        self.hosts: dict[str, None] = {}
        """Whom the page would ask for a part of itself."""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        loaded = [value for name, value in given.items() if name in _SOURCES and value]
        if tag == "link" and (given.get("rel") or "").lower() not in ("canonical", "alternate", "author", "license"):
            loaded.append(given.get("href") or "")
        for value in loaded:
            if host := _HOST.match(value):
                self.hosts[host[1]] = None
        if tag not in _VOID:
            self.opened.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID and self.opened:
            self.opened.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        while self.opened and self.opened[-1][0] != tag and self.opened[-1][0] in _CLOSES_ITSELF:
            self.opened.pop()
        if self.opened and self.opened[-1][0] == tag:
            self.opened.pop()
        elif tag not in ("p", "br"):
            inner = f", inside <{self.opened[-1][0]}> of line {self.opened[-1][1]}" if self.opened else ""
            self.problem = self.problem or f"line {self.getpos()[0]}: </{tag}> closes nothing{inner}"

    def handle_data(self, data: str) -> None:
        inside = {tag for tag, _ in self.opened}
        if inside.isdisjoint(_TEXT_NOT_SHOWN):
            self.shown += len(data.strip())
        elif "style" in inside:
            for host in re.findall(r"(?:@import\s+|url\()\s*[\"']?\s*(?:https?:)?//([^/\s\"')?#]{1,100})", data, re.I):
                self.hosts[host] = None


def check(source: str) -> tuple[Check, Page | None]:
    """Whether `source` is one whole page."""
    if not source.strip():
        return Check(language="html", status="fails", message="there is no code"), None
    if len(source) > _LONGEST:
        return Check(language="html", status="not checked", message="it is too long to be parsed here"), None
    page = Page(source)
    problem = page.problem or _missing(source, page)
    if problem:
        return Check(language="html", status="fails", message=problem), page
    return Check(language="html", status="parses"), page


def _missing(source: str, page: Page) -> str:
    if not page.tags:
        return "the answer has no HTML in it"
    if "body" not in page.tags:
        return "there is no <body>"
    left = next(((tag, line) for tag, line in page.opened if tag not in _CLOSES_ITSELF), None)
    if left is not None:
        return f"<{left[0]}> of line {left[1]} is not closed: it was cut, or is not whole"
    if "</html>" not in source.lower():
        return "it ends before </html>: it was cut, or is not whole"
    return "" if page.shown else "its body shows no text"


def notices(page: Page | None) -> tuple[str, ...]:
    """What the user should know of a page: whom it would ask for a part of itself."""
    if page is None or not page.hosts:
        return ()
    return (f"It is not self-contained: it loads from {', '.join(list(page.hosts)[:5])}.",)
