"""Runs in memory: how they are waited for, watched, stopped, limited and forgotten."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator
from typing import cast

import anyio
import pytest
from pydantic import JsonValue

from theo_mcp import Secret
from theo_mcp.errors import NotAvailableError, NotFoundError, RateLimitError, StreamError, TheoError
from theo_mcp.runs import Limits, Report, Run, Runs, Status, Work

FOREVER = 30.0


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Patient:
    """Work that goes on until it is allowed to end, and notes whether it was stopped."""

    def __init__(self, result: JsonValue = "the answer", *, sends: bool = False, keeps: bool = False) -> None:
        self.begun = anyio.Event()
        self.may_end = anyio.Event()
        self.was_stopped = False
        self._result, self._sends, self._keeps = result, sends, keeps

    async def __call__(self, report: Report) -> JsonValue:
        if self._sends:
            report.sent(request_id="req-1")
        if self._keeps:
            report.keep()
        self.begun.set()
        try:
            await self.may_end.wait()
        except anyio.get_cancelled_exc_class():
            self.was_stopped = True
            raise
        return self._result


def quick(result: JsonValue = None) -> Work:
    async def work(report: Report) -> JsonValue:
        return result

    return work


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def runs(clock: Clock) -> AsyncIterator[Runs]:
    with anyio.fail_after(FOREVER):
        async with Runs.open(clock=clock) as runs:
            yield runs


async def call_and_leave(runs: Runs, work: Patient, *, billable: bool) -> Run:
    """A caller that starts the work, waits for it, and is cancelled once it has begun."""
    run = runs.start(work, title="Writing", billable=billable)
    async with anyio.create_task_group() as tasks:

        async def call() -> None:
            await run.result(within=FOREVER)

        tasks.start_soon(call)
        await work.begun.wait()
        tasks.cancel_scope.cancel()
    return run


async def failure_of(run: Run) -> TheoError:
    with pytest.raises(TheoError) as raised:
        await run.result(within=FOREVER)
    return raised.value


async def test_a_quick_run_gives_its_result_to_the_call_that_started_it(runs: Runs) -> None:
    run = runs.start(quick({"files": ["a.pdf"]}), title="Making a PDF")

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
    run = runs.start(work, title="t")

    early = await run.result(within=0)
    work.may_end.set()

    assert early is run
    assert await (await runs.find(run.handle)).result(within=FOREVER) == "the answer"


async def test_a_handle_is_random_and_fits_into_a_url(runs: Runs) -> None:
    handles = {runs.start(quick(), title="t").handle for _ in range(10)}

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
    listed = await runs.listed()

    assert [found.handle for found in listed] == [run.handle]
    assert await listed[0].result(within=FOREVER) == "the answer"


async def test_a_billable_call_not_sent_yet_is_stopped(runs: Runs) -> None:
    run = await call_and_leave(runs, Patient(), billable=True)
    await run.wait(FOREVER)

    assert (await failure_of(run)).message == "The run was cancelled."


async def test_a_cancelled_wait_after_the_handle_was_returned_stops_nothing(runs: Runs) -> None:
    work = Patient()
    run = runs.start(work, title="t")
    await run.result(within=0)

    for wait in (run.wait, lambda seconds: run.result(within=seconds)):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, FOREVER)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    work.may_end.set()

    assert await run.result(within=FOREVER) == "the answer"


async def test_cancel_stops_a_run_and_says_so_again_and_again(runs: Runs) -> None:
    work = Patient(sends=True)
    run = runs.start(work, title="t", billable=True)
    await work.begun.wait()

    assert [await run.cancel(), await run.cancel()] == [True, True]

    error = await failure_of(run)
    assert work.was_stopped
    assert (error.code, error.request_id) == ("cancelled", "req-1")
    assert "may have been done and billed" in error.message
    assert "(request req-1)" in error.hint


async def test_what_has_ended_is_not_stopped(runs: Runs) -> None:
    run = runs.start(quick(1), title="t")
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

    run = runs.start(work, title="t")
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

    run = runs.start(work, title="t")
    await begun.wait()

    assert await run.cancel()


async def test_work_may_cancel_itself(runs: Runs) -> None:
    async def work(report: Report) -> JsonValue:
        return await (await runs.find(report.handle)).cancel()

    run = runs.start(work, title="t")
    await run.wait(FOREVER)

    assert run.status.state == "cancelled"


async def test_any_number_of_tasks_wait_and_each_only_as_long_as_it_wants(runs: Runs) -> None:
    work = Patient()
    run = runs.start(work, title="t")
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
        for number, step in enumerate(
            (
                lambda: report.phase("thinking"),
                lambda: report.text("Hel"),
                lambda: report.text("lo"),
                lambda: report.fraction(0.5),
            )
        ):
            await turn[number].wait()
            step()
        return "Hello"

    seen: list[tuple[str, str, str, float | None]] = []
    async for status in runs.start(work, title="t").changes():
        seen.append((status.state, status.phase, status.text, status.fraction))
        if status.state == "running":
            turn[len(seen) - 2].set()

    assert seen == [
        ("queued", "", "", None),
        ("running", "", "", None),
        ("running", "thinking", "", None),
        ("running", "thinking", "Hel", None),
        ("running", "thinking", "Hello", None),
        ("done", "thinking", "Hello", 0.5),
    ]


async def test_who_is_slow_sees_the_newest_and_who_comes_late_the_end(runs: Runs) -> None:
    work = Patient()
    report_of: list[Report] = []

    async def busy(report: Report) -> JsonValue:
        report_of.append(report)
        return await work(report)

    run = runs.start(busy, title="t")
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

    run = runs.start(work, title="for hunter2-hunter2")
    await run.wait(FOREVER)
    before = run.status
    reports[0].phase("late")
    reports[0].text("late")
    reports[0].sent(request_id="late")

    assert run.status == before
    assert (before.title, before.phase, before.fraction) == ("for ***", "with *** and ?", 1.0)
    assert (before.sent, before.request_id, before.job_id) == (True, "r", "j")


async def test_a_failure_keeps_the_facts_of_its_error_and_no_key(runs: Runs) -> None:
    Secret("hunter2-hunter2")

    async def work(report: Report) -> JsonValue:
        raise RateLimitError(
            "Too many, hunter2-hunter2.", hint="Wait.", retry_after=3, status=429, request_id="req-2", attempts=2
        )

    run = runs.start(work, title="t")
    first, second = await failure_of(run), await failure_of(run)

    assert first is not second
    assert isinstance(first, RateLimitError)
    assert vars(first) == {
        "message": "Too many, ***.",
        "code": "rate_limit_exceeded",
        "hint": "Wait.",
        "retryable": True,
        "retry_after": 3,
        "status": 429,
        "request_id": "req-2",
        "attempts": 2,
        "partial": "",
    }
    assert (run.status.state, run.status.request_id) == ("failed", "req-2")


@pytest.mark.parametrize(("partial", "kept"), [("from the error", "from the error"), ("", "as reported")])
async def test_the_text_before_a_failure_is_kept(runs: Runs, partial: str, kept: str) -> None:
    async def work(report: Report) -> JsonValue:
        report.text("as reported")
        async with anyio.create_task_group():
            raise StreamError("It broke.", partial=partial)

    error = await failure_of(runs.start(work, title="t"))

    assert isinstance(error, StreamError)
    assert error.partial == kept


@pytest.mark.parametrize(
    "unexpected",
    [ValueError("a user's prompt"), SystemExit("a user's prompt"), asyncio.CancelledError("a user's prompt")],
)
async def test_an_unexpected_error_ends_its_run_alone_and_its_words_are_not_repeated(
    runs: Runs, caplog: pytest.LogCaptureFixture, unexpected: BaseException
) -> None:
    async def work(report: Report) -> JsonValue:
        raise unexpected

    error = await failure_of(runs.start(work, title="t"))

    assert error.code == "internal_error"
    assert error.message == f"Something went wrong inside theo-mcp ({type(unexpected).__name__})."
    assert "test_runs.py" in caplog.text
    assert "a user's prompt" not in caplog.text.replace('CancelledError("a user\'s prompt")', "")
    assert await runs.start(quick(1), title="t").result(within=FOREVER) == 1


@pytest.mark.parametrize("result", [object(), {"x": math.nan}, {1, 2}])
async def test_a_result_that_is_not_json_fails_the_run(runs: Runs, result: object) -> None:
    error = await failure_of(runs.start(quick(cast("JsonValue", result)), title="t"))

    assert error.code == "internal_error"


async def test_unknown_expired_and_someone_elses_handles_get_the_same_answer(runs: Runs, clock: Clock) -> None:
    annas = runs.start(quick(1), title="t", owner="anna")
    short = runs.start(quick(1), title="t", owner="bob", lifetime_s=5)
    await annas.wait(FOREVER)
    await short.wait(FOREVER)
    clock.now = 1005

    answers = set()
    for handle in (annas.handle, short.handle, "run_unknown", "", "\0\ud800"):
        with pytest.raises(NotFoundError) as raised:
            await runs.find(handle, owner="bob")
        answers.add((str(raised.value), raised.value.code))

    assert answers == {
        (
            "There is no run with this handle. It may have expired. Check the handle, or start the work again.",
            "not_found",
        )
    }
    assert await runs.listed(owner="bob") == []
    assert [run.handle for run in await runs.listed(owner="anna")] == [annas.handle]


async def test_a_run_does_not_expire_before_it_has_ended_nor_when_the_clock_goes_back(runs: Runs, clock: Clock) -> None:
    work = Patient()
    run = runs.start(work, title="t", lifetime_s=5)
    clock.now = 9000
    found = await runs.find(run.handle)
    work.may_end.set()
    await run.wait(FOREVER)
    clock.now = 10

    assert found is await runs.find(run.handle)
    assert run.status.expires_at == 9005


async def test_too_many_unfinished_runs_of_one_owner_are_refused_and_other_owners_are_not(clock: Clock) -> None:
    async with Runs.open(limits=Limits(unfinished=2), clock=clock) as runs:
        work = Patient()
        first = runs.start(work, title="t", owner="anna")
        runs.start(work, title="t", owner="anna")

        with pytest.raises(NotAvailableError, match=r"^2 runs have not ended yet, which is the limit") as raised:
            runs.start(work, title="t", owner="anna")
        runs.start(work, title="t", owner="bob")
        await first.cancel()
        runs.start(work, title="t", owner="anna")

    assert (raised.value.code, raised.value.retryable) == ("too_many_runs", True)


async def test_more_than_run_at_once_wait_their_turn_and_can_be_cancelled_there() -> None:
    async with Runs.open(limits=Limits(running=1)) as runs:
        first, second, third = Patient(), Patient(), Patient()
        runs.start(first, title="t")
        queued = runs.start(second, title="t")
        last = runs.start(third, title="t")
        await first.begun.wait()
        await anyio.wait_all_tasks_blocked()

        states = (queued.status.state, last.status.state)
        await queued.cancel()
        first.may_end.set()
        await third.begun.wait()

        assert states == ("queued", "queued")
        assert (queued.status.state, second.begun.is_set(), last.status.state) == ("cancelled", False, "running")


async def test_the_oldest_finished_runs_of_an_owner_give_way() -> None:
    async with Runs.open(limits=Limits(finished=2)) as runs:
        for number in range(4):
            await runs.start(quick(number), title=str(number)).wait(FOREVER)
        await runs.start(quick(), title="bob's", owner="bob").wait(FOREVER)

        assert [run.status.title for run in await runs.listed()] == ["3", "2"]
        assert len(await runs.listed(owner="bob")) == 1


async def test_results_give_way_when_memory_is_full_but_never_the_newest() -> None:
    async with Runs.open(limits=Limits(memory_bytes=10_000)) as runs:
        for number in range(3):
            await runs.start(quick("x" * 4000), title=str(number)).wait(FOREVER)
        before = [run.status.title for run in await runs.listed()]
        await runs.start(quick("x" * 50_000), title="large").wait(FOREVER)

        assert before == ["2"]
        assert [run.status.title for run in await runs.listed()] == ["large"]


async def test_closing_interrupts_what_runs_and_tells_who_waits() -> None:
    work = Patient(sends=True)
    async with Runs.open() as runs:
        run = runs.start(work, title="t", billable=True)
        await work.begun.wait()

    error = await failure_of(run)
    assert work.was_stopped
    assert (error.code, error.request_id) == ("interrupted", "req-1")
    assert error.message.startswith("The program ended while the run was under way; its request may have gone out")
    with pytest.raises(NotAvailableError, match="is ending"):
        runs.start(work, title="t")


async def test_work_that_cannot_be_stopped_is_recorded_as_interrupted_and_changes_nothing_later() -> None:
    begun, may_end, recorded = anyio.Event(), anyio.Event(), anyio.Event()

    async def work(report: Report) -> JsonValue:
        with anyio.CancelScope(shield=True):
            begun.set()
            await may_end.wait()
        return "too late"

    async def watch(run: Run) -> None:
        await run.wait(FOREVER)
        recorded.set()
        may_end.set()

    async with anyio.create_task_group() as tasks:
        async with Runs.open(limits=Limits(closing_s=0.01)) as runs:
            run = runs.start(work, title="t")
            tasks.start_soon(watch, run)
            await begun.wait()

    assert recorded.is_set()
    assert (run.status.state, run.status.result) == ("interrupted", None)


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with Runs.open() as runs:
            runs.start(Patient(), title="t")
            raise ValueError("mine")


async def test_a_server_that_is_cancelled_interrupts_its_runs() -> None:
    work = Patient()
    async with anyio.create_task_group() as tasks, Runs.open() as runs:
        run = runs.start(work, title="t")
        await work.begun.wait()
        tasks.cancel_scope.cancel()
        unstarted = runs.start(Patient(), title="t")

    assert (run.status.state, unstarted.status.state, work.was_stopped) == ("interrupted", "interrupted", True)


async def test_calls_cancelled_at_any_moment_leave_no_run_behind() -> None:
    async def work(report: Report) -> JsonValue:
        for number in range(5):
            await anyio.lowlevel.checkpoint()
            report.phase(str(number))
        return None

    async with Runs.open(limits=Limits(running=2, unfinished=100)) as runs:
        started: list[Run] = []

        async def call() -> None:
            run = runs.start(work, title="t")
            started.append(run)
            await run.result(within=FOREVER)

        for moment in range(20):
            async with anyio.create_task_group() as tasks:
                for _ in range(4):
                    tasks.start_soon(call)
                for _ in range(moment):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        for run in started:
            await run.wait(FOREVER)

        assert {run.status.state for run in started} == {"done", "cancelled"}
        assert await runs.start(quick("still here"), title="t").result(within=FOREVER) == "still here"
