from __future__ import annotations

import json

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CodeRequest, CompletionRequest, connect
from theo_mcp.testing.model_server import ModelServer


async def test_an_answer_suggests_what_people_ask_next_and_says_that_a_rule_did(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Explain\n tides", mode="fast"))

    assert [follow_up.model_dump() for follow_up in answer.follow_ups] == [
        {"label": "Go deeper", "prompt": "Explain in more depth: Explain tides"},
        {"label": "Show an example", "prompt": "Give a concrete example for: Explain tides"},
    ]
    assert answer.theo_mcp.follow_ups == "rule"


async def test_the_model_is_asked_for_them_where_the_user_wants_that_and_its_tokens_are_counted(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url, follow_ups="model")) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Explain tides", mode="fast"))

    (suggested,) = answer.follow_ups
    assert suggested.prompt == "The prompt should be clear."
    assert answer.theo_mcp.follow_ups == "model"
    assert answer.usage.total_tokens == (7 + 6) + (7 + 1)


@pytest.mark.parametrize("keeps_schemas", [True, False])
async def test_a_model_that_suggests_nothing_usable_leaves_it_to_the_rule(
    model_server: ModelServer, make_settings: MakeSettings, keeps_schemas: bool
) -> None:
    model_server.keeps_schemas = keeps_schemas
    model_server.filled = json.dumps({"follow_ups": [{"label": " ", "prompt": "x"}, "none"]})

    async with connect(make_settings(engine_url=model_server.url, follow_ups="model")) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Explain tides", mode="fast"))

    assert answer.theo_mcp.follow_ups == "rule"
    assert answer.follow_ups[0].label == "Go deeper"


async def test_off_is_off(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async with connect(make_settings(engine_url=model_server.url, follow_ups="off")) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Explain tides"))

    assert answer.follow_ups == ()
    assert answer.theo_mcp.follow_ups == ""


async def test_code_alone_has_no_follow_ups_so_the_model_is_not_asked(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url, follow_ups="model")) as backend:
        await backend.theo.code(CodeRequest(prompt="Add two numbers"))

    assert len(model_server.chats) == 1


async def test_several_files_in_a_completion_are_its_artifacts(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.pieces = ("`a.py`\n```python\na = 1\n```\n", "`b.py`\n```python\nb = 2\n```\n")

    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Two files", mode="code"))

    assert [(file.title, file.type, file.language, file.code) for file in answer.artifacts] == [
        ("a.py", "code", "python", "a = 1\n"),
        ("b.py", "code", "python", "b = 2\n"),
    ]
