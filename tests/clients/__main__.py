"""``python -m tests.clients [CLIENT …]``: runs real clients; without a name all of them, and writes their table."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import anyio

from tests.clients.outcome import Outcome
from tests.clients.roster import CLIENTS
from tests.clients.running import drive
from tests.clients.table import TABLE, table


async def main(names: list[str]) -> int:
    chosen = [client for client in CLIENTS if not names or client.id in names]
    seen = []
    for client in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                outcome, _ = await drive(client, Path(folder))
            except AssertionError as error:
                sys.stderr.write(f"{client.id}: {error}\n")
                outcome = Outcome(*["did not run"] * 7)
        seen.append((client, outcome))
        sys.stdout.write(f"{client.id}: {'as expected' if outcome == client.expected else outcome}\n")
        sys.stdout.flush()
    if not names:
        TABLE.write_text(table(seen), encoding="utf-8")
    return 0 if seen and all(outcome == client.expected for client, outcome in seen) else 1


sys.exit(anyio.run(main, sys.argv[1:]))
