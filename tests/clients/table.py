"""The clients as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path

from tests.clients.outcome import Outcome
from tests.clients.roster import Client

TABLE = Path(__file__).parent / "TABLE.md"


def table(seen: Sequence[tuple[Client, Outcome]]) -> str:
    """One line per client: what it made of our results; below, why some show less."""
    head = ["client", "version", *(field.name for field in fields(Outcome))]
    lines = [_line(head), _line(["---"] * len(head))]
    lines += [_line([client.name, client.version, *astuple(outcome)]) for client, outcome in seen]
    notes = [f"- {client.name}: {client.note}" for client, _ in seen if client.note]
    return "\n".join([*lines, "", *notes]) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
