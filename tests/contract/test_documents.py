"""The documents' own examples, sent through both arms of the seam, and through the hosted arm to our own gateway; what
must be equal is asserted for all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_mcp import Backend, CodeRequest, CompletionRequest, ImproveRequest, Settings, connect
from theo_mcp.errors import InputError
from theo_mcp.gateway.keys import Keys
from theo_mcp.gateway.serving import serving
from theo_mcp.settings import BUILTIN_MODEL
from theo_mcp.store import Store
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.model_server import Calls, ModelServer
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.wire.events import CompletionEvent, Done, Meta, Token

EXPLAIN = '{"prompt": "Explain microservices architecture", "mode": "auto", "temperature": 0.7}'
INVENTORY = """{
    "prompt": "Check current inventory levels for SKU-1234", "mode": "auto", "skills": ["inventory-check"],
    "tools": [{"name": "check_stock", "description": "Look up current stock levels by SKU",
        "input_schema": {"type": "object", "properties": {"sku": {"type": "string"}, "warehouse": {"type": "string"}},
            "required": ["sku"]}}],
    "persona": {"system_prompt": "You are Atlas, an operations assistant."}, "max_iterations": 5}"""
HELLO = '{"prompt": "Hello", "format": "openai"}'
JWT = """{"prompt": "Write a TypeScript Express middleware for JWT authentication", "language": "typescript",
    "framework": "express"}"""


@pytest.fixture
def hosted(theo_service: FakeTheo, getcode_service: FakeGetCode, make_settings: MakeSettings) -> Settings:
    return make_settings(
        theo_api_key=theo.KEY,
        theo_base_url=theo_service.origin,
        getcode_api_key=getcode.KEY,
        getcode_base_url=getcode_service.origin,
    )


@pytest.fixture(
    params=[
        "hosted",
        "engine",
        pytest.param("gateway", marks=pytest.mark.slow),
        pytest.param("built-in model", marks=pytest.mark.model),
    ]
)
def arm(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
async def backend(
    arm: str,
    tmp_path: Path,
    hosted: Settings,
    model_server: ModelServer,
    make_settings: MakeSettings,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Backend]:
    scripted = make_settings(engine_url=model_server.url)
    settings = hosted if arm == "hosted" else scripted
    if arm == "built-in model":
        data_dir = request.getfixturevalue("builtin_data")
        settings = make_settings(backend="engine", engine_model=BUILTIN_MODEL, data_dir=data_dir)
    async with connect(settings) as connected:
        assert connected.theo_choice.answers == ("hosted" if arm == "hosted" else "engine")
        if arm != "gateway":
            yield connected
            return
        async with Store.open(tmp_path / "keys.sqlite") as store, serving(connected, store, port=0) as url:
            _, key = await Keys(store).create("the contract", "enterprise")
            asked = {"theo_base_url": url, "getcode_base_url": url, "theo_api_key": key, "getcode_api_key": key}
            async with connect(make_settings(**asked)) as through:
                yield through


async def test_a_completion_has_every_documented_field(backend: Backend) -> None:
    answer = await backend.theo.complete(CompletionRequest.model_validate_json(EXPLAIN))

    assert answer.id.startswith("cmpl_")
    assert answer.object == "completion"
    assert answer.created.endswith("Z")
    assert answer.content
    assert answer.mode == "auto"
    assert answer.resolved_mode == "fast"
    assert answer.model.id
    assert answer.model.label
    assert answer.model.engine
    assert answer.usage.cost_cents is not None
    assert answer.usage.total_tokens == (answer.usage.prompt_tokens or 0) + (answer.usage.completion_tokens or 0)
    assert answer.metadata is None
    assert not answer.was_cached


async def test_every_answer_says_who_made_it(backend: Backend) -> None:
    completion = await backend.theo.complete(CompletionRequest(prompt="Hello"))
    openai = await backend.theo.complete_openai(CompletionRequest(prompt="Hello"))
    code = await backend.theo.code(CodeRequest(prompt="Add two numbers"))
    models = await backend.theo.models()
    health = await backend.theo.health()
    improved = await backend.getcode.improve(ImproveRequest(prompt="todo list", output_type="api"))

    for answer in (completion, openai, code, models, health, improved):
        assert answer.theo_mcp.backend == backend.theo_choice.answers
        assert answer.theo_mcp.engine


async def test_the_example_with_a_persona_and_metadata_echoes_the_metadata(backend: Backend) -> None:
    request = CompletionRequest.model_validate_json(
        '{"prompt": "Who are you?", "persona": {"system_prompt": "You are Atlas."}, "metadata": {"team": "ops"}}'
    )

    answer = await backend.theo.complete(request)

    assert answer.metadata == {"team": "ops"}


async def test_the_inventory_example_is_sent_whole(hosted: Settings, theo_service: FakeTheo) -> None:
    async with connect(hosted) as backend:
        await backend.theo.complete(CompletionRequest.model_validate_json(INVENTORY))

    assert theo_service.requests[-1].json == json.loads(INVENTORY)


async def test_the_tool_of_the_inventory_example_is_pending_where_nobody_can_carry_it_out(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.turns = [Calls((("check_stock", {"sku": "SKU-1234"}),))]

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest.model_validate_json(INVENTORY))

    (used,) = answer.tools_used
    assert (used.name, used.status, used.arguments) == ("check_stock", "pending", {"sku": "SKU-1234"})
    assert "check_stock" in answer.content
    assert "inventory-check" in answer.theo_mcp.notice
    assert model_server.chats[-1]["messages"][0]["content"].startswith("You are Atlas, an operations assistant.")


async def test_the_openai_format_is_a_chat_completion(backend: Backend) -> None:
    answer = await backend.theo.complete_openai(CompletionRequest.model_validate_json(HELLO))

    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl_")
    assert answer.created > 1_700_000_000
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.content
    assert answer.usage.total_tokens
    assert set(answer.theo_metadata or {}) == {"mode", "resolved_mode", "tools_used", "artifacts", "engine"}


async def test_a_stream_begins_with_meta_and_ends_with_done(backend: Backend) -> None:
    events = [event async for event in _events(backend, CompletionRequest.model_validate_json(EXPLAIN))]

    assert isinstance(events[0], Meta)
    assert events[0].resolved_mode == "fast"
    assert isinstance(events[-1], Done)
    tokens = [event.token for event in events if isinstance(event, Token)]
    assert len(tokens) > 1
    assert events[-1].content == "".join(tokens)
    assert events[-1].usage.total_tokens
    assert events[-1].theo_mcp.model == events[0].model.id


async def test_the_jwt_example_returns_code(backend: Backend) -> None:
    answer = await backend.theo.code(CodeRequest.model_validate_json(JWT))

    assert answer.id.startswith("code_")
    assert answer.created.endswith("Z")
    assert answer.content.strip()
    assert "```" not in answer.content
    assert answer.artifacts == ()
    assert answer.tools_used == ()
    assert answer.usage.cost_cents is not None


@pytest.mark.parametrize("output_type", getcode.OUTPUT_TYPES)
async def test_improve_begins_with_the_users_words(backend: Backend, output_type: str) -> None:
    request = ImproveRequest.model_validate({"prompt": "landing page for a bakery", "outputType": output_type})

    answer = await backend.getcode.improve(request)

    assert answer.improved.startswith("landing page for a bakery")
    assert len(answer.improved) > len("landing page for a bakery")
    assert answer.tokens_used


async def test_models_have_mode_id_label_and_engine(backend: Backend) -> None:
    models = await backend.theo.models()

    assert models.models
    for entry in models.models:
        assert entry.mode
        assert entry.model_id
        assert entry.label
        assert entry.engine


async def test_health_names_its_providers(backend: Backend) -> None:
    health = await backend.theo.health()

    assert health.status == "healthy"
    assert [provider.status for provider in health.providers.values()] == ["healthy"]


@pytest.mark.parametrize("prompt", ["", "   \n\t", "x" * 200_001])
async def test_a_blank_or_endless_prompt_is_refused_before_anything_is_sent(
    backend: Backend, theo_service: FakeTheo, getcode_service: FakeGetCode, model_server: ModelServer, prompt: str
) -> None:
    with pytest.raises(InputError):
        await backend.theo.complete(CompletionRequest(prompt=prompt))
    with pytest.raises(InputError):
        await backend.theo.code(CodeRequest(prompt=prompt, language="python"))
    with pytest.raises(InputError):
        await backend.getcode.improve(ImproveRequest(prompt=prompt, output_type="pdf"))
    with pytest.raises(InputError):
        async with backend.theo.stream(CompletionRequest(prompt=prompt)):
            pass

    assert theo_service.requests == []
    assert getcode_service.requests == []
    assert model_server.requests == []


async def _events(backend: Backend, request: CompletionRequest) -> AsyncIterator[CompletionEvent]:
    async with backend.theo.stream(request) as events:
        async for event in events:
            yield event
