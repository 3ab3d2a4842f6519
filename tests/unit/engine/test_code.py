"""What becomes of a model's answer on the way to the code endpoint."""

from __future__ import annotations

import pytest

from tests.conftest import MakeSettings
from theo_mcp import Code, CodeRequest, connect
from theo_mcp.testing.model_server import ModelServer


@pytest.fixture
def ask(model_server: ModelServer, make_settings: MakeSettings):  # type: ignore[no-untyped-def]
    async def asked(answer: str, **hints: str) -> Code:
        model_server.pieces = tuple(answer.splitlines(keepends=True))
        async with connect(make_settings(engine_url=model_server.url)) as backend:
            return await backend.theo.code(CodeRequest(prompt="Add two numbers", **hints))

    return asked


async def test_the_code_comes_without_its_fence_and_the_words_apart(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("Sure:\n```python\ndef add(a, b):\n    return a + b\n```\nIt adds.\n")

    assert code.content == "def add(a, b):\n    return a + b\n"
    assert code.theo_mcp.explanation == "Sure:\n\nIt adds."
    assert [(check.language, check.status) for check in code.theo_mcp.checks] == [("python", "parses")]


async def test_code_that_does_not_parse_is_said_to_fail(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("```python\ndef add(a, b:\n```\n")

    assert code.content == "def add(a, b:\n"
    assert code.theo_mcp.checks[0].status == "fails"
    assert "line 1" in code.theo_mcp.checks[0].message


async def test_several_named_files_become_artifacts(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("**app.py**\n```python\nx = 1\n```\n**data.json**\n```json\n{\n```\n")

    assert [(file.title, file.type, file.language, file.code) for file in code.artifacts] == [
        ("app.py", "code", "python", "x = 1\n"),
        ("data.json", "code", "json", "{\n"),
    ]
    assert [check.status for check in code.theo_mcp.checks] == ["parses", "fails"]
    assert code.content == "x = 1\n"


async def test_unnamed_further_blocks_stay_with_the_explanation(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("```python\nx = 1\n```\nUse it:\n```python\nprint(x)\n```\n")

    assert code.content == "x = 1\n"
    assert code.artifacts == ()
    assert code.theo_mcp.explanation == "Use it:\n\n```python\nprint(x)\n```"


async def test_an_answer_without_a_fence_is_the_code(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("x = 1\n", language="python")

    assert code.content == "x = 1\n"
    assert code.theo_mcp.checks[0].status == "parses"


async def test_a_language_that_is_not_checked_says_so(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("```go\npackage main\n```\n", language="go")

    assert code.theo_mcp.checks[0].status == "not checked"


async def test_hints_reach_the_model_and_not_the_follow_ups(ask, model_server: ModelServer) -> None:  # type: ignore[no-untyped-def]
    await ask("```go\npackage main\n```\n", language="go", framework="gin")

    assert model_server.chats[-1]["messages"][-1]["content"] == "Add two numbers\nLanguage: go.\nFramework: gin."


async def test_the_block_in_the_wanted_language_is_the_code(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("Install:\n```bash\npip install x\n```\n```python\nx = 1\n```\n", language="python")

    assert code.content == "x = 1\n"
    assert "pip install x" in code.theo_mcp.explanation


async def test_one_named_file_beside_the_code_does_not_displace_it(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("```python\nx = 1\n```\n`requirements.txt`\n```\nflask\n```\n")

    assert code.content == "x = 1\n"
    assert "flask" in code.theo_mcp.explanation


async def test_an_unnamed_block_before_several_files_is_kept(ask) -> None:  # type: ignore[no-untyped-def]
    code = await ask("```python\nx = 1\n```\n`a.txt`\n```\na\n```\n`b.txt`\n```\nb\n```\n")

    assert code.content == "x = 1\n"
    assert [file.code for file in code.artifacts] == ["x = 1\n", "a\n", "b\n"]
