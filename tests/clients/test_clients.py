"""Real clients against the real server, and the table of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.roster import CLIENTS, Client
from tests.clients.running import drive
from tests.clients.table import TABLE, table


@pytest.mark.clients
@pytest.mark.anyio
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.id)
async def test_a_client_shows_our_results(client: Client, tmp_path: Path) -> None:
    outcome, seen = await drive(client, tmp_path)

    assert outcome == client.expected, json.dumps(seen, indent=1)[:20_000]


def test_the_table_is_current_and_each_client_that_shows_less_has_a_note() -> None:
    assert TABLE.read_text(encoding="utf-8") == table([(client, client.expected) for client in CLIENTS]), (
        "python -m tests.clients writes it anew"
    )
    assert [client.id for client in CLIENTS if "dropped" in client.expected.structured and not client.note] == []
