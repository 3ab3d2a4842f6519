"""Reads the pages that a search found, where the user's own file allows it: a report then rests on more than snippets.

A page that cannot be read leaves its source with the snippet: the search service has shown that much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import anyio

from theo_mcp.engine.research.sources import SNIPPET_CHARS, Source, plain, score
from theo_mcp.engine.tools.fetch import page_of
from theo_mcp.errors import TheoError
from theo_mcp.settings import Settings

_AT_ONCE: Final = 4
_SECONDS: Final = 30.0
_LEAST_CHARS: Final = 60


async def read(sources: Sequence[Source], wanted: Sequence[str], settings: Settings) -> list[Source]:
    """The same sources; those whose page says more of the `wanted` words have that part of it for their snippet."""
    texts = [each.snippet for each in sources]
    turns = anyio.Semaphore(_AT_ONCE)

    async def one(number: int, source: Source) -> None:
        async with turns:
            try:
                page = await page_of(source.url, private=settings.allow_private_fetch)
            except TheoError:
                return
        best = _best(page, wanted)
        if score(best, wanted) >= score(source.snippet, wanted) and len(best) > len(source.snippet):
            texts[number] = best

    with anyio.move_on_after(_SECONDS):
        async with anyio.create_task_group() as tasks:
            for number, each in enumerate(sources):
                if each.url.startswith(("https://", "http://")):
                    tasks.start_soon(one, number, each)
    return [replace(each, snippet=text) for each, text in zip(sources, texts, strict=True)]


def _best(page: str, wanted: Sequence[str]) -> str:
    """The paragraphs that have the most of the wanted words, in the order of the page, as far as there is room."""
    parts = [part for block in page.split("\n") if len(part := plain(block)) >= _LEAST_CHARS]
    ranked = sorted(range(len(parts)), key=lambda number: (-score(parts[number], wanted), number))
    chosen: list[int] = []
    room = SNIPPET_CHARS
    for number in ranked:
        if score(parts[number], wanted) == 0 or room <= 0:
            break
        chosen.append(number)
        room -= len(parts[number])
    return " … ".join(parts[number] for number in sorted(chosen))[:SNIPPET_CHARS]
