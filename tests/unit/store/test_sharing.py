"""One store in several hands: other processes, tasks that are cancelled, and calls that wait too long."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from anyio import to_thread

from tests.unit.store.child import child, held, said
from theo_mcp.errors import StoreError
from theo_mcp.store import Store

pytestmark = pytest.mark.slow


async def test_two_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    work = """
async with Store.open(path, timeout_s=30) as store:
    for number in range(100):
        await store.update("usage", "updates", increased)
        await store.add("usage", {"sum": 1, "budget": 1})
        await store.put("cache", f"{os.getpid()} {number}", "x" * 1000)
    granted = [await store.add("usage", {"budget": 1}, limits={"budget": 230}) for _ in range(20)]
    print(sum(not sums.over for sums in granted))
"""
    processes = [child(path, work), child(path, work)]  # both also make the file, at the same moment

    granted = sum(int(said(process)) for process in processes)

    async with Store.open(path) as store:
        assert await store.get("usage", "updates") == 200
        assert await store.get("usage", "sum") == 200
        assert await store.get("usage", "budget") == 200 + granted == 230
        assert len(await store.entries("cache", limit=1000)) == 200


async def test_a_store_that_another_process_is_just_making_is_no_strangers(path: Path) -> None:
    work = """
print("up", flush=True)
sys.stdin.readline()
for number in range(100):
    async with Store.open(path.with_name(f"{path.name}-{number}"), timeout_s=30) as store:
        await store.add("usage", {"openings": 1})
print("made")
"""
    processes = [child(path, work) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"

    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()

    assert [said(process) for process in processes] == ["made\n"] * 3


async def test_two_stores_of_one_process_share_the_file(path: Path) -> None:
    async with Store.open(path) as one, Store.open(path) as two, anyio.create_task_group() as tasks:
        for store in (one, two) * 20:
            tasks.start_soon(store.add, "usage", {"n": 1})

    async with Store.open(path) as store:
        assert await store.get("usage", "n") == 40


async def test_a_process_killed_in_the_middle_of_a_change_leaves_all_before_it_and_nothing_half(path: Path) -> None:
    process = child(
        path,
        """
def change(value):
    print("inside", flush=True)
    sys.stdin.read()
    return "half"

async with Store.open(path) as store:
    for number in range(20):
        await store.put("jobs", str(number), "x" * 10_000)
    await store.update("jobs", "0", change)
""",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    process.kill()
    process.communicate()

    async with Store.open(path) as store:
        entries = await store.entries("jobs")
        assert await store.update("jobs", "0", lambda _: "after") == "after"

    assert [entry.key for entry in entries] == [str(number) for number in reversed(range(20))]
    assert {entry.value for entry in entries} == {"x" * 10_000}


async def test_another_writer_stops_neither_readers_nor_the_event_loop_and_the_wait_ends(path: Path) -> None:
    async with Store.open(path, timeout_s=0.3) as store:
        await store.put("cache", "k", 1)
        with held(path):
            refused: list[StoreError] = []

            async def write() -> None:
                with pytest.raises(StoreError) as raised:
                    await store.put("cache", "k", 2)
                refused.append(raised.value)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write)
                reads = 0
                while not refused:
                    assert await store.get("cache", "k") == 1
                    reads += 1
        await store.put("cache", "k", 3)

        assert reads > 1
        assert refused[0].message == f"The store {path} did not answer for 0.3 seconds."
        assert refused[0].retryable
        assert await store.get("cache", "k") == 3


async def test_a_store_that_another_program_holds_is_told_at_the_opening(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("BEGIN EXCLUSIVE")

        with pytest.raises(StoreError, match="did not answer"):
            async with Store.open(path, timeout_s=0.1):
                pass


async def test_a_cancelled_wait_returns_at_once_and_its_change_is_absent(path: Path) -> None:
    async with Store.open(path) as store:
        with held(path):
            with anyio.fail_after(2), anyio.move_on_after(0.02):
                await store.put("cache", "k", "cancelled")
            assert await store.get("cache", "k") is None
        await store.put("cache", "other", 1)

        assert [entry.key for entry in await store.entries("cache")] == ["other"]


async def test_a_change_cancelled_midway_is_whole_and_nothing_runs_beside_it(path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def change(_: object) -> str:
        inside.set()
        go_on.wait(10)
        return "whole"

    async with Store.open(path) as store:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.update, "cache", "k", change)
            assert await to_thread.run_sync(inside.wait, 5)
            tasks.cancel_scope.cancel()
        reads: list[object] = []

        async def read() -> None:
            reads.append(await store.get("cache", "k"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            assert reads == []
            go_on.set()

        assert reads == ["whole"]


async def test_a_change_cancelled_in_the_queue_is_absent(path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def change(_: object) -> str:
        inside.set()
        go_on.wait(10)
        return "whole"

    async with Store.open(path) as store:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.update, "cache", "k", change)
            assert await to_thread.run_sync(inside.wait, 5)
            tasks.cancel_scope.cancel()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.put, "cache", "k", "too late")
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        go_on.set()

        assert await store.update("cache", "k", lambda value: [value]) == ["whole"]


async def test_a_storm_of_cancellations_leaves_a_usable_store(path: Path) -> None:
    async with Store.open(path) as store:
        with held(path):
            for _ in range(30):
                async with anyio.create_task_group() as tasks:
                    for _ in range(5):
                        tasks.start_soon(store.add, "usage", {"n": 1})
                    await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()

        assert await store.add("usage", {"n": 1}) == await store.add("usage", {"n": 0})
        assert await store.get("usage", "n") == 1


async def test_a_disk_that_does_not_answer_costs_no_more_than_the_timeout(path: Path) -> None:
    go_on = threading.Event()

    with anyio.fail_after(5):
        async with Store.open(path, timeout_s=0.2) as store:
            with pytest.raises(StoreError, match="did not answer") as running:
                await store.update("cache", "k", lambda _: go_on.wait(10))
            with pytest.raises(StoreError, match="did not answer") as waiting:
                await store.put("cache", "k", 2)
    go_on.set()

    assert "may have been made all the same" in running.value.hint
    assert (running.value.retryable, waiting.value.retryable) == (False, True)
    async with Store.open(path) as store:
        assert await store.get("cache", "k") is True


async def test_a_closed_store_says_so(path: Path) -> None:
    async with Store.open(path) as store:
        pass

    with pytest.raises(StoreError, match="is closed"):
        await store.put("cache", "k", 1)


async def test_closing_waits_for_what_is_under_way_and_refuses_what_waits(path: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()
    refused: list[str] = []

    def change(_: object) -> str:
        inside.set()
        go_on.wait(10)
        return "whole"

    async def wait() -> None:
        with pytest.raises(StoreError) as raised:
            await store.put("cache", "k", "late")
        refused.append(raised.value.message)

    async with anyio.create_task_group() as tasks, Store.open(path) as store:
        tasks.start_soon(store.update, "cache", "k", change)
        assert await to_thread.run_sync(inside.wait, 5)
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(to_thread.run_sync, go_on.set)

    assert refused == [f"The store {path} is closed."]
    async with Store.open(path) as store:
        assert await store.get("cache", "k") == "whole"


async def test_another_event_loop_is_refused(path: Path) -> None:
    async with Store.open(path) as store:
        with pytest.raises(RuntimeError, match="in the event loop that opened it"):
            await to_thread.run_sync(lambda: anyio.run(store.get, "cache", "k"))


async def test_nothing_of_it_is_left_when_opening_is_cancelled(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        with anyio.fail_after(2), anyio.move_on_after(0.02):
            async with Store.open(path):
                pytest.fail("it is held")

        other.execute("ROLLBACK")
    async with Store.open(path) as store:
        assert await store.get("cache", "k") is None


async def test_a_store_is_opened_and_read_while_another_program_writes(path: Path) -> None:
    async with Store.open(path) as store:
        await store.put("runs", "a", 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with Store.open(path, timeout_s=0.5) as store:
            assert await store.get("runs", "a") == 1
