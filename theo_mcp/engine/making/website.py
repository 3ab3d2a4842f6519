"""``website``: one page that stands alone, as HTML or in the form that a language asks for."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import AsyncGenerator, Callable
from html import escape
from typing import Final

from theo_mcp.artifacts import check
from theo_mcp.engine import brief
from theo_mcp.engine.making import Checked, Making, Wish, page
from theo_mcp.engine.prose import Prose
from theo_mcp.wire.model import Check
from theo_mcp.wire.words import CodeLanguage

_TOLD: Final[dict[CodeLanguage, str]] = {
    "html": "one HTML5 file: from <!doctype html> to </html>, with its CSS in one <style> element",
    "react": "one React component in TypeScript (TSX) with a default export and its CSS in the same file",
    "vue": "one Vue 3 single-file component: <script setup>, <template>, <style scoped>",
    "typescript": "one TypeScript file for Node.js that serves the page with node:http, its HTML and CSS inside",
    "nodejs": "one JavaScript module for Node.js that serves the page with node:http, its HTML and CSS inside",
    "python": "one Python file that serves the page with http.server, its HTML and CSS inside",
    "php": "one PHP 8 file that prints the page, its HTML and CSS inside",
}
_FENCES: Final[dict[CodeLanguage, str]] = {
    "html": "html", "react": "tsx", "vue": "vue", "typescript": "typescript", "nodejs": "javascript",
    "python": "python", "php": "php",
}  # fmt: skip
_PARTS: Final = ("About", "What we offer", "Contact")
_STYLE: Final = """:root { color-scheme: light dark; --hue: HUE; --ground: #fff; --soft: hsl(var(--hue) 40% 96%);
  --ink: #1c2128; --quiet: #57606c; --accent: hsl(var(--hue) 60% 34%); }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --soft: hsl(var(--hue) 20% 14%); --ink: #e9edf1;
  --quiet: #a8b1bc; --accent: hsl(var(--hue) 70% 72%); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 17px/1.6 system-ui, sans-serif; }
.wrap { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline; padding-block: 1rem; }
.bar strong { margin-right: auto; }
a { color: var(--accent); }
.hero { background: var(--soft); padding: clamp(3rem, 10vw, 7rem) 0; }
h1 { font-size: clamp(2rem, 6vw, 3.5rem); line-height: 1.1; margin: 0 0 1rem; max-width: 20ch; }
h1, h2 { overflow-wrap: anywhere; }
h2 { line-height: 1.2; margin: 0 0 .5rem; }
.hero p { font-size: 1.2rem; color: var(--quiet); max-width: 55ch; margin: 0; }
.parts { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
  padding-top: 3rem; padding-bottom: 3rem; }
.parts section { background: var(--soft); border-radius: 1rem; padding: 1.5rem; scroll-margin-top: 1rem; }
.parts p { margin: 0; overflow-wrap: anywhere; }
.open { color: var(--quiet); font-style: italic; }
footer { border-top: 1px solid var(--soft); padding: 1.5rem 0; color: var(--quiet); }
"""


def _language(wish: Wish) -> CodeLanguage:
    return wish.language if wish.language in _TOLD else "html"


def _system(wish: Wish) -> str:
    language = _language(wish)
    return (
        f"You write the complete source of a website as {_TOLD[language]}. Semantic, accessible and responsive, for "
        "light and dark screens. Nothing is loaded from elsewhere: no framework, no font, no image by an address. "
        "Use only facts of the request; where one is missing, leave a clear placeholder. "
        f"Answer with one fenced {_FENCES[language]} block and nothing else."
    )


def _check(source: str, wish: Wish) -> Checked:
    language = _language(wish)
    if language == "html":
        found, looked = page.check(source)
        return Checked(found, page.notices(looked))
    if source.strip() and not re.search(r"<[a-zA-Z]", source):
        return Checked(Check(language=_FENCES[language], status="fails", message="the answer has no page in it"))
    return Checked(check.check(_FENCES[language], source))


async def _draft(wish: Wish, prose: Prose) -> AsyncGenerator[str, None]:
    """The page of a skeleton, into which the small model writes sentences."""
    write = _FORMS[_language(wish)]
    subject = brief.subject(wish.prompt, "Welcome")
    parts = [each for each in brief.items(wish.prompt) if not re.search(r"\d", each)] or list(_PARTS)
    addresses = sorted(brief.addresses(wish.prompt))
    if addresses and not any(re.search(r"contact|visit|find us", part, re.I) for part in parts):
        parts.append("Contact")
    links = "".join(f'<a href="#part-{number}">{escape(part)}</a>' for number, part in enumerate(parts, 1))
    head = f'<header class="wrap bar"><strong>{escape(subject)}</strong>'
    head += f"<nav>{_spaced(links)}</nav></header>\n<main>\n"
    async for piece in write(subject, _body(wish, prose, subject, parts, addresses, head)):
        yield piece


async def _body(
    wish: Wish, prose: Prose, subject: str, parts: list[str], addresses: list[str], head: str
) -> AsyncGenerator[str, None]:
    yield head
    about = brief.title(wish.prompt, subject)
    line = await prose.sentence(
        "headline's text", f"Write one short, friendly sentence that welcomes visitors. {about}."
    )
    shown = f"<p>{escape(line)}</p>" if line else ""
    yield f'<div class="hero"><div class="wrap"><h1>{escape(subject)}</h1>{shown}</div></div>\n'
    yield '<div class="wrap parts">\n'
    left_open: list[str] = []
    for number, part in enumerate(parts, 1):
        contact = bool(re.search(r"contact|visit|find us", part, re.I))
        if contact and addresses:
            text = "<p>" + "<br />".join(_link(address) for address in addresses) + "</p>"
        elif contact or re.search(
            r"hours|address|prices?|pricing|phone", part, re.I
        ):  # facts, which a model would invent
            text = f'<p class="open">Add your {escape(part.lower())} here.</p>'
            left_open.append(part)
        else:
            said = await prose.sentence(
                f"part {part[:40]}",
                f"{about}. Write one short sentence for the part called {part}.",
                about=part if part not in _PARTS else "",
            )
            text = f"<p>{escape(said)}</p>" if said else '<p class="open">Your text for this part.</p>'
            left_open += [] if said else [part]
        yield f'<section id="part-{number}"><h2>{escape(part)}</h2>{text}</section>\n'
    if facts := brief.facts(wish.prompt):
        told = "<br />".join(map(escape, facts))
        yield f'<section id="facts"><h2>Good to know</h2><p>{told}</p></section>\n'
    if left_open:
        prose.notices.append(f"Left open for you to write: {', '.join(left_open)}.")
    yield f'</div>\n</main>\n<footer><div class="wrap">{escape(subject)}</div></footer>\n'


def _spaced(links: str) -> str:
    return links.replace("</a><a", "</a> · <a")


def _link(address: str) -> str:
    target = address if "://" in address else f"mailto:{address}"
    return f'<a href="{escape(target)}">{escape(address)}</a>'


Pieces = AsyncGenerator[str, None]


async def _html(subject: str, body: Pieces) -> Pieces:
    yield (
        '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(subject)}</title>\n<style>\n{_style(subject)}</style>\n</head>\n<body>\n"
    )
    async for piece in body:
        yield piece
    yield "</body>\n</html>\n"


async def _react(subject: str, body: Pieces) -> Pieces:
    yield f"const STYLE = {json.dumps(_style(subject))};\n\nexport default function Page() {{\n  return (\n    <>\n"
    yield "<style>{STYLE}</style>\n"
    async for piece in body:
        yield _braced(piece).replace(' class="', ' className="')
    yield "    </>\n  );\n}\n"


async def _vue(subject: str, body: Pieces) -> Pieces:
    yield '<template>\n<div class="page">\n'
    async for piece in body:
        yield _braced(piece)
    yield f"</div>\n</template>\n\n<style>\n{_style(subject)}</style>\n"


async def _php(subject: str, body: Pieces) -> Pieces:
    yield "<?php header('Content-Type: text/html; charset=utf-8'); ?>\n"
    async for piece in _html(subject, body):
        yield piece


async def _python(subject: str, body: Pieces) -> Pieces:
    yield '"""Serves one page at http://127.0.0.1:8000."""\n\n'
    yield "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer\n\nPAGE = (\n"
    async for piece in _html(subject, body):
        yield "".join(f"    {line!r}\n" for line in piece.splitlines(keepends=True))
    yield (
        ")\n\n\nclass Page(BaseHTTPRequestHandler):\n    def do_GET(self) -> None:\n        body = PAGE.encode()\n"
        '        self.send_response(200)\n        self.send_header("Content-Type", "text/html; charset=utf-8")\n'
        '        self.send_header("Content-Length", str(len(body)))\n        self.end_headers()\n'
        '        self.wfile.write(body)\n\n\nif __name__ == "__main__":\n'
        '    ThreadingHTTPServer(("127.0.0.1", 8000), Page).serve_forever()\n'
    )


async def _node(subject: str, body: Pieces) -> Pieces:
    yield '// Serves one page at http://127.0.0.1:8000.\nimport { createServer } from "node:http";\n\nconst page = [\n'
    async for piece in _html(subject, body):
        yield "".join(f"  {json.dumps(line)},\n" for line in piece.splitlines(keepends=True))
    yield (
        '].join("");\n\ncreateServer((_request, response) => {\n'
        '  response.writeHead(200, { "content-type": "text/html; charset=utf-8" });\n'
        '  response.end(page);\n}).listen(8000, "127.0.0.1");\n'
    )


_FORMS: Final[dict[CodeLanguage, Callable[[str, Pieces], Pieces]]] = {
    "html": _html, "react": _react, "vue": _vue, "typescript": _node, "nodejs": _node, "python": _python, "php": _php,
}  # fmt: skip


def _style(subject: str) -> str:
    return _STYLE.replace("HUE", str(zlib.crc32(subject.encode("utf-8", "replace")) % 360))


def _braced(piece: str) -> str:
    """Text whose braces mean nothing to a template."""
    return piece.replace("{", "&#123;").replace("}", "&#125;")


MAKING = Making(output_type="website", system=_system, check=_check, draft=_draft)
