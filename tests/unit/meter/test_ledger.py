"""Totals in memory and in the store: the same promises, and in the store also across processes and restarts."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect, errors
from theo_mcp.meter.ledger import Ledger, MemoryLedger, StoreLedger
from theo_mcp.store import Store
from theo_mcp.testing import theo
from theo_mcp.testing.theo import FakeTheo

HELLO = CompletionRequest(prompt="Hello")


@pytest.fixture(params=["memory", "store"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger()
        return
    kept = StoreLedger(lambda: Store.open(tmp_path / "store"))
    yield kept
    await kept.aclose()


async def test_what_fits_is_reserved_and_what_does_not_is_not(ledger: Ledger) -> None:
    assert await ledger.reserve("day", 6, 10)
    assert not await ledger.reserve("day", 5, 10)
    assert await ledger.reserve("day", 4, 10)
    assert await ledger.reserve("another day", 10, 10)
    assert await ledger.reserve("day", 1000, None)
    assert await ledger.reserve("day", 0, 10)
    assert await ledger.total("day") == 1010
    assert await ledger.total("no day") == 0


async def test_a_cost_takes_the_place_of_its_reservation(ledger: Ledger) -> None:
    await ledger.reserve("day", 6, 10)
    await ledger.reserve("day", 4, 10)

    await ledger.settle("day", 6, 1)
    await ledger.settle("day", 4, 4)

    assert await ledger.total("day") == 5


async def test_of_many_at_once_only_as_many_pass_as_fit(ledger: Ledger) -> None:
    passed: list[bool] = []

    async def reserve() -> None:
        passed.append(await ledger.reserve("day", 1, 7))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(reserve)

    assert (passed.count(True), await ledger.total("day")) == (7, 7)


_PROCESS = """
import sys
from pathlib import Path
import anyio
from theo_mcp.meter.ledger import StoreLedger
from theo_mcp.store import Store

async def main():
    ledger = StoreLedger(lambda: Store.open(Path(sys.argv[1])))
    await ledger.total("day")
    print(flush=True)
    sys.stdin.readline()
    print(sum([await ledger.reserve("day", 1, 30) for _ in range(25)]))
    await ledger.aclose()

anyio.run(main)
"""


@pytest.mark.slow
def test_two_processes_cannot_pass_one_limit_together(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(tmp_path / "store")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()  # both are up before either begins
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    assert sum(int(process.communicate(timeout=20)[0]) for process in processes) == 30


async def test_a_budget_survives_a_restart_and_nothing_more_is_sent(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, budget_cents="1.01")
    async with connect(settings) as backend:
        await backend.theo.complete(HELLO)  # 0.02 cents, after the guess of 1 was reserved
    sent = len(theo_service.requests)

    async with connect(settings) as backend:
        with pytest.raises(errors.BudgetError, match=r"of today's budget of 1\.01 cents 0\.02 are"):
            await backend.theo.complete(HELLO)
        assert backend.spending is not None
        assert (await backend.spending()).today_cents == Decimal("0.02")

    assert len(theo_service.requests) == sent == 1


async def test_a_budget_that_cannot_be_read_lets_nothing_through(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, budget_cents="100")
    settings.data_dir.mkdir()
    (settings.data_dir / "store.sqlite").write_bytes(b"not a database, " * 100)

    async with connect(settings) as backend:
        with pytest.raises(errors.StoreError):
            await backend.theo.complete(HELLO)

    assert theo_service.requests == []


async def test_without_a_budget_nothing_is_written(make_settings: MakeSettings, theo_service: FakeTheo) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin)

    async with connect(settings) as backend:
        await backend.theo.complete(HELLO)

    assert not settings.data_dir.exists()


async def test_a_cost_that_the_store_did_not_take_is_noted_with_the_next(tmp_path: Path) -> None:
    ledger = StoreLedger(lambda: Store.open(tmp_path / "store", timeout_s=0.1))
    await ledger.reserve("day", 2, 10)
    other = sqlite3.connect(tmp_path / "store", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(errors.StoreError):
        await ledger.settle("day", 2, 7)
    assert await ledger.total("day") == 7
    other.close()

    assert not await ledger.reserve("day", 4, 10)
    assert await ledger.reserve("day", 3, 10)
    await ledger.aclose()
    async with Store.open(tmp_path / "store") as store:
        assert await store.get("usage", "day") == 10
