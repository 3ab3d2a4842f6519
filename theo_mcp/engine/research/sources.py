"""What a search found, made fit to be shown: plain text, addresses of the web alone, each only once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import zip_longest
from typing import Final
from urllib.parse import urlsplit

from pydantic import JsonValue

_TAG: Final = re.compile(r"<!--.*?-->|</?[a-zA-Z][^<>]{0,500}>", re.DOTALL)
_TRACKING: Final = re.compile(r"(?:^|&)(?:utm_\w+|fbclid|gclid|ref)=[^&]*")
_WORD: Final = re.compile(r"[^\W_]{3,}")
_STOP: Final = frozenset({
    "the", "and", "for", "with", "that", "this", "from", "are", "was", "were", "what", "which", "how", "why",
    "when", "where", "who", "does", "did", "has", "have", "had", "its", "their", "our", "your", "about", "into",
    "over", "under", "between", "than", "then", "there", "here", "please", "find", "tell", "explain", "describe",
    "research", "report", "of", "der", "die", "das", "und", "wie", "ist", "les", "des", "une", "que", "para",
    "los", "las", "una", "por",
})  # fmt: skip
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Categories of characters that show nothing: what hides words from a reader."""
_TITLE_CHARS: Final = 200
SNIPPET_CHARS: Final = 1200


@dataclass(frozen=True)
class Source:
    """One place that says something of the question. A document of the user's has a path for its `url`."""

    title: str
    url: str
    snippet: str

    def entry(self, number: int) -> dict[str, JsonValue]:
        """The source as a result lists it."""
        return {"number": number, "title": self.title, "url": self.url, "snippet": self.snippet}


def source(title: str, url: str, text: str) -> Source | None:
    """A source out of what a service said; None for one without an address of the web or without a text."""
    try:
        parts = urlsplit(url.strip())
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    snippet = plain(text)[:SNIPPET_CHARS]
    address = plain(url)
    if not known or not snippet or len(address) > 2000 or re.search(r"[\s<>\"]", address):
        return None
    return Source(plain(title)[:_TITLE_CHARS] or address[:_TITLE_CHARS], address, snippet)


def plain(text: str) -> str:
    """`text` on one line, without markup and without characters that show nothing."""
    bare = unescape(_TAG.sub(" ", text))
    shown = "".join(
        " " if each.isspace() else each for each in bare if unicodedata.category(each) not in _UNSEEN or each.isspace()
    )
    return " ".join(shown.split())


def merged(found: Sequence[Iterable[Source]], most: int) -> list[Source]:
    """At most `most` sources: the first of each search, then the second of each, and so on; each address once."""
    kept: dict[str, Source] = {}
    for row in zip_longest(*found):
        for each in row:
            if each is not None:
                kept.setdefault(_same(each.url), each)
    return list(kept.values())[:most]


def words(text: str) -> list[str]:
    """The words of `text` that say what it is about, in their order, each once."""
    found = (word for word in _WORD.findall(text.casefold()) if word not in _STOP)
    return list(dict.fromkeys(found))


def names(text: str) -> list[str]:
    """The words of `text` that can hardly mean anything else: with a capital or a digit behind their first letter."""
    found = re.findall(r"\b[^\W\d_][^\W_]*?[A-Z0-9][^\W_]*", text)
    return list(dict.fromkeys(word.casefold() for word in found if len(word) >= 3))


def score(text: str, wanted: Sequence[str]) -> int:
    """How many of the `wanted` words stand in `text`, by their stems."""
    said = {word[:6] for word in _WORD.findall(text.casefold())}
    return sum(word[:6] in said for word in wanted)


def _same(url: str) -> str:
    """What two addresses of one page have in common."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    query = _TRACKING.sub("", parts.query)
    return f"{parts.netloc.casefold().removeprefix('www.')}{parts.path.rstrip('/')}?{query}"
