"""Jobs of the engine: begun at once, asked for by id, known after a restart, and each its owner's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from pydantic import JsonValue

from tests.conftest import MakeSettings
from theo_mcp import NotAvailableError, Settings
from theo_mcp.backend import Caller
from theo_mcp.engine.background import Background
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.memory.audit import Request
from theo_mcp.engine.theo import EngineTheo
from theo_mcp.errors import InputError, NotFoundError, ServiceError, TimeoutExceededError
from theo_mcp.runs import Report
from theo_mcp.store import FILE, Store

ANN, BOB = Caller(tenant="ann"), Caller(tenant="bob")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Engine]:
    background = Background()
    engine = Engine(settings, background)
    try:
        async with background.open():
            yield engine
    finally:
        await engine.aclose()


def asked(engine: Engine, caller: Caller) -> Request:
    """The request that a job answers."""
    return engine.memory.account.began(caller, "research", "research")


class Work:
    """Work that reports half of itself, and ends when it may."""

    def __init__(self) -> None:
        self.half, self.may_end = anyio.Event(), anyio.Event()

    async def __call__(self, report: Report) -> dict[str, JsonValue]:
        report.fraction(0.5)
        self.half.set()
        await self.may_end.wait()
        return {"report": "# Tides", "usage": {"cost_cents": 0.0, "total_tokens": 12}}


async def failing(report: Report) -> dict[str, JsonValue]:
    raise ServiceError("The search did not answer.", code="search_failed", hint="Try again later.")


async def test_a_job_is_followed_from_its_start_to_its_result(make_settings: MakeSettings) -> None:
    work = Work()
    async with opened(make_settings()) as engine:
        theo = EngineTheo(engine, ANN)

        started = await engine.memory.jobs.start("research", work, asked(engine, ANN), "Tides")
        await work.half.wait()
        half = await theo.job(started.job_id)
        work.may_end.set()
        seen: list[str] = []
        job = await theo.wait_for_job(started.job_id, observe=lambda job: seen.append(job.status))

    assert started.id.startswith("res_")
    assert started.job_id.startswith("job_")
    assert (started.status, started.poll_url) == ("queued", f"/api/v1/jobs/{started.job_id}")
    assert (half.type, half.status, half.progress, half.result) == ("research", "active", 50.0, None)
    assert (job.status, job.progress, job.text, job.usage.total_tokens) == ("completed", 100.0, "# Tides", 12)
    assert job.completed_at >= job.created_at == started.created
    assert seen[-1] == "completed"


async def test_a_failed_job_says_why_to_whoever_asks_and_to_whoever_waits(make_settings: MakeSettings) -> None:
    async with opened(make_settings()) as engine:
        started = await engine.memory.jobs.start("research", failing, asked(engine, ANN), "Tides")
        with pytest.raises(ServiceError) as raised:
            await EngineTheo(engine, ANN).wait_for_job(started.job_id)
        job = await EngineTheo(engine, ANN).job(started.job_id)

    assert str(raised.value) == "The job failed: The search did not answer. Try again later."
    assert (raised.value.code, raised.value.job_id) == ("search_failed", started.job_id)
    assert (job.status, job.error) == ("failed", {"message": "The search did not answer.", "code": "search_failed"})


async def test_waiting_ends_at_its_deadline_and_the_job_goes_on(make_settings: MakeSettings) -> None:
    work = Work()
    async with opened(make_settings()) as engine:
        theo = EngineTheo(engine, ANN)
        started = await engine.memory.jobs.start("research", work, asked(engine, ANN), "Tides")

        with pytest.raises(TimeoutExceededError, match="did not end within"):
            await theo.wait_for_job(started.job_id, deadline_s=0.01)
        with pytest.raises(InputError):
            await theo.wait_for_job(started.job_id, deadline_s=0)
        work.may_end.set()

        assert (await theo.wait_for_job(started.job_id)).status == "completed"


async def test_the_job_of_another_tenant_is_not_there(make_settings: MakeSettings) -> None:
    async with opened(make_settings()) as engine:
        started = await engine.memory.jobs.start("research", Work(), asked(engine, ANN), "Tides")

        for theo, id in ((EngineTheo(engine, BOB), started.job_id), (EngineTheo(engine, ANN), "job_unknown")):
            with pytest.raises(NotFoundError) as raised:
                await theo.job(id)
            assert raised.value.message == "There is no job with this id."


async def test_asking_where_nothing_was_ever_kept_makes_nothing(make_settings: MakeSettings) -> None:
    settings = make_settings()
    async with opened(settings) as engine:
        with pytest.raises(NotFoundError):
            await EngineTheo(engine).job("job_1")

    assert not settings.data_dir.exists()


async def test_a_job_is_known_after_a_restart_and_one_cut_off_by_it_has_failed(make_settings: MakeSettings) -> None:
    settings, quick, slow = make_settings(), Work(), Work()
    quick.may_end.set()
    async with opened(settings) as engine:
        done = await engine.memory.jobs.start("research", quick, asked(engine, ANN), "Tides")
        await EngineTheo(engine, ANN).wait_for_job(done.job_id)
        cut = await engine.memory.jobs.start("video", slow, asked(engine, ANN), "Waves")
        await slow.half.wait()

    async with opened(settings) as engine:
        theo = EngineTheo(engine, ANN)
        kept, lost = await theo.job(done.job_id), await theo.job(cut.job_id)

    assert (kept.status, kept.text) == ("completed", "# Tides")
    assert (lost.status, lost.type) == ("failed", "video")
    assert lost.reason == "The program ended while the run was under way."


async def rows(settings: Settings) -> list[tuple[JsonValue, JsonValue]]:
    """How each job ended, for the audit."""
    async with Store.open(settings.data_dir / FILE) as store:
        values = [value for _, value in await store.contents.newest("audit", 0, 100)]
    return [(value["status"], value["code"]) for value in values if isinstance(value, dict)]


async def test_each_job_that_the_end_cuts_off_has_a_row_also_in_the_queue(make_settings: MakeSettings) -> None:
    settings, works = make_settings(), [Work() for _ in range(6)]
    async with opened(settings) as engine:
        for work in works:
            await engine.memory.jobs.start("research", work, asked(engine, ANN), "Tides")
        for work in works[:4]:
            await work.half.wait()
        assert not works[5].half.is_set()

    assert await rows(settings) == [("cancelled", "")] * 6


async def test_a_job_whose_caller_left_at_its_start_is_noted_with_what_it_used(make_settings: MakeSettings) -> None:
    settings, ended = make_settings(), anyio.Event()
    async with opened(settings) as engine:
        with anyio.CancelScope() as call:

            async def work(report: Report) -> dict[str, JsonValue]:
                call.cancel()
                await anyio.lowlevel.checkpoint()
                ended.set()
                return {"usage": {"total_tokens": 12}}

            with asked(engine, ANN).under_way() as noted:
                await engine.memory.jobs.start("research", work, noted, "Tides")
        await ended.wait()

        assert call.cancelled_caught
    async with opened(settings) as engine:
        assert (await EngineTheo(engine, ANN).usage()).totals.total_tokens == 12
    assert await rows(settings) == [("ok", "")]


@pytest.mark.slow
async def test_a_job_whose_time_was_over_has_failed_for_the_audit_too(make_settings: MakeSettings) -> None:
    settings = make_settings(job_timeout_s=1)
    async with opened(settings) as engine:
        started = await engine.memory.jobs.start("research", Work(), asked(engine, ANN), "Tides")
        with pytest.raises(ServiceError):
            await EngineTheo(engine, ANN).wait_for_job(started.job_id)

    assert await rows(settings) == [("failed", "timeout")]


@pytest.mark.slow
async def test_without_keeping_results_a_job_is_known_until_the_end_and_nothing_is_written(
    make_settings: MakeSettings,
) -> None:
    settings, work = make_settings(keep_results_s=0), Work()
    work.may_end.set()
    async with opened(settings) as engine:
        started = await engine.memory.jobs.start("research", work, asked(engine, ANN), "Tides")
        job = await EngineTheo(engine, ANN).wait_for_job(started.job_id)

    assert job.status == "completed"
    assert not settings.data_dir.exists()


async def test_a_caller_who_leaves_while_the_jobs_are_opened_leaves_them_to_the_next(
    make_settings: MakeSettings,
) -> None:
    settings = make_settings()
    async with opened(settings) as engine:
        async with anyio.create_task_group() as leaving:
            leaving.start_soon(engine.memory.jobs.start, "research", Work(), asked(engine, ANN), "Tides")
            await anyio.lowlevel.checkpoint()
            leaving.cancel_scope.cancel()
        await engine.memory.jobs.start("research", Work(), asked(engine, ANN), "Tides")

        assert len(list(settings.data_dir.glob("*.alive"))) == 1  # one a registry


async def test_a_backend_that_was_not_entered_has_no_place_for_jobs(make_settings: MakeSettings) -> None:
    engine = Engine(make_settings(), Background())

    with pytest.raises(NotAvailableError, match="was not entered"):
        await engine.memory.jobs.start("research", failing, asked(engine, ANN), "Tides")
    await engine.aclose()


@pytest.mark.slow
async def test_too_many_jobs_of_one_caller_are_refused(make_settings: MakeSettings) -> None:
    async with opened(make_settings(keep_results_s=0)) as engine:
        for _ in range(16):
            await engine.memory.jobs.start("research", Work(), asked(engine, ANN), "Tides")
        with pytest.raises(ServiceError) as raised:
            await engine.memory.jobs.start("research", Work(), asked(engine, ANN), "Tides")
        await engine.memory.jobs.start("research", Work(), asked(engine, BOB), "Tides")

    assert raised.value.code == "queue_unavailable"
    assert raised.value.retryable
