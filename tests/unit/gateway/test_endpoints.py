"""What each endpoint answers, byte for byte where the documents show it."""

from __future__ import annotations

import json

import anyio
import openai
import pytest

from tests.holding import held
from tests.unit.gateway.world import TEXT, V1, World, events
from theo_mcp.gateway.keys import Keys
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.model_server import Calls

HELLO = {"prompt": "Hello"}


async def test_a_completion_has_the_documents_fields_in_their_order(gateway: World) -> None:
    answer = await gateway.post(f"{V1}completions", {"prompt": "Hello", "metadata": {"team": None}})

    body = answer.json()
    assert answer.status_code == 200
    assert list(body)[:11] == [
        "id", "object", "created", "content", "mode", "resolved_mode", "model", "tools_used", "artifacts",
        "follow_ups", "usage",
    ]  # fmt: skip
    assert body["object"] == "completion"
    assert body["content"] == TEXT
    assert body["model"] == {"id": "scripted-1b", "label": "scripted-1b", "engine": "openai-compatible"}
    assert body["usage"] == {"cost_cents": 0.0, "prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}
    assert body["metadata"] == {"team": None}
    assert body["conversation_id"] is None
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "_cached" not in body
    assert body["theo_mcp"]["backend"] == "engine"


async def test_a_stream_thinks_tells_who_answers_speaks_and_is_done(gateway: World) -> None:
    answer = await gateway.post(f"{V1}completions", {"prompt": "Hello", "stream": True})

    told = events(answer.text)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [name for name, _ in told] == ["thinking", "meta", *["token"] * 6, "done"]
    meta, done = told[1][1], told[-1][1]
    assert meta["resolved_mode"] == "fast"
    assert meta["request_id"] == done["request_id"] == answer.headers["x-request-id"]
    assert (meta["tools"], meta["artifacts"], meta["conversation_id"]) == ([], [], None)
    assert "".join(data["token"] for name, data in told if name == "token") == TEXT == done["content"]
    assert done["id"] == meta["id"]
    assert done["usage"]["total_tokens"] == 13


async def test_the_openai_format_is_a_chat_completion_and_streams_as_chunks(gateway: World) -> None:
    whole = (await gateway.post(f"{V1}completions", HELLO | {"format": "openai"})).json()
    streamed = await gateway.post(f"{V1}completions", HELLO | {"format": "openai", "stream": True})

    assert whole["object"] == "chat.completion"
    assert whole["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    ]
    assert set(whole["theo_metadata"]) == {"mode", "resolved_mode", "tools_used", "artifacts", "engine"}
    chunks = [data for _, data in events(streamed.text)]
    assert chunks[-1] == "[DONE]"
    assert {chunk["object"] for chunk in chunks[:-1]} == {"chat.completion.chunk"}
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


async def test_a_chats_last_user_message_is_the_prompt_and_its_systems_the_persona(gateway: World) -> None:
    answer = await gateway.post(
        f"{V1}chat/completions",
        {
            "model": "gpt-of-nobody",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello.", "tool_calls": None},
                {"role": "tool", "content": "42", "tool_call_id": "x"},
                {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
                {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
            ],
            "top_p": 0.5,
            "n": 1,
        },
    )

    assert answer.json()["choices"][0]["message"]["content"] == TEXT
    assert gateway.model.chats[-1]["messages"] == [
        {"role": "system", "content": "Be brief.\n\nBe kind.\nAnswer directly and briefly."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "And now?"},
    ]


async def test_code_improve_and_models(gateway: World) -> None:
    code = (await gateway.post(f"{V1}code", {"prompt": "Add two numbers", "language": "python"})).json()
    improved = (await gateway.post("/api/improve", {"prompt": "todo list", "outputType": "api"})).json()
    models = (await gateway.get(f"{V1}models")).json()

    assert code["content"] == "def add(a, b):\n    return a + b\n"
    assert code["tools_used"] == []
    assert improved["improved"].startswith("todo list\n")
    assert improved["tokensUsed"] == 8
    assert {"fast", "think", "code", "roast"} <= {row["mode"] for row in models["models"]}
    assert models["object"] == "list"
    assert models["data"][0]["id"] == "theo-1-auto"
    assert {row["id"] for row in models["data"][1:]} == {row["model_id"] for row in models["models"]}
    assert {row["object"] for row in models["data"]} == {"model"}


async def test_health_needs_no_key_and_is_kept_a_while(gateway: World) -> None:
    first = await gateway.get(f"{V1}health", authorization="")
    second = await gateway.get(f"{V1}health", authorization="")

    assert (first.status_code, second.status_code) == (200, 200)
    assert [answer.headers["x-cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert first.json()["providers"] == {"engine": {"status": "healthy"}}


async def test_every_answer_carries_its_id_version_and_limits(gateway: World) -> None:
    limited = await gateway.new_key("enterprise")
    good = await gateway.get(f"{V1}models", **limited)
    bad = await gateway.post(f"{V1}completions", {}, **limited)
    owners = await gateway.get(f"{V1}rate-limits")

    assert not [name for name in owners.headers if name.startswith("x-ratelimit")]
    assert owners.json() == {
        "tier": "unlimited",
        "limits": {"requests": None, "tokens": None},
        "credits": None,
    }
    for answer in (good, bad):
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["theo-api-version"] == "2026-03-28"
        assert answer.headers["x-ratelimit-limit-requests"] == "5000"
        assert answer.headers["x-ratelimit-reset-requests"].endswith("s")
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
    assert bad.json()["error"]["request_id"] == bad.headers["x-request-id"]


async def test_the_same_idempotency_key_gets_the_same_answer_and_works_once(gateway: World) -> None:
    for body in (gateway.hello(), gateway.hello(stream=True)):
        name = f"once {sorted(body)}"

        first = await gateway.post(f"{V1}completions", body, idempotency_key=name)
        again = await gateway.post(f"{V1}completions", body, idempotency_key=name)
        other = await gateway.post(f"{V1}completions", body | {"mode": "think"}, idempotency_key=name)
        elsewhere = await gateway.post(f"{V1}completions", body, idempotency_key=name, **await gateway.new_key("free"))

        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["idempotency-replayed"] == "true"
        assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
        assert elsewhere.content != first.content
    assert len(gateway.model.chats) == 4


async def test_a_failure_is_not_kept_for_its_idempotency_key(gateway: World) -> None:
    hello = gateway.hello()
    gateway.model.cut_after = 1
    failed = await gateway.post(f"{V1}completions", hello, idempotency_key="later")
    gateway.model.cut_after = None
    answered = await gateway.post(f"{V1}completions", hello, idempotency_key="later")

    assert (failed.status_code, failed.json()["error"]["code"]) == (502, "server_error")
    assert answered.json()["content"] == TEXT


async def test_the_second_with_an_idempotency_key_waits_for_the_first(gateway: World) -> None:
    hello = gateway.hello()
    go_on = held(gateway.model)
    asked = anyio.Event()
    answers: list[bytes] = []
    answer_of_the_model = gateway.model.next[0]

    async def answer(exchange: Exchange) -> None:
        asked.set()
        await answer_of_the_model(exchange)

    gateway.model.next = [answer]

    async def ask() -> None:
        answers.append((await gateway.post(f"{V1}completions", hello, idempotency_key="twice")).content)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        tasks.start_soon(ask)
        await asked.wait()
        go_on.set()

    assert answers[0] == answers[1]
    assert len(gateway.model.chats) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_closing_the_connection_stops_the_model(gateway: World, stream: bool) -> None:
    gateway.model.silent_after = 2

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(gateway.post, f"{V1}completions", gateway.hello(stream=stream))
            await gateway.model.silent.wait()
            tasks.cancel_scope.cancel()
        await gateway.model.exchanges[-1].closed.wait()


async def test_an_upstream_that_is_cut_ends_the_stream_with_an_error_and_no_done(gateway: World) -> None:
    gateway.model.cut_after = 2

    theo = events((await gateway.post(f"{V1}completions", gateway.hello(stream=True))).text)
    chat = {"messages": [{"role": "user", "content": "Be cut"}], "stream": True}
    chunks = [data for _, data in events((await gateway.post(f"{V1}chat/completions", chat)).text)]

    assert [name for name, _ in theo] == ["thinking", "meta", "token", "token", "error"]
    assert theo[-1][1]["error"]["code"] == "server_error"
    assert theo[-1][1]["error"]["request_id"] == theo[1][1]["request_id"]
    assert chunks[-1]["error"]["code"] == "server_error"
    assert "[DONE]" not in chunks


async def test_a_key_is_kept_as_a_hash_alone(gateway: World) -> None:
    kept = b"".join(path.read_bytes() for path in gateway.store.path.parent.glob("store.sqlite*"))

    assert gateway.key.encode() not in kept
    assert gateway.key.removeprefix("theo_sk_").encode() not in kept
    assert [key.plan for key in await Keys(gateway.store).list()][-1] == "unlimited"


@pytest.mark.slow
async def test_the_openai_sdk_chats_streams_and_lists_models(gateway: World) -> None:
    async with openai.AsyncOpenAI(api_key=gateway.key, base_url=f"{gateway.url}{V1}", max_retries=0) as client:
        whole = await client.chat.completions.create(model="x", messages=[{"role": "user", "content": "Hello"}])
        pieces, usage = "", None
        async for chunk in await client.chat.completions.create(
            model="x",
            messages=[{"role": "user", "content": "Hello"}],
            stream=True,
            stream_options={"include_usage": True},
        ):
            pieces += "".join(choice.delta.content or "" for choice in chunk.choices)
            usage = chunk.usage or usage
        models = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("theo-1-flash")
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="x", messages=[{"role": "user", "content": " "}])
        with pytest.raises(openai.AuthenticationError):
            await client.with_options(api_key="theo_sk_wrong").models.list()

    assert whole.choices[0].message.content == pieces == TEXT
    assert usage is not None
    assert usage.total_tokens == 13
    assert models[0] == "theo-1-auto"
    assert one.id == "theo-1-flash"
    assert len(models) > 1
    assert refused.value.code == "empty_prompt"


async def test_a_day_of_the_usage_that_is_none_is_named_by_what_it_is_for(gateway: World) -> None:
    said = [
        (await gateway.get(f"{V1}usage?{name}=yesterday")).json()["error"]["message"].partition(". ")[0]
        for name in ("from", "to")
    ]

    assert said == ["The start of the period is no day", "The end of the period is no day"]


@pytest.mark.slow
async def test_the_description_names_every_endpoint_and_each_of_its_references_is_there(gateway: World) -> None:
    answer = await gateway.get(f"{V1}openapi.json", authorization="")

    described = answer.json()
    schemas = described["components"]["schemas"]
    references = {part.partition('"')[0] for part in answer.text.split('"$ref":"#/components/schemas/')[1:]}
    assert described["openapi"] == "3.1.0"
    assert references <= set(schemas)
    for path in ("completions", "code", "images", "documents", "research", "video", "jobs/{id}", "skills", "models"):
        assert f"{V1}{path}" in described["paths"]
    assert {"/api/generate", "/api/improve", "/api/upload"} <= set(described["paths"])
    assert schemas["CompletionRequest"]["required"] == ["prompt"]
    assert json.dumps(described["paths"]["/api/improve"]["post"]["responses"]["400"]).count("GetCodeError") == 1


@pytest.mark.parametrize(
    ("short", "whole"),
    [("/health", "health"), ("/openapi.json", "openapi.json"), ("/v1/models", "models")],
)
async def test_probes_and_openai_clients_find_it_at_short_paths(gateway: World, short: str, whole: str) -> None:
    answer, same = await gateway.get(short), await gateway.get(V1 + whole)

    assert answer.status_code == 200
    assert answer.json().keys() == same.json().keys()


async def test_a_call_that_nobody_can_carry_out_reaches_openai_clients_in_a_stream_too(gateway: World) -> None:
    gateway.model.turns = [Calls((("check_stock", {"sku": "SKU-1"}),))]
    body = {"prompt": "Look it up", "format": "openai", "stream": True}

    answer = await gateway.post(
        f"{V1}completions", {**body, "tools": [{"name": "check_stock", "description": "Stock"}]}
    )

    chunks = [chunk for _, chunk in events(answer.text) if isinstance(chunk, dict)]
    (call,) = [
        each for chunk in chunks for choice in chunk["choices"] for each in choice["delta"].get("tool_calls", [])
    ]
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "check_stock")
    assert json.loads(call["function"]["arguments"]) == {"sku": "SKU-1"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
