"""Runs that fail, and registries that end."""

from __future__ import annotations

import asyncio
import math
from typing import cast

import anyio
import pytest
from pydantic import JsonValue

from tests.unit.runs.work import FOREVER, Patient, failure_of, quick
from theo_mcp import Secret
from theo_mcp.errors import NotAvailableError, RateLimitError, StreamError
from theo_mcp.runs import Limits, Report, Run, Runs


async def test_a_failure_keeps_the_facts_of_its_error_and_no_key(runs: Runs) -> None:
    Secret("hunter2-hunter2")

    async def work(report: Report) -> JsonValue:
        raise RateLimitError(
            "Too many, hunter2-hunter2.",
            hint="Wait.",
            retry_after=3,
            status=429,
            request_id="req-2",
            attempts=2,
            job_id="j1",
        )

    run = runs.start(work, title="t", owner="me")
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
        "job_id": "j1",
        "partial": "",
    }
    assert (run.status.state, run.status.request_id, run.status.job_id) == ("failed", "req-2", "j1")


@pytest.mark.parametrize(("partial", "kept"), [("from the error", "from the error"), ("", "as reported")])
async def test_the_text_before_a_failure_is_kept(runs: Runs, partial: str, kept: str) -> None:
    async def work(report: Report) -> JsonValue:
        report.text("as reported")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)
        return None

    async def fail() -> None:
        raise StreamError("It broke.", partial=partial)

    error = await failure_of(runs.start(work, title="t", owner="me"))

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

    error = await failure_of(runs.start(work, title="t", owner="me"))

    assert error.code == "internal_error"
    assert error.message == f"Something went wrong inside theo-mcp ({type(unexpected).__name__})."
    assert "test_ending.py" in caplog.text
    assert "a user's prompt" not in caplog.text
    assert await runs.start(quick(1), title="t", owner="me").result(within=FOREVER) == 1


@pytest.mark.parametrize("result", [object(), {"x": math.nan}, {1, 2}])
async def test_a_result_that_is_not_json_fails_the_run(runs: Runs, result: object) -> None:
    error = await failure_of(runs.start(quick(cast("JsonValue", result)), title="t", owner="me"))

    assert error.code == "internal_error"


async def test_closing_interrupts_what_runs_and_tells_who_waits() -> None:
    work = Patient(sends=True)
    async with Runs.open() as runs:
        run = runs.start(work, title="t", billable=True, owner="me")
        await work.begun.wait()

    error = await failure_of(run)
    assert work.was_stopped
    assert (error.code, error.request_id) == ("interrupted", "req-1")
    assert error.message.startswith("The program ended while the run was under way; its request may have gone out")
    with pytest.raises(NotAvailableError, match="is ending"):
        runs.start(work, title="t", owner="me")


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

    async with anyio.create_task_group() as tasks, Runs.open(limits=Limits(closing_s=0.01)) as runs:
        run = runs.start(work, title="t", owner="me")
        tasks.start_soon(watch, run)
        await begun.wait()

    assert recorded.is_set()
    assert (run.status.state, run.status.result) == ("interrupted", None)


async def test_what_the_body_raises_comes_out_as_it_is() -> None:
    with pytest.raises(ValueError, match="mine"):
        async with Runs.open() as runs:
            runs.start(Patient(), title="t", owner="me")
            raise ValueError("mine")


async def test_a_server_that_is_cancelled_interrupts_its_runs() -> None:
    work = Patient()
    async with anyio.create_task_group() as tasks, Runs.open() as runs:
        run = runs.start(work, title="t", owner="me")
        await work.begun.wait()
        tasks.cancel_scope.cancel()
        unstarted = runs.start(Patient(), title="t", owner="me")

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
            run = runs.start(work, title="t", owner="me")
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
        assert await runs.start(quick("still here"), title="t", owner="me").result(within=FOREVER) == "still here"
