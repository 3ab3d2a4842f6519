"""Two keys of one gateway: neither sees, changes or pays what is the other's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.unit.gateway.world import TEXT, V1, World, bearer, events
from theo_mcp import Settings, connect
from theo_mcp.gateway.keys import Keys
from theo_mcp.gateway.serving import serving
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.searxng import FakeSearXNG

IMPROVE = {"prompt": "todo list", "outputType": "api"}


async def test_another_keys_conversation_is_not_there(gateway: World) -> None:
    other = await gateway.new_key()
    begun = (await gateway.post(f"{V1}completions", gateway.hello(conversation_id="new"))).json()
    place = f"{V1}conversations/{begun['conversation_id']}"

    strange = [
        await gateway.get(place, **other),
        await gateway.client.delete(place, headers=other),
        await gateway.post(f"{V1}completions", gateway.hello(conversation_id=begun["conversation_id"]), **other),
    ]
    listed = (await gateway.get(f"{V1}conversations", **other)).json()
    own = (await gateway.get(place)).json()

    assert [answer.status_code for answer in strange] == [404] * 3
    assert {answer.json()["error"]["code"] for answer in strange} == {"not_found"}
    assert listed["conversations"] == []
    assert own["conversation"]["messages"][-1]["content"] == TEXT


async def test_nor_are_its_cached_answer_its_skill_its_job_and_its_usage(gateway: World) -> None:
    one, other = await gateway.new_key(), await gateway.new_key()
    hello = gateway.hello()
    slug = (await gateway.get(f"{V1}skills", **one)).json()["skills"][0]["slug"]

    first = (await gateway.post(f"{V1}completions", hello, **one)).json()
    again = (await gateway.post(f"{V1}completions", hello, **one)).json()
    others = (await gateway.post(f"{V1}completions", hello, **other)).json()
    installed = await gateway.post(f"{V1}skills", {"skillId": slug}, **one)
    shelves = [(await gateway.get(f"{V1}skills?filter=installed", **key)).json()["skills"] for key in (one, other)]
    usage = [(await gateway.get(f"{V1}usage", **key)).json()["totals"]["requests"] for key in (one, other)]
    job = await gateway.get(f"{V1}jobs/job_of_nobody", **other)

    assert "_cached" not in first
    assert again["_cached"] is True
    assert "_cached" not in others
    assert installed.status_code == 201
    assert [[skill["slug"] for skill in shelf] for shelf in shelves] == [[slug], []]
    assert usage == [2, 1]
    assert (job.status_code, job.json()["error"]["code"]) == (404, "not_found")


async def test_research_without_a_source_says_who_can_name_one(gateway: World) -> None:
    refused = await gateway.post(f"{V1}research", {"prompt": "Tides"})

    told = refused.json()["error"]["message"]
    assert refused.status_code == 501
    assert told.endswith(
        "(searxng_url). The owner of this gateway can set one; folders that the owner trusts are read for nobody else."
    )


async def test_who_asks_for_no_cache_gets_a_new_answer(gateway: World) -> None:
    hello = gateway.hello()

    for name in ("max-age=0", "no-cache", "max-age=0, No-Cache"):
        await gateway.post(f"{V1}completions", hello, cache_control=name)

    assert len(gateway.model.chats) == 3


@pytest.fixture
async def priced(tmp_path: Path) -> AsyncIterator[World]:
    async with ModelServer() as model:
        table = {"urls": [model.url], "input_cents_per_million": 100_000, "output_cents_per_million": 1_000_000}
        settings = Settings.model_validate({"data_dir": tmp_path, "backend": "engine", "servers": {"paid": table}})
        async with (
            Store.open(tmp_path / FILE) as store,
            connect(settings) as backend,
            serving(backend, store, port=0) as url,
        ):
            _, text = await Keys(store).create("the owner", "unlimited", credits=20)
            async with httpx2.AsyncClient(base_url=url, headers=bearer(text.reveal()), timeout=10) as client:
                yield World(url, store, model, client, text.reveal())


async def test_getcode_is_paid_from_the_same_credits(priced: World) -> None:
    async def left() -> float:
        answer = await priced.get(f"{V1}rate-limits")
        return float(answer.json()["credits"]["left_cents"])

    improved = await priced.post("/api/improve", IMPROVE)
    after_one = await left()
    made = await priced.post("/api/generate", {"prompt": "A list", "outputType": "website"})
    after_two = await left()
    while await left() > 0:
        assert (await priced.post("/api/improve", IMPROVE)).status_code == 200
    refused = await priced.post("/api/generate", {"prompt": "A list", "outputType": "website"})

    cost = improved.json()["theo_mcp"]["cost_cents"]
    done = events(made.text)[-1][1]
    assert cost > 0
    assert after_one == pytest.approx(20 - cost)
    assert after_two == pytest.approx(after_one - done["theo_mcp"]["cost_cents"])
    assert (refused.status_code, "no credits left" in refused.json()["error"]) == (402, True)


async def test_a_stream_that_is_left_is_paid_by_its_tokens(priced: World) -> None:
    async def left() -> float:
        answer = await priced.get(f"{V1}rate-limits")
        return float(answer.json()["credits"]["left_cents"])

    body = {"prompt": "Tides", "mode": "fast", "stream": True}
    await priced.post(f"{V1}completions", body)
    after_one = await left()
    priced.model.silent_after = 3
    async with priced.client.stream("POST", f"{V1}completions", json={**body, "prompt": "Waves"}) as answer:
        async for line in answer.aiter_lines():
            if line.count("token") and "add" in line:
                break
    with anyio.fail_after(5):
        while await left() == after_one:
            await anyio.lowlevel.checkpoint()

    assert 0 < after_one - await left() < 20 - after_one


async def test_a_research_is_its_keys_own_and_paid_once_when_its_end_is_first_seen(tmp_path: Path) -> None:
    async with ModelServer() as model, FakeSearXNG() as search:
        table = {"urls": [model.url], "input_cents_per_million": 100_000, "output_cents_per_million": 1_000_000}
        settings = Settings.model_validate(
            {"data_dir": tmp_path, "backend": "engine", "servers": {"paid": table}, "searxng_url": search.origin}
        )
        async with (
            Store.open(tmp_path / FILE) as store,
            connect(settings) as backend,
            serving(backend, store, port=0) as url,
        ):
            _, text = await Keys(store).create("the owner", "unlimited", credits=1000)
            async with httpx2.AsyncClient(base_url=url, headers=bearer(text.reveal()), timeout=10) as client:
                begun = (await client.post(f"{V1}research", json={"prompt": "Tides", "depth": "basic"})).json()
                job: dict[str, Any] = {"status": "queued"}
                with anyio.fail_after(10):
                    while job["status"] != "completed":
                        job = (await client.get(begun["poll_url"])).json()
                        assert job["status"] != "failed", job
                await client.get(begun["poll_url"])
                _, stranger = await Keys(store).create("somebody else", "unlimited")
                strange = await client.get(begun["poll_url"], headers=bearer(stranger.reveal()))
                limits = (await client.get(f"{V1}rate-limits")).json()

    assert (strange.status_code, strange.json()["error"]["code"]) == (404, "not_found")
    assert job["usage"]["cost_cents"] > 0
    assert limits["credits"]["left_cents"] == pytest.approx(1000 - job["usage"]["cost_cents"], abs=0.001)
