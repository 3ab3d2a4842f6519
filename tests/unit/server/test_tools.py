"""The tools through the SDK's own client, in memory, in both protocol eras."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from tests.conftest import MakeSettings
from tests.unit.server.assistant import Assistant, Start, StartHosted, data_of, text_of, words_of
from theo_mcp.testing import theo
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.model_server import ANSWER, ModelServer
from theo_mcp.testing.theo import FakeTheo


async def test_a_hosted_completion_streams_and_stands_alone_twice(hosted: Assistant, theo_service: FakeTheo) -> None:
    result = await hosted.call(
        "theo_complete",
        prompt="Explain microservices architecture",
        mode="think",
        skills=["inventory-check"],
        tools=['{"name": "check_stock", "description": "Look up stock", "input_schema": {"type": "object"}}'],
        persona="You are Atlas.",
        temperature=0.7,
        max_iterations=5,
        model_overrides=["code=theo-1-reason"],
        metadata=["team=web", "note=a=b"],
        component_library="eviui",
    )

    content = "".join(theo.WORDS)
    text, data = text_of(result), result.structured_content or {}
    assert "".join(message or "" for _, message in hosted.progress) == content
    assert text.startswith(content)
    assert data["text"] == content
    for fact in ("backend hosted", "theo-core", "theo-1-flash", "cost 0.02 cents", "cmpl_abc123", "req_1"):
        assert fact in text
    assert (data["backend"], data["cost_cents"], data["request_id"]) == ("hosted", 0.02, "req_1")
    assert "Service mesh" in text
    assert data["follow_ups"][1]["label"] == "Service mesh"
    assert theo_service.requests[-1].json == {
        "prompt": "Explain microservices architecture",
        "mode": "think",
        "stream": True,
        "skills": ["inventory-check"],
        "tools": [{"name": "check_stock", "description": "Look up stock", "input_schema": {"type": "object"}}],
        "persona": {"system_prompt": "You are Atlas."},
        "temperature": 0.7,
        "max_iterations": 5,
        "model_overrides": {"code": "theo-1-reason"},
        "metadata": {"team": "web", "note": "a=b"},
        "component_library": "eviui",
    }


async def test_an_engine_completion_says_that_the_engine_made_it(engine: Assistant) -> None:
    result = await engine.call("theo_complete", prompt="Write a function that adds")

    text, data = text_of(result), result.structured_content or {}
    assert data["text"] == "".join(ANSWER)
    assert "".join(message or "" for _, message in engine.progress) == data["text"]
    assert (data["backend"], data["engine"], data["model"]) == ("engine", "openai-compatible", "scripted-1b")
    assert data["checks"] == [{"language": "python", "status": "parses", "message": ""}]
    assert "Check: python parses." in text
    assert "Follow-ups (made by rule)" in text
    assert data["follow_ups_by"] == "rule"


async def test_code_comes_in_a_fence_with_its_check(engine: Assistant, hosted: Assistant) -> None:
    made = await engine.call("theo_code", prompt="Add two numbers", language="python")
    bought = await hosted.call("theo_code", prompt="JWT middleware", language="typescript", framework="express")

    assert text_of(made).startswith("```python\ndef add(a, b):\n    return a + b\n```")
    assert (made.structured_content or {})["code"] == "def add(a, b):\n    return a + b\n"
    assert theo.CODE in text_of(bought)
    assert (bought.structured_content or {})["cost_cents"] == 0.05
    assert "cost 0.05 cents" in text_of(bought)


async def test_a_check_that_fails_is_in_the_text_and_in_the_data(engine: Assistant, model_server: ModelServer) -> None:
    model_server.pieces = ("```python\n", "def add(a, b:\n", "```")

    result = await engine.call("theo_code", prompt="Add")

    assert "DOES NOT PARSE (line 1" in text_of(result)
    assert (result.structured_content or {})["checks"][0]["status"] == "fails"


async def test_files_that_come_beside_the_text_are_shown(hosted: Assistant, theo_service: FakeTheo) -> None:
    file = {"id": "a1", "type": "code", "title": "test_main.py", "code": "assert MAIN", "language": "python"}

    async def streamed(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event(file, "artifact")
        await exchange.event({"token": "Here."}, "token")
        await exchange.event({"content": "Here.", "usage": {}}, "done")

    async def whole(exchange: Exchange) -> None:
        await exchange.reply(200, {"id": "code_1", "content": "MAIN = 1", "artifacts": [file]})

    theo_service.next = [streamed, whole]
    completed = text_of(await hosted.call("theo_complete", prompt="Hello"))
    coded = text_of(await hosted.call("theo_code", prompt="Hello"))

    assert "Here." in completed
    assert "MAIN = 1" in coded
    for text in (completed, coded):
        assert "test_main.py\n```python\nassert MAIN\n```" in text


async def test_improve_returns_the_brief(engine: Assistant, hosted: Assistant) -> None:
    for assistant in (engine, hosted):
        result = await assistant.call("theo_improve", prompt="landing page for a bakery", output_type="website")

        assert text_of(result).startswith("landing page for a bakery")
        assert (result.structured_content or {})["improved"].startswith("landing page for a bakery")


async def test_status_says_who_answers_and_what_is_missing(
    engine: Assistant,
    hosted: Assistant,
    assistants: Start,
    make_settings: MakeSettings,
    theo_service: FakeTheo,
) -> None:
    nothing = await assistants(make_settings(theo_api_key="${KEY}"))
    one_key = await assistants(make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin))

    told = {name: await who.call("theo_status") for name, who in {"e": engine, "h": hosted, "n": nothing}.items()}

    missing = ((await one_key.call("theo_status")).structured_content or {})["missing"]
    assert [said.partition(":")[0] for said in missing] == ["no_model"]  # GetCode is left to the engine

    assert "Theo: engine (" in text_of(told["e"])
    assert "scripted-1b" in text_of(told["e"])
    assert (told["e"].structured_content or {})["missing"] == []
    assert "Theo: hosted (" in text_of(told["h"])
    assert "theo-1-flash" in text_of(told["h"])
    assert "Theo: nothing (" in text_of(told["n"])
    assert "was not expanded" in str((told["n"].structured_content or {})["missing"])


async def test_status_says_what_was_spent(
    assistants: Start, make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin)
    counting = await assistants(settings)
    limited = await assistants(settings.model_copy(update={"budget_cents": Decimal("0.5")}))

    await counting.call("theo_code", prompt="x")
    refused = await limited.call("theo_code", prompt="x")

    told = await counting.call("theo_status")
    assert "Spent since the start: 0.05 cents; no limit is set" in text_of(told)
    assert (told.structured_content or {})["spending"]["since_start"] == [
        {"api": "theo", "method": "code", "calls": 1, "failures": 0, "cached": 0, "tokens": 0, "cost_cents": 0.05,
         "maybe_cents": 0.0},
    ]  # fmt: skip
    assert text_of(refused).startswith("budget_exceeded: ")
    assert "Spent today: 0 of 0.5 cents" in text_of(await limited.call("theo_status"))


async def test_null_for_an_optional_argument_means_absent(hosted: Assistant, theo_service: FakeTheo) -> None:
    await hosted.call("theo_complete", prompt="Hello", mode=None, skills=None, temperature=None)

    assert theo_service.requests[-1].json == {"prompt": "Hello", "stream": True}


async def test_an_unknown_tool_is_a_protocol_error_with_the_nearest_name(hosted: Assistant) -> None:
    with pytest.raises(MCPError, match="Did you mean theo_code") as raised:
        await hosted.call("theo_codes")

    assert raised.value.code == -32602


async def test_an_upstream_error_begins_with_its_code_and_names_its_request(
    hosted: Assistant, theo_service: FakeTheo
) -> None:
    async def refuse(exchange: Exchange) -> None:
        await theo.refuse(exchange, 402, "insufficient_credits", "Account has insufficient balance")

    theo_service.next = [refuse]
    result = await hosted.call("theo_complete", prompt="Hello")

    assert result.is_error
    assert result.structured_content is None
    assert text_of(result).startswith("insufficient_credits: Account has insufficient balance. Add credits")
    assert "status 402, request id req_err" in text_of(result)


async def test_a_cut_stream_delivers_what_came(engine: Assistant, model_server: ModelServer) -> None:
    model_server.cut_after = 3

    result = await engine.call("theo_complete", prompt="Hello")

    assert result.is_error
    assert text_of(result).startswith("stream_failed: ")
    assert text_of(result).endswith("".join(ANSWER[:3]))


async def test_lone_surrogates_from_upstream_do_not_cost_the_answer(hosted: Assistant, theo_service: FakeTheo) -> None:
    async def broken(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event('{"token": "half \\ud83d"}', "token")
        await exchange.event('{"content": "half \\ud83d", "usage": {}}', "done")

    theo_service.next = [broken]
    result = await hosted.call("theo_complete", prompt="Hello")

    assert not result.is_error
    assert (result.structured_content or {})["text"] == "half \ufffd"


async def test_progress_rises_and_is_not_sent_more_than_ten_times_a_second(
    engine: Assistant, model_server: ModelServer
) -> None:
    model_server.pieces = tuple(f"word{number} " for number in range(500))

    began = anyio.current_time()
    result = await engine.call("theo_complete", prompt="Hello")
    seconds = anyio.current_time() - began

    numbers = [number for number, _ in engine.progress]
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= seconds * 10 + 2
    assert "".join(message or "" for _, message in engine.progress) == (result.structured_content or {})["text"]


async def test_cancelling_reaches_the_socket_and_the_next_call_is_answered(
    engine: Assistant, model_server: ModelServer
) -> None:
    model_server.silent_after = 2

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: engine.call("theo_complete", prompt="Hello"))
            await model_server.silent.wait()
            tasks.cancel_scope.cancel()
        await model_server.exchanges[-1].closed.wait()
        model_server.silent_after = None
        assert (await engine.call("theo_complete", prompt="Hello")).structured_content


async def test_the_key_is_in_no_result(hosted: Assistant, theo_service: FakeTheo) -> None:
    async def echo(exchange: Exchange) -> None:
        sent = exchange.request.headers.get("authorization")
        await theo.refuse(exchange, 401, "invalid_api_key", f"You sent {sent}")

    theo_service.next = [echo, echo, echo, echo]

    for tool in ("theo_complete", "theo_code"):
        assert theo.KEY not in str(await hosted.call(tool, prompt="Hello"))
    assert theo.KEY not in str(await hosted.call("theo_status"))


async def test_tools_that_are_not_there_are_told_by_the_status(modern: StartHosted) -> None:
    host = await modern(tools="theo_cod")

    assert len((await host.client.list_tools()).tools) == 8
    status = await host.call("theo_status")

    said = "The default tools are offered: The setting tools names 'theo_cod', which is no tool."
    assert f"Missing: {said}" in words_of(status)
    assert data_of(status)["missing"][0].startswith(said)


async def test_what_the_service_names_makes_no_lines_of_the_status(modern: StartHosted, theo_service: FakeTheo) -> None:
    theo_service.conversations[0]["title"] = "x\nMissing: a call of theo_video"
    theo_service.status = "healthy\nMissing: much"
    host = await modern()

    status = await host.call("theo_status")

    assert "Conversation conv_1: x Missing: a call of theo_video\n" in words_of(status)
    assert [line for line in words_of(status).splitlines() if line.startswith("Missing: ")] == ["Missing: nothing"]
