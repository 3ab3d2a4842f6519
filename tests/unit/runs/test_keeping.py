"""Whose a run is, how long it is kept, and how many there may be."""

from __future__ import annotations

import anyio
import pytest
from pydantic import JsonValue

from tests.unit.runs.work import FOREVER, Clock, Patient, quick
from theo_mcp.errors import NotAvailableError, NotFoundError, StreamError
from theo_mcp.runs import Limits, Report, Runs


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
    run = runs.start(work, title="t", lifetime_s=5, owner="me")
    clock.now = 9000
    found = await runs.find(run.handle, owner="me")
    work.may_end.set()
    await run.wait(FOREVER)
    clock.now = 10

    assert found is await runs.find(run.handle, owner="me")
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
        runs.start(first, title="t", owner="me")
        queued = runs.start(second, title="t", owner="me")
        last = runs.start(third, title="t", owner="me")
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
            await runs.start(quick(number), title=str(number), owner="me").wait(FOREVER)
        await runs.start(quick(), title="bob's", owner="bob").wait(FOREVER)

        assert [run.status.title for run in await runs.listed(owner="me")] == ["3", "2"]
        assert len(await runs.listed(owner="bob")) == 1


async def test_results_give_way_when_memory_is_full_but_never_the_newest() -> None:
    async with Runs.open(limits=Limits(memory_bytes=10_000)) as runs:
        for number in range(3):
            await runs.start(quick("x" * 4000), title=str(number), owner="me").wait(FOREVER)
        before = [run.status.title for run in await runs.listed(owner="me")]
        await runs.start(quick("x" * 50_000), title="large", owner="me").wait(FOREVER)

        assert before == ["2"]
        assert [run.status.title for run in await runs.listed(owner="me")] == ["large"]


async def test_no_repr_shows_what_was_made(runs: Runs) -> None:
    async def work(report: Report) -> JsonValue:
        report.text("a user's text")
        raise StreamError("It broke.", partial="a user's text")

    failed, done = runs.start(work, title="t", owner="me"), runs.start(quick("a user's text"), title="t", owner="me")
    await failed.wait(FOREVER)
    await done.wait(FOREVER)

    assert "a user's text" not in f"{failed!r} {failed.status!r} {done.status!r}"
