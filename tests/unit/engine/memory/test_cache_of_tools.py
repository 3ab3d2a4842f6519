"""An answer is given again only where the same tools, of the same maker, would have helped to make it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect
from theo_mcp.settings import Settings
from theo_mcp.testing.model_server import Calls, ModelServer
from theo_mcp.wire.completions import Completion

HELLO = CompletionRequest(prompt="Hello")
SKILL = "---\nname: counting\ndescription: Counts.\n{allowed}---\nCount well.\n"


async def answered(settings: Settings, request: CompletionRequest = HELLO) -> Completion:
    async with connect(settings) as backend:
        return await backend.theo.complete(request)


async def test_other_tools_in_the_settings_are_another_question(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    known = [
        (await answered(make_settings(engine_url=model_server.url, engine_tools=tools))).was_cached
        for tools in ("none", "calculator", "calculator, clock", "calculator")
    ]

    assert known == [False, False, False, True]


async def test_other_tools_of_a_skill_are_another_question(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(engine_url=model_server.url)
    folder = settings.data_dir / "skills" / "counting"
    folder.mkdir(parents=True)
    known = []
    for allowed in ("", "allowed-tools: calculator\n", ""):
        (folder / "SKILL.md").write_text(SKILL.format(allowed=allowed), encoding="utf-8")
        known.append((await answered(settings)).was_cached)

    assert known == [False, False, True]


async def test_another_server_of_a_model_of_the_same_name_is_another_question(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with ModelServer() as other:
        known = [
            (await answered(make_settings(servers={"mine": {"urls": [url], "model": "scripted-1b"}}))).was_cached
            for url in (model_server.url, other.url, model_server.url)
        ]

    assert known == [False, False, True]


async def test_the_answer_of_a_requests_own_tool_is_not_given_again_whatever_the_tool_is_called(
    model_server: ModelServer, make_settings: MakeSettings, tmp_path: Path
) -> None:
    model_server.turns = [Calls((("calculator", {}),)), ("Done.",), Calls((("calculator", {}),)), ("Done.",)]
    command = [sys.executable, "-c", f"open({str(tmp_path / 'log')!r}, 'a').write('x')"]
    settings = make_settings(engine_url=model_server.url, executors={"calculator": {"command": command}})
    request = CompletionRequest.model_validate(
        {"prompt": "Pay 5 EUR", "tools": [{"name": "calculator", "description": "Pays.", "input_schema": {}}]}
    )

    known = [(await answered(settings, request)).was_cached for _ in range(2)]

    assert known == [False, False]
    assert (tmp_path / "log").read_text() == "xx"


@pytest.mark.parametrize("arguments", ['{"expression": NaN}', '{"expression": 1e999}'])
async def test_arguments_that_no_json_holds_are_told_to_the_model(
    model_server: ModelServer, make_settings: MakeSettings, arguments: str
) -> None:
    model_server.turns = [Calls((("calculator", arguments),)), ("Done.",)]

    answer = await answered(make_settings(engine_url=model_server.url, engine_tools="calculator"))

    (used,) = answer.tools_used
    assert (used.status, used.arguments) == ("error", None)
    assert (used.description or "").startswith("The arguments are not JSON.")
