"""``python -m tests.requests ORIGIN``: sends every request of the documents to a gateway and prints the table.

The key is read from the variable THEO_API_KEY.
"""

from __future__ import annotations

import sys

import anyio

from tests.requests.sending import send_all, table
from theo_mcp.machine import environment

if len(sys.argv) != 2 or not (key := environment().get("THEO_API_KEY", "")):
    sys.exit("Usage: THEO_API_KEY=… python -m tests.requests http://127.0.0.1:8484")
outcomes = anyio.run(send_all, sys.argv[1], key)
sys.stdout.write(table(outcomes))
counted = [outcome.verdict for outcome in outcomes]
sys.stdout.write(
    f"\n{len(counted)} requests: {counted.count('documented')} as documented, {counted.count('refused')} refused as "
    f"typed, {counted.count('wrong')} wrong.\n"
)
sys.exit(1 if "wrong" in counted else 0)
