"""``python -m theo_mcp.testing``: both services on this machine until you end them, for programs in any language."""

from __future__ import annotations

import sys

import anyio

from theo_mcp.testing import FakeGetCode, FakeTheo, getcode, theo


async def main() -> None:
    async with FakeTheo() as a, FakeGetCode() as b:
        lines = [
            "Fakes that answer like the services, for tests; their texts are always the same. Ctrl-C ends them.",
            f"export THEO_BASE_URL={a.origin} THEO_API_KEY={theo.KEY}",
            f"export GETCODE_BASE_URL={b.origin} GETCODE_API_KEY={getcode.KEY}",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await anyio.sleep_forever()


if __name__ == "__main__":
    try:
        anyio.run(main)
    except KeyboardInterrupt:
        sys.exit(130)
