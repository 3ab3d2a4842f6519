"""The three streams as bytes of a server: what is joined, what ends them, what an error carries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import pytest

from theo_mcp import (
    ChatCompletionRequest,
    CompletionRequest,
    GenerateDone,
    GenerateQueue,
    GenerateRequest,
    GenerateToken,
    GetCodeClient,
    StreamError,
    TheoClient,
    Token,
    errors,
)
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.testing.theo_replies import openai_completion

HELLO = CompletionRequest(prompt="Hello")
CHAT = ChatCompletionRequest.model_validate({"messages": [{"role": "user", "content": "Hello"}]})
PAGE = GenerateRequest(prompt="A bakery", output_type="website")
CUTS = [["🧩"], ["a\ud83e", "\udde9b"], ["\ud83e", "", "\udde9"], ["x", "\ud83e", "\udde9", "y\ud83e"]]
WHOLE = ["🧩", "a🧩b", "🧩", "x🧩y\ufffd"]


@pytest.fixture
async def client(theo_service: FakeTheo) -> AsyncIterator[TheoClient]:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as connected:
        yield connected


@pytest.fixture
async def code(getcode_service: FakeGetCode) -> AsyncIterator[GetCodeClient]:
    async with GetCodeClient(getcode.KEY, base_url=getcode_service.origin) as connected:
        yield connected


def events(*sent: tuple[str | None, object]) -> Callable[[Exchange], Awaitable[None]]:
    async def handle(exchange: Exchange) -> None:
        await exchange.start_events()
        for name, data in sent:
            await exchange.event(data, name)

    return handle


async def completion_text(client: TheoClient) -> str:
    async with client.stream(HELLO) as read:
        return "".join([event.token async for event in read if isinstance(event, Token)])


async def chat_text(client: TheoClient) -> str:
    async with client.chat_stream(CHAT) as read:
        return "".join([choice.delta.content or "" async for chunk in read for choice in chunk.choices])


async def generated_text(code: GetCodeClient) -> str:
    async with code.generate(PAGE) as read:
        return "".join([event.text async for event in read if isinstance(event, GenerateToken)])


@pytest.mark.parametrize(("pieces", "whole"), list(zip(CUTS, WHOLE, strict=True)))
async def test_a_character_cut_between_two_tokens_is_whole_in_all_three_streams(
    theo_service: FakeTheo,
    getcode_service: FakeGetCode,
    client: TheoClient,
    code: GetCodeClient,
    pieces: list[str],
    whole: str,
) -> None:
    theo_service.words = list(pieces)
    getcode_service.pieces = list(pieces)

    assert await completion_text(client) == whole
    assert await chat_text(client) == whole
    assert await generated_text(code) == whole


async def test_half_a_character_before_a_cut_is_in_what_came_so_far(
    theo_service: FakeTheo, getcode_service: FakeGetCode, client: TheoClient, code: GetCodeClient
) -> None:
    theo_service.next = [
        events(("token", {"token": "a\ud83e"})),
        events((None, {"choices": [{"delta": {"content": "a\ud83e"}}]})),
    ]
    getcode_service.pieces = ["a\ud83e", "never"]
    getcode_service.cut_after = 1

    partials = []
    for read in (completion_text(client), chat_text(client), generated_text(code)):
        with pytest.raises(StreamError) as raised:
            await read
        partials.append(raised.value.partial)

    assert partials == ["a\ufffd"] * 3


@pytest.mark.parametrize("named", [False, True])
async def test_getcodes_four_events_are_read_with_and_without_their_names(
    getcode_service: FakeGetCode, code: GetCodeClient, named: bool
) -> None:
    getcode_service.named_events = named
    getcode_service.queued = "You are in the queue"

    async with code.generate(PAGE) as read:
        seen = [event async for event in read]

    assert seen[0] == GenerateQueue(message="You are in the queue")
    assert [event.text for event in seen if isinstance(event, GenerateToken)] == getcode.PIECES
    done = seen[-1]
    assert isinstance(done, GenerateDone)
    assert (done.tokens_used, done.model) == (4821, "getcode-1")
    assert (done.theo_mcp.backend, done.theo_mcp.engine, done.theo_mcp.model) == ("hosted", "getcode", "getcode-1")


async def test_getcodes_error_event_is_an_error_with_the_text_so_far(
    getcode_service: FakeGetCode, code: GetCodeClient
) -> None:
    getcode_service.error_after = 2

    with pytest.raises(StreamError) as raised:
        await generated_text(code)

    assert raised.value.message == "The model is overloaded."
    assert raised.value.partial == "<!doctype html><h1>Bäckerei"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ([("token", {"text": "named only"}), ("done", {})], "named only"),
        ([(None, {"text": "neither"}), (None, {"type": "done"})], "neither"),
        ([("token", "not an object"), ("done", {})], None),
        ([("token", '"a string"'), ("done", {})], "a string"),
        ([(None, {"type": "token", "text": ["a", {"text": "b"}]}), (None, {"type": "done", "model": 5})], "ab"),
        ([(None, {"type": "token", "text": None}), (None, {"type": "token"}), (None, {"type": "done"})], ""),
        ([(None, "ping"), (None, "5"), (None, {"type": "of_the_future"}), (None, {"type": "done"})], ""),
        ([("token", {"type": "queue", "message": "the type wins", "text": "no"}), (None, {"type": "done"})], ""),
    ],
)
async def test_getcodes_events_in_odd_shapes(
    getcode_service: FakeGetCode, code: GetCodeClient, sent: list[tuple[str | None, object]], text: str | None
) -> None:
    getcode_service.next = [events(*sent)]

    if text is None:
        with pytest.raises(errors.ProtocolError):
            await generated_text(code)
    else:
        assert await generated_text(code) == text


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("error", {"message": "Too long"}, "Too long."),
        (None, {"error": "Too long"}, "Too long."),
        (None, {"type": "error", "error": {"message": "Too long"}}, "Too long."),
        ("error", "Too long", "Too long."),
        (None, {"type": "error"}, "GetCode ended the stream with an error."),
    ],
)
async def test_getcodes_errors_in_odd_shapes(
    getcode_service: FakeGetCode, code: GetCodeClient, name: str | None, data: object, message: str
) -> None:
    getcode_service.next = [events((None, {"type": "token", "text": "so far"}), (name, data))]

    with pytest.raises(StreamError) as raised:
        await generated_text(code)

    assert raised.value.message == message
    assert raised.value.partial == "so far"


@pytest.mark.parametrize("ending", ["[DONE]", None])
async def test_a_chat_is_whole_at_done_or_after_its_finish_reason(
    theo_service: FakeTheo, client: TheoClient, ending: str | None
) -> None:
    chunks = [(None, {"choices": [{"delta": {"content": "Hi"}}]}), (None, {"choices": [{"finish_reason": "stop"}]})]
    theo_service.next = [events(*chunks, *([(None, ending)] if ending else []))]

    assert await chat_text(client) == "Hi"


async def test_a_chat_that_ends_before_is_an_error(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [events((None, {"choices": [{"delta": {"content": "Hi"}}]}))]

    with pytest.raises(StreamError) as raised:
        await chat_text(client)

    assert raised.value.partial == "Hi"


@pytest.mark.parametrize("name", [None, "error"])
async def test_an_error_inside_a_chat_is_an_error(theo_service: FakeTheo, client: TheoClient, name: str | None) -> None:
    error = {"error": {"message": "Overloaded", "code": "server_error", "request_id": "req_9"}}
    theo_service.next = [events((None, {"choices": [{"delta": {"content": "Hi"}}]}), (name, error))]

    with pytest.raises(StreamError, match="Overloaded") as raised:
        await chat_text(client)

    assert (raised.value.code, raised.value.request_id, raised.value.partial) == ("server_error", "req_9", "Hi")


async def test_a_chat_that_comes_whole_is_delivered(theo_service: FakeTheo, client: TheoClient) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.reply(200, openai_completion({}))

    theo_service.next = [handle]

    assert await chat_text(client) == "".join(theo.WORDS)


@pytest.mark.parametrize(
    ("body", "text"), [({"content": "paid", "tokensUsed": 3}, "paid"), ({"content": "", "message": "odd"}, None)]
)
async def test_a_generation_that_comes_whole_is_delivered(
    getcode_service: FakeGetCode, code: GetCodeClient, body: dict[str, object], text: str | None
) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.reply(200, body)

    getcode_service.next = [handle]

    if text is None:
        with pytest.raises(errors.ProtocolError):
            await generated_text(code)
    else:
        assert await generated_text(code) == text


async def test_leaving_a_generation_or_a_chat_closes_the_socket(
    theo_service: FakeTheo, getcode_service: FakeGetCode, client: TheoClient, code: GetCodeClient
) -> None:
    theo_service.silent_after = getcode_service.silent_after = 2

    with anyio.fail_after(5):
        async with code.generate(PAGE) as generated:
            await anext(generated)
        await getcode_service.exchanges[-1].closed.wait()
        async with client.chat_stream(CHAT) as chunks:
            await anext(chunks)
        await theo_service.exchanges[-1].closed.wait()


async def test_an_endless_nest_in_a_token_is_an_error_of_ours(theo_service: FakeTheo, client: TheoClient) -> None:
    nest = '{"token": ' + "[" * 900 + r'"\ud83e"' + "]" * 900 + "}"
    theo_service.next = [events(("token", nest))]

    with pytest.raises(errors.ProtocolError):
        await completion_text(client)


def test_the_pieces_of_the_fake_are_sent_as_javascript_sends_them() -> None:
    assert json.dumps("a\ud83e") == '"a\\ud83e"'
