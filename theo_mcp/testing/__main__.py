"""``python -m theo_mcp.testing``: both services on this machine until you end them, for programs in any language."""

from __future__ import annotations

import struct
import sys
import zlib

import anyio

from theo_mcp.testing import FakeGetCode, FakeTheo, getcode, theo

_WIDTH, _HEIGHT = 320, 200


async def main() -> None:
    async with FakeTheo() as a, FakeGetCode() as b:
        a.files = {"img": _picture(), "vid": b"\0\0\0\x18ftypmp42", "doc": b"%PDF-1.7\n%%EOF\n"}
        lines = [
            "Fakes that answer like the services, for tests; their texts are always the same. Ctrl-C ends them.",
            f"export THEO_BASE_URL={a.origin} THEO_API_KEY={theo.KEY}",
            f"export GETCODE_BASE_URL={b.origin} GETCODE_API_KEY={getcode.KEY}",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


def _picture() -> bytes:
    """A PNG of a gradient, so that what shows and saves images has one."""
    rows = b"".join(
        b"\0" + bytes(part for x in range(_WIDTH) for part in (255 * x // _WIDTH, 255 * y // _HEIGHT, 160))
        for y in range(_HEIGHT)
    )
    header = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


if __name__ == "__main__":
    try:
        anyio.run(main)
    except KeyboardInterrupt:
        sys.exit(130)
