"""What hosts are told of changes, in both protocol eras."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Literal

import anyio
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.unit.server.conftest import Host, StartHost
from theo_mcp import Settings, connect
from theo_mcp.server.app import build
from theo_mcp.server.rooms import Rooms
from theo_mcp.testing.theo import FakeTheo


async def test_the_capabilities_say_so(host: Host, era: Literal["legacy", "auto"]) -> None:
    said = host.client.server_capabilities

    assert said is not None
    assert said.resources == types.ResourcesCapability(subscribe=True, list_changed=True)
    assert said.completions == types.CompletionsCapability()
    assert said.prompts is not None
    assert said.tools is not None
    if era == "legacy":
        assert (said.prompts.list_changed, said.tools.list_changed) == (False, False)


async def test_a_saved_file_is_told(host: Host) -> None:
    async with host.listening("theo://artifacts/a/b.ts") as heard:
        await host.client.call_tool("theo_code", {"prompt": "x", "save_as": "a/b.ts"})

        await heard("list", "theo://artifacts/a/b.ts")


@pytest.mark.slow
async def test_the_end_of_a_run_is_told(hosts: StartHost, hosted_settings: Settings, theo_service: FakeTheo) -> None:
    theo_service.silent_after = 2
    host = await hosts(hosted_settings.model_copy(update={"soft_deadline_s": 0.3}))
    result = await host.client.call_tool("theo_complete", {"prompt": "x"})
    uri = f"theo://results/{(result.structured_content or {})['handle']}"
    assert (await host.text(uri)).startswith("Still running")

    async with host.listening(uri) as heard:
        run = await (await host.rooms.runs()).find(uri.rpartition("/")[2], owner="local")
        await run.cancel()

        await heard("list", uri)
    assert (await host.text(uri)).startswith("cancelled: ")


async def test_an_installed_skill_is_told(hosts: StartHost, hosted_settings: Settings) -> None:
    host = await hosts(hosted_settings.model_copy(update={"tools": "all"}))

    async with host.listening("theo://skills/installed") as heard:
        before = await host.json("theo://skills/installed")
        skills = (await host.client.call_tool("theo_skill_list", {})).structured_content or {}
        installed = await host.client.call_tool("theo_skill_install", {"skill_id": skills["skills"][0]["id"]})

        assert not installed.is_error
        await heard("theo://skills/installed")
    after = await host.json("theo://skills/installed")
    assert (len(before["skills"]), len(after["skills"])) == (0, 1)


async def test_what_happens_at_once_is_told_once(host: Host) -> None:
    async with host.listening("theo://artifacts/a", "theo://artifacts/end") as heard:
        for _ in range(1_000):
            host.rooms.changes.saved("a")
        host.rooms.changes.saved("end")

        await heard("list", "theo://artifacts/a")
        await heard("theo://artifacts/end")  # it is the very next


async def legacy_subscribe(host: Host, uri: str) -> None:
    params = types.SubscribeRequestParams(uri=uri)
    await host.client.session.send_request(types.SubscribeRequest(params=params), types.EmptyResult)


@pytest.mark.parametrize("era", ["legacy"], indirect=True)
async def test_an_earlier_session_hears_no_more_of_what_it_left(host: Host) -> None:
    async with host.listening("theo://artifacts/a", "theo://artifacts/b") as heard:
        params = types.UnsubscribeRequestParams(uri="theo://artifacts/a")
        await host.client.session.send_request(types.UnsubscribeRequest(params=params), types.EmptyResult)
        host.rooms.changes.saved("a")
        host.rooms.changes.saved("b")

        await heard("list")
        with anyio.fail_after(5):
            assert await host._heard.receive() == "theo://artifacts/b"


@pytest.mark.parametrize("era", ["legacy"], indirect=True)
async def test_an_earlier_session_may_not_subscribe_to_nothing_or_to_everything(host: Host) -> None:
    with pytest.raises(MCPError, match=r"Did you mean theo://models\?"):
        await legacy_subscribe(host, "theo://modles")
    with pytest.raises(MCPError, match="which is a path to elsewhere"):
        await legacy_subscribe(host, "theo://artifacts/../x")

    for number in range(1_000):
        await legacy_subscribe(host, f"theo://artifacts/{number}")
    with pytest.raises(MCPError, match="has 1,000 subscriptions, which is the limit"):
        await legacy_subscribe(host, "theo://artifacts/1000")


async def test_a_session_that_is_gone_is_forgotten(hosted_settings: Settings, theo_service: FakeTheo) -> None:
    async with AsyncExitStack() as stack:
        backend = await stack.enter_async_context(connect(hosted_settings))
        rooms = Rooms(hosted_settings)
        for _ in range(3):
            async with Client(build(backend, hosted_settings, rooms=rooms), mode="legacy") as client:
                await client.list_resources()
                assert len(rooms.changes._sessions) == 1

        assert rooms.changes._sessions == {}
