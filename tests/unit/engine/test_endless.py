"""A model that goes on for ever: whatever it was asked for, it is stopped, and the caller's answer says so."""

from __future__ import annotations

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import Completion, CompletionRequest, GenerateRequest, connect
from theo_mcp.testing.model_server import Calls, ModelServer
from theo_mcp.testing.searxng import FakeSearXNG
from theo_mcp.wire.getcode import GenerateDone

STOPPED = "The model began to repeat itself and was stopped."
STOCK = {"name": "check_stock", "description": "Looks up stock.", "input_schema": {"type": "object"}}
LOOK = Calls((("check_stock", '{"sku": "'),))
ROUND = "and again and again "


@pytest.fixture
def endless(model_server: ModelServer) -> ModelServer:
    model_server.endless = ROUND
    return model_server


async def answered(make_settings: MakeSettings, request: dict[str, object], **settings: object) -> Completion:
    with anyio.fail_after(10):
        async with connect(make_settings(**settings)) as backend:
            return await backend.theo.complete(CompletionRequest.model_validate({"prompt": "Go on.", **request}))


@pytest.mark.parametrize("calls_tools", [True, False], ids=["tool calls", "objects"])
async def test_in_the_arguments_of_a_call(endless: ModelServer, make_settings: MakeSettings, calls_tools: bool) -> None:
    endless.calls_tools, endless.turns = calls_tools, [LOOK]

    answer = await answered(make_settings, {"tools": [STOCK]}, engine_url=endless.url)

    assert (answer.theo_mcp.finish_reason, answer.tools_used) == ("length", ())
    assert STOPPED in answer.theo_mcp.notice
    assert (answer.usage.completion_tokens or 0) > 0  # which were counted here: the server was not heard to the end


@pytest.mark.slow
async def test_in_a_probe_of_what_it_can_do(endless: ModelServer, make_settings: MakeSettings) -> None:
    endless.calls_tools = endless.keeps_limits = False

    answer = await answered(make_settings, {"tools": [STOCK]}, engine_url=endless.url)

    assert STOPPED in answer.theo_mcp.notice


@pytest.mark.slow
async def test_in_a_user_interface(endless: ModelServer, make_settings: MakeSettings) -> None:
    answer = await answered(make_settings, {"mode": "genui"}, engine_url=endless.url)

    assert answer.theo_mcp.finish_reason == "length"
    assert answer.theo_mcp.notice.count(STOPPED) == 1
    assert answer.structured_output is not None
    assert answer.structured_output.parse_error


@pytest.mark.slow
async def test_in_each_section_of_a_research(endless: ModelServer, make_settings: MakeSettings) -> None:
    async with FakeSearXNG() as search:
        answer = await answered(make_settings, {"mode": "research"}, engine_url=endless.url, searxng_url=search.origin)

    assert answer.theo_mcp.finish_reason == "length"
    assert answer.theo_mcp.notice.count(STOPPED) == 1
    assert "## Sources" in answer.content


async def test_in_its_suggestions_which_a_rule_then_makes(endless: ModelServer, make_settings: MakeSettings) -> None:
    endless.endless, endless.endless_shapes = "", ROUND

    answer = await answered(make_settings, {"mode": "fast"}, engine_url=endless.url, follow_ups="model")

    assert (answer.theo_mcp.finish_reason, answer.theo_mcp.follow_ups) == ("stop", "rule")


async def test_in_what_it_generates(endless: ModelServer, make_settings: MakeSettings) -> None:
    with anyio.fail_after(10):
        async with (
            connect(make_settings(engine_url=endless.url)) as backend,
            backend.getcode.generate(GenerateRequest(prompt="A page", output_type="website")) as events,
        ):
            *_, done = [event async for event in events]

    assert isinstance(done, GenerateDone)
    assert done.theo_mcp.finish_reason == "length"
    assert done.theo_mcp.notice.count(STOPPED) == 1
    assert "max_output_tokens" not in done.theo_mcp.notice
