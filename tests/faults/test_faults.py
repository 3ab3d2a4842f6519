"""Every row of the fault list, with the library's own client, and with clients that a caller brings."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import httpx
import httpx2
import pytest

from tests.faults.outcome import outcome
from tests.faults.rows import ROWS, Row
from tests.faults.table import TABLE, table
from theo_mcp.http.library import AsyncClient
from theo_mcp.testing.theo import FakeTheo


@pytest.fixture(params=["ours", *(pytest.param(name, marks=pytest.mark.slow) for name in ("httpx2", "httpx"))])
async def http_client(request: pytest.FixtureRequest) -> AsyncIterator[AsyncClient | None]:
    """None lets TheoClient make its own; the other two are a caller's, with keep-alive and their default headers."""
    if request.param == "ours":
        yield None
        return
    module = {"httpx2": httpx2, "httpx": httpx}[request.param]
    async with module.AsyncClient() as client:
        yield client


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_a_fault_is_a_typed_error_with_what_was_received(
    theo_service: FakeTheo, http_client: AsyncClient | None, row: Row
) -> None:
    with anyio.fail_after(10):
        seen = await outcome(row, theo_service, http_client)

    assert seen == row.expected


def test_the_list_is_long_and_its_table_is_current() -> None:
    assert len(ROWS) >= 100
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert TABLE.read_text(encoding="utf-8") == table([(row, row.expected) for row in ROWS]), (
        "python -m tests.faults writes it anew"
    )
