"""Runs every fault and writes the table of what is expected and what was seen."""

from __future__ import annotations

import sys

import anyio

from tests.faults.outcome import outcome
from tests.faults.rows import ROWS
from tests.faults.table import TABLE, table
from theo_mcp.testing import FakeTheo


async def main() -> int:
    seen = []
    for row in ROWS:
        async with FakeTheo() as service:
            seen.append((row, await outcome(row, service, None)))
    TABLE.write_text(table(seen), encoding="utf-8")
    differ = [row.id for row, outcome in seen if outcome != row.expected]
    sys.stdout.write(f"{len(seen)} faults, {len(differ)} not as expected {differ or ''}; see {TABLE}\n")
    return 1 if differ else 0


sys.exit(anyio.run(main))
