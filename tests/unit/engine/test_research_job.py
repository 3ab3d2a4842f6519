"""A research as a job of the engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeSettings
from theo_mcp import NotAvailableError, ResearchRequest, connect
from theo_mcp.backend import Caller
from theo_mcp.errors import NotFoundError, ServiceError
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.searxng import FakeSearXNG
from theo_mcp.wire.jobs import Job

PLAN = (json.dumps({"queries": ["tides moon"], "sections": ["Cause"]}),)


@pytest.fixture
async def search() -> AsyncIterator[FakeSearXNG]:
    async with FakeSearXNG() as service:
        yield service


async def test_a_research_is_a_job_whose_result_is_the_report_with_its_sources(
    model_server: ModelServer, search: FakeSearXNG, make_settings: MakeSettings
) -> None:
    model_server.script = [PLAN, ("The Moon does it, as all say [2].",)]
    seen: list[Job] = []

    async with connect(make_settings(engine_url=model_server.url, searxng_url=search.origin)) as backend:
        request = ResearchRequest(prompt="What causes the tides?", depth="basic", max_sources=2)
        started = await backend.theo.research(request)
        job = await backend.theo.wait_for_job(started.job_id, observe=seen.append)
        report = await backend.theo.usage()
        other = backend.theo.for_caller(Caller(tenant="someone else"))
        with pytest.raises(NotFoundError):
            await other.job(started.job_id)

    assert (started.status, started.id[:4]) == ("queued", "res_")
    assert (job.type, job.status, job.progress) == ("research", "completed", 100)
    assert isinstance(job.result, dict)
    assert job.text.startswith("# What causes the tides\n\n## Cause\n\nThe Moon does it, as all say [2].\n")
    assert job.result["sourceCount"] == 2
    assert job.result["queries"] == ["tides moon"]
    assert job.usage.total_tokens == 16
    assert {model: used.total_tokens for model, used in report.by_model.items()} == {"scripted-1b": 16}
    progress = [each.progress or 0 for each in seen]
    assert progress == sorted(progress)


async def test_a_job_that_finds_nothing_has_failed_with_the_sentence(
    model_server: ModelServer, search: FakeSearXNG, make_settings: MakeSettings
) -> None:
    model_server.script = [PLAN]
    search.results = []

    async with connect(make_settings(engine_url=model_server.url, searxng_url=search.origin)) as backend:
        started = await backend.theo.research(ResearchRequest(prompt="What causes the tides?"))
        with pytest.raises(ServiceError, match="The search found nothing on this") as failed:
            await backend.theo.wait_for_job(started.job_id)

    assert failed.value.code == "no_sources"


async def test_without_a_place_to_search_no_job_is_begun(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        with pytest.raises(NotAvailableError, match="has none to ask") as refused:
            await backend.theo.research(ResearchRequest(prompt="What causes the tides?"))

    assert refused.value.code == "not_available_here"
    assert model_server.requests == []
