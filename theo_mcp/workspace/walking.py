"""The ordinary files under roots, as far as a few ten thousand names go: for whoever looks through all of them.

Nothing is entered through a link. Hidden names, those that are denied, and folders that tools fill (packages, caches)
are left out.
"""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice

from theo_mcp.workspace.beneath import Folder
from theo_mcp.workspace.deny import Deny
from theo_mcp.workspace.roots import Root

_FILLED = frozenset({"node_modules", "__pycache__", "venv", "site-packages", "vendor", "bower_components"})
_MOST_NAMES = 20_000
_DEEPEST = 16


def walked(roots: Sequence[Root], deny: Deny) -> Iterator[tuple[Root, tuple[str, ...]]]:
    """Every such file, level by level, in the order of their names: its root, and the names below that."""
    room = _MOST_NAMES
    for root in roots:
        waiting: deque[tuple[str, ...]] = deque([()])
        while waiting and room > 0:
            inside = waiting.popleft()
            for name, kind in _listed(root, inside, room):
                room -= 1
                way = (*inside, name)
                if name.startswith(".") or name in _FILLED or deny.matching(root.real, way) is not None:
                    continue
                if stat.S_ISREG(kind):
                    yield root, way
                elif stat.S_ISDIR(kind) and len(way) < _DEEPEST:
                    waiting.append(way)


def _listed(root: Root, inside: Sequence[str], room: int) -> list[tuple[str, int]]:
    try:
        folder = Folder.open(root.real)
        for name in inside:
            with closing(folder):
                folder = folder.child(name)
        with closing(folder):
            listed = sorted(islice(folder.names(), room))
            return [(name, folder.stat(name).st_mode) for name in listed]
    except OSError:  # it went meanwhile, or is not ours to list
        return []
