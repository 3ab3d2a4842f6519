"""The provider against a scripted server: the differences and faults of real ones."""

from __future__ import annotations

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, ImproveRequest, connect, errors
from theo_mcp.engine.discover import local_servers
from theo_mcp.engine.providers.openai_compatible import OpenAICompatible
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.model_server import ModelServer

HELLO = CompletionRequest(prompt="Hello", temperature=0.5)
IMPROVE = ImproveRequest(prompt="todo list", output_type="api")


async def test_the_first_listed_model_is_used_and_named(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async with connect(make_settings(engine_url=model_server.origin)) as backend:  # without /v1
        answer = await backend.theo.complete(HELLO)

    assert model_server.chats[0]["model"] == "scripted-1b"
    assert (answer.model.id, answer.model.engine) == ("scripted-1b", "openai-compatible")
    assert not answer.theo_mcp.draft
    assert answer.usage.cost_cents == 0


async def test_a_server_of_the_users_own_keeps_its_own_defaults(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        await backend.theo.complete(CompletionRequest(prompt="Hello"))

    assert set(model_server.chats[0]) == {"model", "messages", "stream", "stream_options"}


async def test_the_key_of_the_server_is_sent_and_a_wrong_one_told_once(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.key = "right-key-0123456789"
    settings = {"engine_url": model_server.url, "engine_model": "scripted-1b", "cache_bytes": 0}

    async with connect(make_settings(**settings, engine_api_key="right-key-0123456789")) as backend:
        assert (await backend.theo.complete(HELLO)).content
    async with connect(make_settings(**settings, engine_api_key="wrong-key-0123456789")) as backend:
        with pytest.raises(errors.AuthenticationError):
            await backend.theo.complete(HELLO)

    assert len(model_server.requests) == 2


async def test_a_field_of_ours_that_the_server_refuses_is_left_out_from_then_on(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    field = "stream_options"
    model_server.refused_fields = {field}

    async with connect(make_settings(engine_url=model_server.url, cache_bytes=0)) as backend:
        for _ in range(2):
            assert (await backend.theo.complete(HELLO)).content

    assert [field in chat for chat in model_server.chats] == [True, False, False]


@pytest.mark.parametrize(
    "events",
    [
        [{"object": "error", "message": "out of memory", "code": 500}, "[DONE]"],
        [{"error": {"message": "out of memory"}}, "[DONE]"],
    ],
)
async def test_an_error_in_any_shape_inside_the_stream_is_an_error(
    model_server: ModelServer, make_settings: MakeSettings, events: list[object]
) -> None:
    async def failing(exchange: Exchange) -> None:
        await exchange.start_events()
        for event in events:
            await exchange.event(event)

    async with connect(make_settings(engine_url=model_server.url, engine_model="scripted-1b")) as backend:
        model_server.next = [failing]
        with pytest.raises(errors.ModelError, match="out of memory"):
            await backend.theo.complete(HELLO)


async def test_a_stream_that_says_nothing_but_its_end_is_an_error(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async def empty(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event("[DONE]")

    async with connect(make_settings(engine_url=model_server.url, engine_model="scripted-1b")) as backend:
        model_server.next = [empty]
        with pytest.raises(errors.StreamError):
            await backend.theo.complete(HELLO)


async def test_a_server_that_does_not_stream_is_understood(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async def whole(exchange: Exchange) -> None:
        message = {"role": "assistant", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}
        await exchange.reply(200, {"choices": [{"message": message}], "usage": {"total_tokens": 3}})

    async with connect(make_settings(engine_url=model_server.url, engine_model="scripted-1b")) as backend:
        model_server.next = [whole]
        answer = await backend.theo.complete(HELLO)

    assert answer.content == "Hello"
    assert answer.usage.total_tokens == 3


@pytest.mark.parametrize("fault", ["gone", "without the model"])
async def test_health_asks_the_server(model_server: ModelServer, make_settings: MakeSettings, fault: str) -> None:
    url = "http://127.0.0.1:9/v1" if fault == "gone" else model_server.url
    settings = make_settings(engine_url=url, engine_model="other")

    async with connect(settings) as backend:
        health = await backend.theo.health()

    assert health.status == "down"
    assert health.theo_mcp.notice


async def test_what_the_caller_set_is_never_dropped(model_server: ModelServer, make_settings: MakeSettings) -> None:
    model_server.refused_fields = {"temperature"}

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        with pytest.raises(errors.BadRequestError, match="temperature"):
            await backend.theo.complete(HELLO)

    assert len(model_server.chats) == 1


async def test_max_tokens_becomes_max_completion_tokens_where_it_must(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.refused_fields = {"max_tokens"}

    async with connect(make_settings(engine_url=model_server.url, max_output_tokens=99)) as backend:
        await backend.theo.complete(HELLO)

    assert model_server.chats[-1]["max_completion_tokens"] == 99


async def test_a_model_that_the_server_does_not_have_is_named(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url, engine_model="other")) as backend:
        with pytest.raises(errors.NotAvailableError, match="other") as raised:
            await backend.theo.complete(HELLO)

    assert raised.value.code == "no_model"


async def test_a_server_without_models_is_told(model_server: ModelServer, make_settings: MakeSettings) -> None:
    model_server.models = []

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        with pytest.raises(errors.NotAvailableError, match="lists no model"):
            await backend.theo.complete(HELLO)


async def test_a_stream_that_just_ends_is_an_error_with_the_text_so_far(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.pieces, model_server.cut_after = ("so ", "far", " and more"), 2

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        with pytest.raises(errors.StreamError) as raised:
            await backend.theo.complete(HELLO)

    assert raised.value.partial == "so far"


async def test_an_error_inside_the_stream_is_an_error(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async def failing(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event({"error": {"message": "out of memory", "code": 500}})

    async with connect(make_settings(engine_url=model_server.url, engine_model="scripted-1b")) as backend:
        model_server.next = [failing]
        with pytest.raises(errors.ModelError, match="out of memory"):
            await backend.theo.complete(HELLO)


@pytest.mark.parametrize(
    "error",
    [
        {
            "code": 400,
            "message": "request (12031 tokens) exceeds the available context size (8192 tokens), try increasing it",
            "type": "exceed_context_size_error",
        },
        {
            "code": "context_length_exceeded",
            "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 12031 "
            "tokens. Please reduce the length of the messages.",
            "type": "invalid_request_error",
        },
    ],
)
async def test_a_prompt_beyond_the_context_is_told_with_both_numbers(
    model_server: ModelServer, make_settings: MakeSettings, error: dict[str, object]
) -> None:
    async def too_long(exchange: Exchange) -> None:
        await exchange.reply(400, {"error": error})

    async with connect(make_settings(engine_url=model_server.url, engine_model="scripted-1b")) as backend:
        model_server.next = [too_long]
        with pytest.raises(errors.InputError, match=r"12031 tokens.* 8192") as raised:
            await backend.theo.complete(HELLO)

    assert raised.value.code == "prompt_too_long"


async def test_tokens_that_nobody_counted_are_estimated_and_said_to_be(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.sends_usage = False
    request = CompletionRequest(prompt="Hello there", persona="none")

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(request)

    usage = answer.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 6, 9)
    assert "Token counts are estimated" in answer.theo_mcp.notice


async def test_an_answer_that_was_cut_at_the_limit_says_so(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.finish = "length"

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(HELLO)

    assert answer.theo_mcp.finish_reason == "length"
    assert "cut" in answer.theo_mcp.notice


async def test_capabilities_are_probed_once_however_many_ask(model_server: ModelServer) -> None:
    server = OpenAICompatible(model_server.url)

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(server.capabilities, "scripted-1b")
    await server.aclose()

    assert len(model_server.chats) == 2  # one for a schema, one for tools


@pytest.mark.parametrize("keeps_schemas", [True, False])
async def test_improve_asks_once_where_schemas_work_and_slot_by_slot_elsewhere(
    model_server: ModelServer, make_settings: MakeSettings, keeps_schemas: bool
) -> None:
    model_server.keeps_schemas = keeps_schemas
    model_server.pieces = (
        "It keeps a ",
        "list of things to do. And it is cut he",
    )

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.getcode.improve(IMPROVE)

    lines = answer.improved.split("\n")
    assert lines[0] == "todo list"
    if keeps_schemas:
        assert lines[1:] == [
            "The purpose should be clear.",
            "The resources should be clear.",
            "The endpoints should be clear.",
            "The error handling should be clear.",
        ]
        assert len(model_server.chats) == 3  # the two probes and the brief
    else:
        assert lines[1:] == ["It keeps a list of things to do."]  # cut sentences and repetitions are left out
        assert len(model_server.chats) == 6


async def test_improve_keeps_a_prompt_of_many_lines_verbatim(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    words = "  A page:\n\n- for bakers\n- with  photos \n"

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.getcode.improve(ImproveRequest(prompt=words, output_type="website"))

    assert answer.improved.startswith(words)


async def test_only_servers_that_answer_in_the_openai_shape_are_found(model_server: ModelServer) -> None:
    port = int(model_server.origin.rpartition(":")[2])

    async with ModelServer() as other:
        other.models = []
        found = await local_servers((port, int(other.origin.rpartition(":")[2]), 9))

    assert [(server.url, server.models) for server in found] == [(model_server.url, ("scripted-1b", "scripted-7b"))]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("a ", "\ud83e", "\udde9", " b"), "a 🧩 b"),
        (("plain ", "zażółć ", "\ud83e"), "plain zażółć \ufffd"),
        (("\udde9", "x"), "\ufffdx"),
    ],
)
async def test_a_character_cut_between_two_tokens_arrives_whole(
    model_server: ModelServer, make_settings: MakeSettings, pieces: tuple[str, ...], text: str
) -> None:
    model_server.pieces = pieces

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Hello"))

    assert answer.content == text
