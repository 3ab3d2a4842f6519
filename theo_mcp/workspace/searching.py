"""Looks for words in the text files under roots, as far as time and a few thousand files go.

Each file is opened as every other is read: through no link, and not if it is denied. Files that are no text are left
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from theo_mcp.errors import InputError
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.reading import read
from theo_mcp.workspace.roots import Root
from theo_mcp.workspace.walking import walked

_MOST_FILES = 4000
_MOST_BYTES = 512 * 1024
_LONGEST_LINE = 240


@dataclass(frozen=True)
class Line:
    """A line that was found; its `path` counts from the root."""

    path: str
    number: int
    text: str


@dataclass(frozen=True)
class Found:
    """What a search found; `whole` says whether it came to its end."""

    lines: tuple[Line, ...]
    files: int
    whole: bool


def search(text: str, roots: Sequence[Root], deny: Deny, *, limit: int, seconds: float) -> Found:
    """At most `limit` lines, those with `text` as it stands before those with all its words; case does not count."""
    until = monotonic() + seconds
    phrase = " ".join(text.casefold().split())
    words = phrase.split()
    exact: list[Line] = []
    near: list[Line] = []
    files = 0
    whole = True
    for root, way in walked(roots, deny):
        if monotonic() > until or files >= _MOST_FILES or len(exact) >= limit:
            whole = False
            break
        path = "/".join(way)
        try:
            data = read(str(root.path.joinpath(*way)), (root,), deny, max_bytes=_MOST_BYTES).data
        except InputError:  # denied, too large, or gone meanwhile
            continue
        if b"\0" in data[:4096]:
            continue
        files += 1
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            said = line.casefold()
            if words and all(word in said for word in words):
                found = Line(path, number, _shown(line, said.find(words[0])))
                (exact if phrase in said else near).append(found)
    lines = (*exact, *near)
    return Found(lines[:limit], files, whole and len(lines) <= limit)


def _shown(line: str, at: int) -> str:
    """`line`, or of a long one the part around what was found."""
    if len(line) <= _LONGEST_LINE:
        return line.strip()
    start = max(0, at - _LONGEST_LINE // 2)
    return ("…" if start else "") + line[start : start + _LONGEST_LINE].strip() + "…"
