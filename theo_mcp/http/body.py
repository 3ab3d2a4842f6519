"""The bytes of a reply, unpacked and within bounds.

Only gzip and deflate are unpacked, one layer, in pieces: what small bytes unpack to is never held beyond the limit.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

from theo_mcp.http.envelope import word

ACCEPTED = "gzip"
_PIECE = 2**16
_GZIP = b"\x1f\x8b"
_AUTO = 32 + zlib.MAX_WBITS  # gzip or zlib, whichever header is there


class BodyError(ValueError):
    """The body cannot be read; the message says why, as the end of a sentence about the service."""


class Unpacked:
    """Unpacks a body with the Content-Encoding `encoding`, piece by piece.

    Raises:
        BodyError: it is an encoding that was not asked for.
    """

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        self._inflate = None
        if name in ("gzip", "x-gzip", "deflate"):
            self._inflate = zlib.decompressobj(_AUTO)
        elif name not in ("", "identity"):
            raise BodyError(f"sent a body in an encoding that was not asked for ({word(name) or 'unreadable'})")

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The unpacked pieces of `data`, none much above 64 KiB unless it came unpacked.

        Raises:
            BodyError: the encoding is broken.
        """
        inflate = self._inflate
        if inflate is None:
            yield data
            return
        try:
            while True:
                piece = inflate.decompress(data, _PIECE)
                if piece:
                    yield piece
                data = inflate.unconsumed_tail
                if inflate.eof:
                    data = inflate.unused_data
                    if not data.startswith(_GZIP):  # the end, or padding
                        return
                    inflate = self._inflate = zlib.decompressobj(_AUTO)
                elif not data and len(piece) < _PIECE:
                    return
        except zlib.error:
            raise BodyError("sent a body whose encoding is broken") from None

    def end(self) -> None:
        """Called at the end of the body.

        Raises:
            BodyError: the packed data stops in the middle.
        """
        if self._inflate is not None and not self._inflate.eof:
            raise BodyError("sent a body whose encoding is broken")


async def read_all(chunks: AsyncIterator[bytes], encoding: str, length: str, limit: int, parts: list[bytes]) -> bytes:
    """The whole body, unpacked; `length` is the Content-Length as it came, and `parts` has what came so far.

    Raises:
        BodyError: it is above `limit` bytes, or cannot be unpacked.
    """
    too_large = BodyError(f"sent more than {limit:,} bytes")
    if length.isascii() and length.isdigit() and int(length[:20]) > limit:
        raise too_large
    unpacked = Unpacked(encoding)
    size = 0
    async for chunk in chunks:
        for part in unpacked.feed(chunk):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise too_large
    if parts or size:
        unpacked.end()
    return b"".join(parts)
