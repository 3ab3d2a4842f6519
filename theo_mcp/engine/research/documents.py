"""Looks for what a question is about in the documents of folders that the user trusts.

Only for the user's own calls: who shares the engine with others cannot look into the files of whoever runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath
from time import monotonic
from typing import Final

from anyio import to_thread

from theo_mcp.backend import Caller
from theo_mcp.engine.research.sources import SNIPPET_CHARS, Source, names, plain, score, words
from theo_mcp.engine.shown import text_of_page
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings
from theo_mcp.workspace import reading
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.project import read_project
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.trust import Trust
from theo_mcp.workspace.walking import walked

_READ: Final = frozenset({
    ".md", ".markdown", ".txt", ".rst", ".adoc", ".html", ".htm", ".csv", ".py", ".js", ".ts", ".tsx", ".jsx",
    ".go", ".rs", ".java", ".kt", ".c", ".h", ".cpp", ".cs", ".rb", ".php", ".sh", ".sql", ".toml", ".yaml",
    ".yml", ".json", ".tex", ".org",
})  # fmt: skip
_MOST_FILES: Final = 3000
_MOST_BYTES: Final = 400_000
_SECONDS: Final = 5.0
_PASSAGE: Final = re.compile(r"\n\s*\n")


class Documents:
    """The documents that one caller's research may read."""

    def __init__(self, settings: Settings, caller: Caller) -> None:
        self._deny = Deny.of(settings)
        trust = Trust(settings.data_dir)
        roots = [Root.of(path) for path in settings.roots] if not caller.tenant else []
        self._roots = [root for root in roots if read_project(root, self._deny, trust).trusted]

    def __bool__(self) -> bool:
        """Whether there is a folder to look into."""
        return bool(self._roots)

    async def search(self, query: str, *, most: int) -> list[Source]:
        """The passages that have the most of the query's words, one of each file: two of them, or a name."""
        work = partial(self._search, query, most)
        return await to_thread.run_sync(work, abandon_on_cancel=True)  # it leaves nothing but a thread that ends

    def _search(self, query: str, most: int) -> list[Source]:
        wanted, named = words(query), names(query)
        needed = min(2, len(wanted))
        found: list[tuple[int, Source]] = []
        for path, text in self._texts(monotonic() + _SECONDS):
            best = max(_passages(text), key=lambda passage: score(passage, wanted), default="")
            shown = f"{best} {PurePath(path).stem}"
            marks = score(shown, wanted)
            if best and needed and (marks >= needed or score(shown, named)):
                found.append((marks, Source(plain(path), plain(path), plain(best)[:SNIPPET_CHARS])))
        found.sort(key=lambda each: -each[0])
        return [each for _, each in found[:most]]

    def _texts(self, until: float) -> Iterator[tuple[str, str]]:
        """Each document by its path from its root; each is opened as every other file is: through no link."""
        read = 0
        for root, way in walked(self._roots, self._deny):
            name = way[-1].lower()
            if PurePath(name).suffix not in _READ:
                continue
            if read >= _MOST_FILES or monotonic() > until:
                return
            read += 1
            try:
                data = reading.read(str(root.path.joinpath(*way)), (root,), self._deny, max_bytes=_MOST_BYTES).data
            except InputError:  # denied, too large, or gone meanwhile
                continue
            text = data.decode("utf-8", "replace")
            yield "/".join(way), text_of_page(text).replace("\n", "\n\n") if name.endswith((".html", ".htm")) else text


def _passages(text: str) -> Sequence[str]:
    """`text` in paragraphs; a short one, such as a heading, goes with the next."""
    passages: list[str] = []
    held = ""
    for part in _PASSAGE.split(text):
        held = f"{held}\n{part}".strip()
        if len(held) >= 80:
            passages += [held[at : at + SNIPPET_CHARS] for at in range(0, len(held), SNIPPET_CHARS)][:20]
            held = ""
    return [*passages, held] if held else passages
