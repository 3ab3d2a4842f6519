"""What a job costs: an estimate until it is told, then its cost, once."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from tests.conftest import MakeSettings
from tests.unit.meter.conftest import FREE, Scripted, metered
from theo_mcp import ResearchRequest, VideoRequest, connect, errors
from theo_mcp.backend import Session, Used
from theo_mcp.meter import Meter
from theo_mcp.testing import theo
from theo_mcp.testing.theo import FakeTheo

TIDES = ResearchRequest(prompt="Tides")
STARTED: dict[str, object] = {"id": "res_1", "job_id": "job_1", "status": "queued"}
DONE: dict[str, object] = {"id": "job_1", "status": "completed", "result": "x", "usage": {"cost_cents": 12.5}}
ACTIVE: dict[str, object] = {"id": "job_1", "status": "active", "usage": {"cost_cents": 3}}
FAILED: dict[str, object] = {"id": "job_1", "status": "failed", "usage": {"cost_cents": 4}}


async def sums(meter: Meter) -> tuple[float, float, float]:
    """Spent and estimated in the session, and what the ledger holds for today."""
    session = meter.session()
    today = (await meter.spending()).today_cents
    return float(session.spent_cents), float(session.maybe_cents), float(today)


async def test_a_job_is_an_estimate_until_it_tells_its_cost_and_is_settled_once(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "500", session="500")
    arm.answer, arm.states = STARTED, [ACTIVE, DONE]
    await hosted.research(TIDES)
    assert await sums(meter) == (0, 100, 100)

    await hosted.job("job_1")
    assert await sums(meter) == (0, 100, 100), "what an unfinished job says may grow"
    await hosted.wait_for_job("job_1")
    await hosted.job("job_1")

    assert await sums(meter) == (12.5, 0, 12.5)
    used = {each.method: each for each in (await meter.spending()).used}
    assert used["research"] == Used("theo", "research", 1, 0, 0, 0, Decimal("12.5"), FREE)
    assert (used["job"].calls, used["wait_for_job"].calls) == (2, 1)


async def test_the_next_job_reserves_what_the_last_one_cost(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, session="112.5")
    arm.answer, arm.states = STARTED, [DONE]
    await hosted.research(TIDES)
    await hosted.wait_for_job("job_1")

    arm.answer = STARTED | {"job_id": "job_2"}
    await hosted.research(TIDES)

    assert await sums(meter) == (12.5, 12.5, 25)
    with pytest.raises(errors.BudgetError, match="may cost 200 cents"):
        await hosted.video(VideoRequest(prompt="A wave"))


async def test_a_failed_job_costs_what_it_says(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "500")
    arm.answer, arm.states = STARTED, [ACTIVE, FAILED]
    await hosted.video(VideoRequest(prompt="A wave"))

    with pytest.raises(errors.ServiceError):
        await hosted.wait_for_job("job_1")

    assert await sums(meter) == (4, 0, 4)


@pytest.mark.parametrize("usage", [{}, {"cost_cents": -1}, {"cost_cents": 1e300}])
async def test_a_job_whose_cost_nobody_tells_stays_an_estimate(arm: Scripted, usage: dict[str, object]) -> None:
    meter, hosted, _ = metered(arm, "500")
    arm.answer, arm.states = STARTED, [DONE | {"usage": usage}]
    await hosted.research(TIDES)

    await hosted.wait_for_job("job_1")

    assert await sums(meter) == (0, 100, 100)


async def test_a_job_that_another_program_began_is_nobodys_cost_here(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "500")
    arm.states = [DONE]

    await hosted.wait_for_job("job_1")

    assert await sums(meter) == (0, 0, 0)


async def test_many_who_wait_for_one_job_settle_it_once(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "500")
    arm.answer, arm.states = STARTED, [DONE]
    await hosted.research(TIDES)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(hosted.wait_for_job, "job_1")

    assert await sums(meter) == (12.5, 0, 12.5)


async def test_a_wait_that_is_given_up_still_notes_the_cost_that_it_saw(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "500")
    arm.answer, arm.states = STARTED, [DONE]
    await hosted.research(TIDES)

    with anyio.CancelScope() as scope:
        await hosted.wait_for_job("job_1", observe=lambda _: scope.cancel())

    assert await sums(meter) == (12.5, 0, 12.5)


async def test_a_refused_research_costs_nothing(make_settings: MakeSettings, theo_service: FakeTheo) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, max_retries=0)
    theo_service.queue_available = False

    async with connect(settings) as backend:
        with pytest.raises(errors.ServiceError):
            await backend.theo.research(TIDES)
        assert backend.session is not None
        assert backend.session().cents == 0


async def test_the_cost_of_a_real_job_reaches_the_session(make_settings: MakeSettings, theo_service: FakeTheo) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin)

    async with connect(settings) as backend:
        assert backend.session is not None
        started = await backend.theo.research(TIDES)
        assert backend.session() == Session(FREE, Decimal(100), None)
        theo_service.jobs[started.job_id] = [theo_service.jobs[started.job_id][-1] | {"usage": {"cost_cents": 31.7}}]
        await backend.theo.wait_for_job(started.job_id)
        assert backend.session() == Session(Decimal("31.7"), FREE, None)
