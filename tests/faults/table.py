"""The fault list as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.faults.rows import Row

TABLE = Path(__file__).parent / "TABLE.md"


def table(seen: Sequence[tuple[Row, str]]) -> str:
    """One line per row: the fault, the call, what is expected, and what was seen."""
    lines = ["| # | the service sends | to | expected | seen |", "| --- | --- | --- | --- | --- |"]
    for number, (row, outcome) in enumerate(seen, start=1):
        cells = (row.id, row.how, row.expected, "the same" if outcome == row.expected else outcome)
        lines.append(f"| {number} | " + " | ".join(cell.replace("|", "·") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
