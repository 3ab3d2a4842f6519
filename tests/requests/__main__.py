"""``python -m tests.requests [ORIGIN]``: sends every request of the documents to a gateway and prints the table.

The key is read from the variable THEO_API_KEY. Without an address, the table of this folder is written anew, against a
gateway over a scripted model and a scripted search.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import anyio

from tests.requests.scripted import sent
from tests.requests.sending import Outcome, send_all, table
from theo_mcp.machine import environment
from theo_mcp.testing.searxng import FakeSearXNG

TABLE = Path(__file__).parent / "TABLE.md"


async def scripted() -> list[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        async with FakeSearXNG() as search:
            return await sent(Path(folder), searxng_url=search.origin)


if len(sys.argv) == 2 and (key := environment().get("THEO_API_KEY", "")):
    outcomes = anyio.run(send_all, sys.argv[1], key)
    sys.stdout.write(table(outcomes))
elif len(sys.argv) == 1:
    outcomes = anyio.run(scripted)
    TABLE.write_text(table(outcomes), encoding="utf-8")
else:
    sys.exit("Usage: [THEO_API_KEY=…] python -m tests.requests [http://127.0.0.1:8484]")
counted = [outcome.verdict for outcome in outcomes]
sys.stdout.write(
    f"\n{len(counted)} requests: {counted.count('documented')} as documented, {counted.count('refused')} refused as "
    f"typed, {counted.count('wrong')} wrong.\n"
)
sys.exit(1 if "wrong" in counted else 0)
