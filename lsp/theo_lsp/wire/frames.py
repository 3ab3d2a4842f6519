"""Where one message ends and the next begins."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

_LONGEST_HEADER = 2**14
_LONGEST_BODY = 256 * 2**20
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,10})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


class Frames:
    """Bytes in, bodies out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are complete now.

        Raises:
            ValueError: what came has no length that can be believed, so nobody knows where the next message begins.
        """
        self._buffer += data
        while True:
            if self._length is None:
                end = _END_OF_HEADER.search(self._buffer, 0, _LONGEST_HEADER)
                if end is None:
                    if len(self._buffer) >= _LONGEST_HEADER:
                        raise ValueError("a header without an end")
                    return
                length = _LENGTH.search(self._buffer, 0, end.start() + 1)
                if length is None or int(length[1]) > _LONGEST_BODY:
                    raise ValueError("a header without a length that can be believed")
                self._length = int(length[1])
                del self._buffer[: end.end()]
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = None
            yield body


def tell_unreadable(error: ValueError) -> None:
    """Says on stderr, like a line of the log, why nothing more is read; nothing may be imported yet that logs."""
    told = f"The input cannot be cut into messages, because of {error}. The server ends."
    print(f"ERROR {__name__}: {told}", file=sys.stderr, flush=True)  # noqa: T201
