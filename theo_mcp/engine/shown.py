"""What a reader sees of an HTML page, as text: nothing of scripts and styles, and nothing that is hidden.

It takes one look from the beginning to the end. The parser of the standard library looks again and again at what a page
leaves open, so that a stranger's megabyte could keep this process busy for minutes.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final

_TAG: Final = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_RAW: Final = frozenset({"script", "style", "textarea", "noscript", "iframe", "template"})
"""Elements in which a < begins nothing, or nothing that is seen."""
_UNSEEN: Final = frozenset({"svg", "object", "select"})
_VOID: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})  # fmt: skip
_INLINE: Final = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "dfn", "em", "i", "ins", "kbd", "label", "mark", "q",
    "s", "samp", "small", "span", "strong", "sub", "sup", "time", "u", "var", "wbr",
})  # fmt: skip
_HIDDEN: Final = re.compile(r"\shidden(?=[\s=/]|$)|display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_LONGEST_TAG: Final = 20_000


def text_of_page(html: str) -> str:
    """The text, block by block, with the addresses of its links left out."""
    lines = (" ".join(line.split()) for line in "".join(_parts(html)).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _parts(html: str) -> list[str]:
    parts: list[str] = []
    lower = html.lower()
    if len(lower) != len(html):  # a few letters grow
        lower = html
    at = depth = 0
    inside = ""  # the element that is not seen
    while (begin := html.find("<", at)) >= 0:
        if not inside:
            parts.append(unescape(html[at:begin]).replace("\n", " "))
        if html.startswith("<!--", begin):
            end = html.find("-->", begin + 4)
            at = end + 3 if end >= 0 else len(html)
            continue
        tag = _TAG.match(html, begin + 1)
        if tag is None and html[begin + 1 : begin + 2] not in ("!", "?", "/"):
            if not inside:
                parts.append("<")
            at = begin + 1
            continue
        end = html.find(">", begin, begin + _LONGEST_TAG)
        at = end + 1 if end >= 0 else len(html)
        if tag is None:
            continue
        closes, name = bool(tag[1]), tag[2].lower()
        if name in _RAW and not closes:
            end = lower.find(f"</{name}", at)
            at = end if end >= 0 else len(html)
        elif inside:
            depth += (name == inside) * (-1 if closes else 1)
            inside = inside if depth else ""
        elif not closes and name not in _VOID and (name in _UNSEEN or _HIDDEN.search(html, tag.end(), at - 1)):
            inside, depth = name, 1
        elif name in ("td", "th"):
            parts.append("" if closes else " | ")
        elif name not in _INLINE:
            parts.append("\n- " if name == "li" and not closes else "\n")
    if not inside:
        parts.append(unescape(html[at:]).replace("\n", " "))
    return parts
