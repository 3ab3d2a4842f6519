"""Who waits for a run, watches it, or stops it."""

from __future__ import annotations

import math
import re

import anyio
import pytest
from pydantic import JsonValue

from tests.unit.runs.work import FOREVER, Patient, failure_of, quick
from theo_mcp import Secret
from theo_mcp.runs import Report, Run, Runs, Status


async def call_and_leave(runs: Runs, work: Patient, *, billable: bool) -> Run:
    """A caller that starts the work, waits for it, and is cancelled once it has begun."""
    run = runs.start(work, title="Writing", billable=billable, owner="me")
    async with anyio.create_task_group() as tasks:

        async def call() -> None:
            await run.result(within=FOREVER)

        tasks.start_soon(call)
        await work.begun.wait()
        tasks.cancel_scope.cancel()
    return run


async def test_a_quick_run_gives_its_result_to_the_call_that_started_it(runs: Runs) -> None:
    run = runs.start(quick({"files": ["a.pdf"]}), title="Making a PDF", owner="me")

    assert await run.result(within=45) == {"files": ["a.pdf"]}
    assert run.status == Status(
        run.handle,
        "Making a PDF",
        created_at=1000,
        state="done",
        result={"files": ["a.pdf"]},
        ended_at=1000,
        expires_at=4600,
    )


async def test_at_the_soft_deadline_the_call_gets_the_run_which_goes_on(runs: Runs) -> None:
    work = Patient()
    run = runs.start(work, title="t", owner="me")

    early = await run.result(within=0)
    work.may_end.set()

    assert early is run
    assert await (await runs.find(run.handle, owner="me")).result(within=FOREVER) == "the answer"


async def test_a_handle_is_random_and_fits_into_a_url(runs: Runs) -> None:
    handles = {runs.start(quick(), title="t", owner="me").handle for _ in range(10)}

    assert len(handles) == 10
    assert all(re.fullmatch(r"run_[A-Za-z0-9_-]{22}", handle) for handle in handles)


async def test_a_call_cancelled_before_it_has_the_handle_stops_the_run(runs: Runs) -> None:
    work = Patient(sends=True)

    run = await call_and_leave(runs, work, billable=False)
    await run.wait(FOREVER)

    assert (run.status.state, work.was_stopped) == ("cancelled", True)


@pytest.mark.parametrize(("sends", "keeps"), [(True, False), (False, True)])
async def test_what_was_sent_and_is_billed_or_asked_to_be_kept_survives_the_cancelled_call(
    runs: Runs, sends: bool, keeps: bool
) -> None:
    work = Patient(sends=sends, keeps=keeps)

    run = await call_and_leave(runs, work, billable=sends)
    work.may_end.set()
    listed = await runs.listed(owner="me")

    assert [found.handle for found in listed] == [run.handle]
    assert await listed[0].result(within=FOREVER) == "the answer"


async def test_a_billable_call_not_sent_yet_is_stopped(runs: Runs) -> None:
    run = await call_and_leave(runs, Patient(), billable=True)
    await run.wait(FOREVER)

    assert (await failure_of(run)).message == "The run was cancelled."


async def test_a_cancelled_wait_after_the_handle_was_returned_stops_nothing(runs: Runs) -> None:
    work = Patient()
    run = runs.start(work, title="t", owner="me")
    await run.result(within=0)

    async def ask_again() -> None:
        await run.result(within=FOREVER)

    async def wait() -> None:
        await run.wait(FOREVER)

    for ask in (wait, ask_again):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    work.may_end.set()

    assert await run.result(within=FOREVER) == "the answer"


async def test_cancel_stops_a_run_and_says_so_again_and_again(runs: Runs) -> None:
    work = Patient(sends=True)
    run = runs.start(work, title="t", billable=True, owner="me")
    await work.begun.wait()

    assert [await run.cancel(), await run.cancel()] == [True, True]

    error = await failure_of(run)
    assert work.was_stopped
    assert (error.code, error.request_id) == ("cancelled", "req-1")
    assert "may have been done and billed" in error.message
    assert "(request req-1)" in error.hint


async def test_what_has_ended_is_not_stopped(runs: Runs) -> None:
    run = runs.start(quick(1), title="t", owner="me")
    await run.wait(FOREVER)

    assert not await run.cancel()
    assert run.status.state == "done"


async def test_work_that_ends_in_spite_of_the_cancellation_keeps_its_answer(runs: Runs) -> None:
    begun = anyio.Event()

    async def work(report: Report) -> JsonValue:
        with anyio.CancelScope(shield=True):
            begun.set()
            await anyio.wait_all_tasks_blocked()
        return "paid for"

    run = runs.start(work, title="t", owner="me")
    await begun.wait()

    assert not await run.cancel()
    assert await run.result(within=0) == "paid for"


async def test_work_that_fails_while_it_is_stopped_was_cancelled(runs: Runs) -> None:
    begun = anyio.Event()

    async def work(report: Report) -> JsonValue:
        try:
            begun.set()
            await anyio.sleep_forever()
        finally:
            raise ValueError("while cleaning up")

    run = runs.start(work, title="t", owner="me")
    await begun.wait()

    assert await run.cancel()


async def test_work_may_cancel_itself(runs: Runs) -> None:
    async def work(report: Report) -> JsonValue:
        return await (await runs.find(report.handle, owner="me")).cancel()

    run = runs.start(work, title="t", owner="me")
    await run.wait(FOREVER)

    assert run.status.state == "cancelled"


async def test_any_number_of_tasks_wait_and_each_only_as_long_as_it_wants(runs: Runs) -> None:
    work = Patient()
    run = runs.start(work, title="t", owner="me")
    ended: list[bool] = []

    async def wait() -> None:
        ended.append(await run.wait(FOREVER))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(wait)
        assert not await run.wait(0.001)
        assert not await run.wait(-1)
        work.may_end.set()

    assert ended == [True] * 20


async def test_who_watches_sees_each_change_to_the_end(runs: Runs) -> None:
    turn = [anyio.Event() for _ in range(4)]

    async def work(report: Report) -> JsonValue:
        await turn[0].wait()
        report.phase("thinking")
        await turn[1].wait()
        report.text("Hel")
        await turn[2].wait()
        report.text("lo")
        await turn[3].wait()
        report.fraction(0.5)
        return "Hello"

    seen: list[tuple[str, str, str, float | None]] = []
    async for status in runs.start(work, title="t", owner="me").changes():
        seen.append((status.state, status.phase, status.text, status.fraction))
        if status.state == "running":
            turn[len(seen) - 2].set()

    assert seen == [
        ("queued", "", "", None),
        ("running", "", "", None),
        ("running", "thinking", "", None),
        ("running", "thinking", "Hel", None),
        ("running", "thinking", "Hello", None),
        ("done", "thinking", "", 0.5),  # the result has the text now
    ]


async def test_who_is_slow_sees_the_newest_and_who_comes_late_the_end(runs: Runs) -> None:
    work = Patient()
    report_of: list[Report] = []

    async def busy(report: Report) -> JsonValue:
        report_of.append(report)
        return await work(report)

    run = runs.start(busy, title="t", owner="me")
    await work.begun.wait()
    changes = run.changes()
    await anext(changes)
    for number in range(1000):
        report_of[0].text("x")
        report_of[0].phase(f"step {number}")

    newest = await anext(changes)
    work.may_end.set()
    await run.wait(FOREVER)

    assert (newest.phase, len(newest.text)) == ("step 999", 1000)
    assert [status.state async for status in changes] == ["done"]
    assert [status.state async for status in run.changes()] == ["done"]


async def test_a_report_is_made_tidy_and_after_the_end_ignored(runs: Runs) -> None:
    Secret("hunter2-hunter2")
    reports: list[Report] = []

    async def work(report: Report) -> JsonValue:
        reports.append(report)
        report.phase("with hunter2-hunter2 and \ud800")
        for done in (0.25, 7, math.nan):
            report.fraction(done)
        report.sent(request_id="r")
        report.sent(job_id="j")
        return None

    run = runs.start(work, title="for hunter2-hunter2", owner="me")
    await run.wait(FOREVER)
    before = run.status
    reports[0].phase("late")
    reports[0].text("late")
    reports[0].sent(request_id="late")

    assert run.status == before
    assert (before.title, before.phase, before.fraction) == ("for ***", "with *** and ?", 1.0)
    assert (before.sent, before.request_id, before.job_id) == (True, "r", "j")


async def test_a_report_from_another_thread_is_refused_and_not_lost_in_silence(runs: Runs) -> None:
    refused: list[str] = []

    async def work(report: Report) -> JsonValue:
        for say in (report.phase, report.text):
            with pytest.raises(RuntimeError) as raised:
                await anyio.to_thread.run_sync(say, "from a thread")
            refused.append(str(raised.value))
        return None

    await runs.start(work, title="t", owner="me").result(within=FOREVER)

    assert ["in its event loop" in words for words in refused] == [True, True]
