"""A child's answer, read from bytes that nobody vouches for: every length is checked before anything is kept."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from theo_mcp.sandbox.inside.serve import MAGIC

_MOST_BLOBS: Final = 4096
_LONGEST_VALUE: Final = 4 << 20
_SPARE: Final = 64 << 10  # names of errors and what they say come on top of what a job returns

Receive = Callable[[int], Awaitable[bytes]]
"""Some bytes, at least one and at most so many; empty at the end."""


class EndedError(Exception):
    """The child's answers ended before one was whole."""


class BrokenFrameError(Exception):
    """What came is no answer."""


class TooLargeError(Exception):
    """More is announced than may come back."""


@dataclass(frozen=True)
class Frame:
    kind: int
    last: bool
    """The child ends, or should be ended."""
    blobs: Mapping[str, bytes]

    def value(self) -> object:
        """The JSON value that came with the outputs.

        Raises:
            BrokenFrameError: it is none.
        """
        try:
            return json.loads(self.blobs[""], parse_constant=_refused) if "" in self.blobs else None
        except (ValueError, RecursionError):
            raise BrokenFrameError from None

    def text(self, name: str) -> str:
        """What the child says about itself, on one line and without control characters; it may be a lie."""
        said = self.blobs.get(name, b"")[:2000].decode(errors="replace")
        return " ".join("".join(c if c.isprintable() else " " for c in said).split())[:500]


async def read(receive: Receive, number: int, most: int) -> Frame:
    """The answer to order `number`, of at most `most` bytes.

    Raises:
        EndedError, BrokenFrameError, TooLargeError
    """
    head = await _exactly(receive, 16)
    if head[:4] != MAGIC or head[5] > 1 or int.from_bytes(head[6:14], "big") != number:
        raise BrokenFrameError
    count = int.from_bytes(head[14:], "big")
    if count > _MOST_BLOBS:
        raise TooLargeError
    sizes: dict[str, int] = {}
    for _ in range(count):
        length = (await _exactly(receive, 1))[0]
        entry = await _exactly(receive, length + 8)
        try:
            name = entry[:length].decode()
        except UnicodeDecodeError:
            raise BrokenFrameError from None
        if name in sizes:
            raise BrokenFrameError
        sizes[name] = int.from_bytes(entry[length:], "big")
    if sum(sizes.values()) > most + _SPARE or sizes.get("", 0) > _LONGEST_VALUE:
        raise TooLargeError
    return Frame(head[4], bool(head[5]), {name: await _exactly(receive, size) for name, size in sizes.items()})


async def _exactly(receive: Receive, size: int) -> bytes:
    parts = []
    while size:
        part = await receive(size)
        if not part:
            raise EndedError
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _refused(constant: str) -> object:
    raise ValueError(constant)
