"""Runs in a store: after a restart, after a crash, beside another process, and when the store fails."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from pydantic import JsonValue

from tests.unit.runs.work import FOREVER, Clock, Patient, failure_of, quick
from theo_mcp.errors import ConnectionLostError, NotFoundError, StoreError
from theo_mcp.runs import Cleared, Limits, Report, Runs, Status
from theo_mcp.runs.alive import Mark
from theo_mcp.runs.archive import Archive
from theo_mcp.store import Store

CHILD = """
import sys
from pathlib import Path
import anyio
from theo_mcp.runs import Runs
from theo_mcp.store import Store

async def work(report):
    report.sent(request_id="req-9")
    return await anyio.to_thread.run_sync(sys.stdin.readline)

async def main():
    async with Store.open(Path(sys.argv[1])) as store, Runs.open(store) as runs:
        run = runs.start(work, title="t", billable=True, owner="anna")
        while ((await store.get("runs", run.handle, owner="anna")) or {}).get("request_id") is None:
            await anyio.sleep(0.001)
        print(run.handle, flush=True)
        await run.wait(60)

anyio.run(main)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


class OtherProcess:
    """A process that keeps one run, whose request is out, until it is told a line, which is then the result."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", CHILD, str(path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.handle = self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


async def done(runs: Runs, result: JsonValue) -> str:
    """The handle of a run that has ended with `result`."""
    run = runs.start(quick(result), title="t", owner="me")
    await run.wait(FOREVER)
    return run.handle


async def test_a_handle_still_answers_after_a_restart(path: Path) -> None:
    async def work(report: Report) -> JsonValue:
        report.text("text \ud800")
        return {"lone": "\ud800", "deep": [[1]]}

    async with Store.open(path) as store, Runs.open(store) as runs:
        run = runs.start(work, title="t", owner="anna")
        await run.wait(FOREVER)

    async with Store.open(path) as store, Runs.open(store) as runs:
        again = await runs.find(run.handle, owner="anna")
        with pytest.raises(NotFoundError):
            await runs.find(run.handle, owner="me")

        assert again.status == run.status
        assert await again.wait(FOREVER)
        assert await again.result(within=0) == {"lone": "\ud800", "deep": [[1]]}
        assert not await again.cancel()
        assert [status.state async for status in again.changes()] == ["done"]
        assert [run.handle for run in await runs.listed(owner="anna")] == [run.handle]
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


async def test_a_failure_is_the_same_after_a_restart(path: Path) -> None:
    async def work(report: Report) -> JsonValue:
        report.text("so far")
        raise ConnectionLostError("It broke.", hint="Look.", request_id="req-3", attempts=1)

    async with Store.open(path) as store, Runs.open(store) as runs:
        run = runs.start(work, title="t", owner="me")
        before = await failure_of(run)

    async with Store.open(path) as store, Runs.open(store) as runs:
        after = await failure_of(await runs.find(run.handle, owner="me"))

    assert isinstance(after, ConnectionLostError)
    assert vars(after) == vars(before)
    assert (after.partial, after.request_id) == ("so far", "req-3")


@pytest.mark.slow
async def test_clearing_spares_what_a_living_process_is_at_and_nothing_else(path: Path) -> None:
    async with Store.open(path) as store, Runs.open(store) as runs:
        ended = await done(runs, "a result")
    dead, alive = OtherProcess(path), OtherProcess(path)
    dead.kill()

    async with Store.open(path) as store:
        async with Runs.open(store) as runs:
            cleared = await runs.clear()
        left = [entry.key for entry in await store.entries("runs", owner="anna")]
        gone = await store.get("runs", ended, owner="me")
    alive.kill()

    assert cleared == Cleared(at_work=1, others=True)
    assert (left, gone) == ([alive.handle], None)


async def test_at_the_end_of_input_what_was_sent_is_stored_as_interrupted_with_its_request(path: Path) -> None:
    work = Patient(sends=True)
    async with Store.open(path) as store, Runs.open(store) as runs:
        run = runs.start(work, title="t", billable=True, owner="me")
        await work.begun.wait()

    async with Store.open(path) as store, Runs.open(store) as runs:
        found = await runs.find(run.handle, owner="me")
        error = await failure_of(found)

    assert (found.status.state, error.request_id) == ("interrupted", "req-1")
    assert "may have been done and billed" in error.message


async def test_a_server_that_is_cancelled_still_stores_how_its_runs_ended(path: Path) -> None:
    work, clock = Patient(), Clock()
    async with anyio.create_task_group() as tasks, Store.open(path) as store, Runs.open(store, clock=clock) as runs:
        run = runs.start(work, title="t", owner="me", lifetime_s=1e12)
        await work.begun.wait()
        tasks.cancel_scope.cancel()

    async with Store.open(path) as store, Runs.open(store) as runs:
        status = (await runs.find(run.handle, owner="me")).status

    assert (status.state, status.ended_at) == ("interrupted", 1000)


@pytest.mark.slow
async def test_a_run_whose_process_was_killed_reads_as_interrupted_and_perhaps_billed(path: Path) -> None:
    other = OtherProcess(path)
    other.kill()

    async with Store.open(path) as store, Runs.open(store) as runs:
        found = await runs.find(other.handle, owner="anna")
        listed = await runs.listed(owner="anna")
        error = await failure_of(found)

        assert [run.status for run in listed] == [found.status]
    assert (found.status.state, error.code, error.request_id) == ("interrupted", "interrupted", "req-9")
    assert error.message == (
        "The program ended while the run was under way; its request may have gone out, so the work may have been done"
        " and billed."
    )
    assert "(request req-9)" in error.hint
    assert [file.name for file in path.parent.iterdir()] == ["store.db"]


@pytest.mark.slow
async def test_a_run_that_another_living_process_keeps_is_left_alone_and_can_be_waited_for(path: Path) -> None:
    other = OtherProcess(path)
    async with Store.open(path) as store, Runs.open(store) as runs:
        run = await runs.find(other.handle, owner="anna")

        before = run.status.state
        early = await run.wait(0.001)
        stopped = await run.cancel()
        assert other.process.stdin is not None
        other.process.stdin.write("the answer\n")
        other.process.stdin.flush()
        states = [status.state async for status in run.changes()]

        assert (before, early, stopped, states) == ("running", False, False, ["running", "done"])
        assert await run.result(within=0) == "the answer\n"
    other.kill()


async def test_two_registries_of_one_process_leave_each_others_runs_alone(path: Path) -> None:
    work = Patient()
    async with Store.open(path) as store, Runs.open(store) as one, Store.open(path) as same, Runs.open(same) as two:
        run = one.start(work, title="t", owner="me")
        await work.begun.wait()
        with anyio.fail_after(FOREVER):
            while await store.get("runs", run.handle, owner="me") is None:
                await anyio.lowlevel.checkpoint()

        assert (await two.find(run.handle, owner="me")).status.state in ("queued", "running")


class EndsMeanwhile(Mark):
    """The mark of a registry, just before whose look the other process stores its last run and ends."""

    def lives(self, token: str) -> bool:
        with closing(sqlite3.connect(self.store)) as other, other:
            other.execute("UPDATE entries SET value = replace(value, 'running', 'done')")
        return super().lives(token)


async def test_a_process_that_ends_while_it_is_looked_at_is_looked_at_again(path: Path) -> None:
    async with Store.open(path) as store:
        row: JsonValue = {"handle": "h", "title": "t", "created_at": 1, "state": "running", "process": "0"}
        await store.put("runs", "h", row)
        mark = EndsMeanwhile(path)
        archive = Archive(store, mark, status_of=lambda _: None, saved=lambda: None)

        found = await archive.read("h", "")

        mark.release()
    assert found is not None
    assert found.state == "done"


async def test_what_memory_gave_up_is_in_the_store(path: Path) -> None:
    async with Store.open(path) as store, Runs.open(store, limits=Limits(memory_bytes=1)) as runs:
        handles = [await done(runs, "x" * 5000) for _ in range(5)]

        found = [await runs.find(handle, owner="me") for handle in handles]

        assert [await run.result(within=0) for run in found] == ["x" * 5000] * 5


async def test_what_memory_has_no_more_is_deleted_only_when_told(path: Path) -> None:
    memory = {("", "h"): Status("h", "t", 1, state="done", result="paid for")}
    mark = Mark(path)
    async with Store.open(path, clock=Clock()) as store:
        archive = Archive(store, mark, status_of=memory.get, saved=memory.clear)

        for _ in range(2):  # the second time memory has given it up
            archive.save_soon(("", "h"))
            await archive.save()
        kept = await archive.read("h", "")
        archive.delete_soon(("", "h"))
        await archive.save()
        deleted = await archive.read("h", "")

    mark.release()
    assert kept is not None
    assert (kept.result, deleted) == ("paid for", None)


async def test_what_gives_way_to_newer_runs_is_deleted_in_the_store_too(path: Path) -> None:
    async with Store.open(path) as store, Runs.open(store, limits=Limits(finished=2)) as runs:
        handles = [await done(runs, number) for number in range(4)]

    async with Store.open(path) as store:
        assert {entry.key for entry in await store.entries("runs", owner="me")} == set(handles[2:])


async def test_a_stored_run_expires_and_is_removed(path: Path) -> None:
    clock = Clock()
    async with Store.open(path, clock=clock) as store, Runs.open(store, clock=clock) as runs:
        handle = await done(runs, 1)
    clock.now += 3600

    async with Store.open(path, clock=clock) as store, Runs.open(store, clock=clock) as runs:
        with pytest.raises(NotFoundError):
            await runs.find(handle, owner="me")
        assert await runs.listed(owner="me") == []
        with closing(sqlite3.connect(path)) as outside, anyio.fail_after(FOREVER):
            while outside.execute("SELECT count(*) FROM entries").fetchone() != (0,):
                await anyio.lowlevel.checkpoint()


@pytest.mark.slow
async def test_a_store_that_fails_costs_no_run_and_is_tried_again(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Store.open(path, timeout_s=0.25) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            async with Runs.open(store) as runs:
                handle = await done(runs, "in memory")
                with anyio.fail_after(FOREVER):
                    while "in memory only" not in caplog.text:
                        await anyio.lowlevel.checkpoint()
                found = await (await runs.find(handle, owner="me")).result(within=0)
                other.execute("ROLLBACK")

        assert found == "in memory"
        async with Runs.open(store) as runs:
            assert await (await runs.find(handle, owner="me")).result(within=0) == "in memory"


async def test_a_run_that_could_not_be_stored_and_gave_way_reads_as_interrupted(path: Path) -> None:
    async with Store.open(path) as store, Runs.open(store) as runs:
        handle = await done(runs, 1)
        mark = next(file for file in path.parent.iterdir() if file.suffix == ".alive").name[len("store.db-") : -6]
        lost: JsonValue = {"handle": "run_lost", "title": "t", "created_at": 1, "state": "running", "process": mark}
        await store.put("runs", "run_lost", lost, owner="me")

        found = await runs.find("run_lost", owner="me")

        assert found.status.state == "interrupted"
        assert (await runs.find(handle, owner="me")).status.state == "done"


@pytest.mark.parametrize("damage", [5, [], {}, {"handle": 1}, {"handle": "h", "title": "t", "created_at": "soon"}])
async def test_a_damaged_run_is_told_and_does_not_hide_the_others(
    path: Path, caplog: pytest.LogCaptureFixture, damage: JsonValue
) -> None:
    async with Store.open(path) as store, Runs.open(store) as runs:
        handle = await done(runs, 1)
        await store.put("runs", "run_damaged", damage, owner="me")

        with pytest.raises(StoreError, match="of this run is damaged"):
            await runs.find("run_damaged", owner="me")
        assert [run.handle for run in await runs.listed(owner="me")] == [handle]
    assert "left out of the list" in caplog.text


async def test_fields_of_a_newer_version_do_no_harm(path: Path) -> None:
    async with Store.open(path) as store, Runs.open(store) as runs:
        row: JsonValue = {"handle": "h", "title": "t", "created_at": 1, "state": "done", "result": 2, "colour": "red"}
        await store.put("runs", "h", row, owner="me")

        assert await (await runs.find("h", owner="me")).result(within=0) == 2


async def test_a_folder_that_takes_no_locks_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    async with Store.open(folder / "store.db") as store:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

        with pytest.raises(StoreError, match="no lock can be held"):
            async with Runs.open(store):
                pass


def test_who_cannot_be_asked_is_not_declared_dead(path: Path) -> None:
    mark = Mark(path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    path.with_name("store.db-abc.alive").touch()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        lives = mark.lives("abc")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert lives
    mark.release()


def test_marks_tell_who_lives_and_those_of_the_dead_are_removed(path: Path) -> None:
    dead = path.with_name("store.db-0123456789abcdef.alive")
    dead.touch()
    unrelated = path.with_name("other.db-0123456789abcdef.alive")
    unrelated.touch()

    one, two = Mark(path), Mark(path)

    assert not dead.exists()
    assert unrelated.exists()
    assert one.lives(two.token)
    assert two.lives(one.token)
    assert not one.lives("0123456789abcdef")
    assert not one.lives("../store")
    one.release()
    assert not two.lives(one.token)
    two.release()
    assert list(path.parent.iterdir()) == [unrelated]
