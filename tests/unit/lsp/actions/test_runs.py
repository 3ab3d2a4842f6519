"""Each action from the menu to its result, over a scripted model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, Fields, connected
from theo_mcp.testing import getcode
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.model_server import ModelServer

URI = "file:///project/half.py"
HALF = "import os\n\ndef half(n):\n    return n / 2\n"


async def _ended(editor: Editor, entry: Fields) -> str:
    return await editor.ended((await editor.run(entry))["result"]["jobId"])


@pytest.mark.parametrize(
    ("title", "task", "answer", "text"),
    [
        (
            "Theo: Simplify this",
            "Simplify the marked code",
            "```python\ndef half(n):\n    return n // 2\n```\n",
            "import os\n\ndef half(n):\n    return n // 2\n",
        ),
        (
            "Theo: Add types",
            "Add types to the marked definition, by type hints in the signature",
            "```python\ndef half(n: float) -> float:\n    return n / 2\n```\n",
            "import os\n\ndef half(n: float) -> float:\n    return n / 2\n",
        ),
    ],
)
async def test_a_definition_is_replaced(
    editor: Editor, model_server: ModelServer, title: str, task: str, answer: str, text: str
) -> None:
    model_server.pieces = (answer,)
    await editor.open(URI, HALF)

    ended = await _ended(editor, await editor.entry(title, URI, (3, 6)))

    assert ended == "applied · scripted-1b"
    assert editor.texts[URI] == text
    assert task in _sent(model_server)


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Theo: Simplify this", "def halves(n):\n    return n // 2\n"),
        ("Theo: Add types", "def half(n: float) -> float:\n    return n / 3\n"),
        ("Theo: Document this", 'def half(n):\n    """Half."""\n    return n / 3\n'),
    ],
)
async def test_an_answer_that_changes_more_is_shown_and_not_applied(
    editor: Editor, model_server: ModelServer, title: str, code: str
) -> None:
    model_server.pieces = (f"```python\n{code}```\n",)
    await editor.open(URI, HALF)

    ended = await _ended(editor, await editor.entry(title, URI, (3, 6)))

    assert ended == "not applied: the answer changes more than was asked for; it is shown · scripted-1b"
    assert editor.texts[URI] == HALF


async def test_everything_of_one_kind_is_fixed_in_one_edit(editor: Editor, model_server: ModelServer) -> None:
    model_server.pieces = ("```python\ndef a():\n    return 1\n\n\ndef b():\n    return 2\n```\n",)
    await editor.open(URI, "def a():\n    return 1;\n\n\ndef b():\n    return 2;\n")
    flaws = [_flaw(1, "E703", "Statement ends with a semicolon"), _flaw(5, "E703", "Statement ends with a semicolon")]

    entries = await editor.menu(URI, (0, 0), (6, 0), diagnostics=flaws)
    ended = await _ended(
        editor, next(each for each in entries if each["title"] == "Theo: Fix all 2 of this kind: E703")
    )

    assert ended == "applied · scripted-1b"
    assert editor.texts[URI] == "def a():\n    return 1\n\n\ndef b():\n    return 2\n"
    assert "line 2: Statement ends with a semicolon (ruff E703)\nline 6: " in _sent(model_server)


async def test_code_is_translated_into_a_new_file_that_overwrites_none(
    editor: Editor, model_server: ModelServer, tmp_path: Path
) -> None:
    model_server.pieces = ("```ts\nexport const half = (n: number) => n / 2;\n```\n",)
    (tmp_path / "half.ts").write_text("mine", encoding="utf-8")
    uri = (tmp_path / "half.py").as_uri()
    await editor.open(uri, HALF)

    ended = await _ended(editor, await editor.entry("Theo: Translate into TypeScript", uri, (3, 6)))

    assert ended == "half_2.ts made · scripted-1b"
    assert editor.texts[(tmp_path / "half_2.ts").as_uri()] == "export const half = (n: number) => n / 2;\n"
    assert editor.texts[uri] == HALF
    assert (tmp_path / "half.ts").read_text(encoding="utf-8") == "mine"


async def test_a_new_file_that_does_not_parse_in_its_language_is_shown_and_not_made(
    editor: Editor, model_server: ModelServer, tmp_path: Path
) -> None:
    model_server.pieces = ("```ts\nexport const half = (n: number => {{{\n```\n",)
    uri = (tmp_path / "half.py").as_uri()
    await editor.open(uri, HALF)

    ended = await _ended(editor, await editor.entry("Theo: Translate into TypeScript", uri, (3, 6)))

    assert ended == "no file made: it does not parse; it is shown · scripted-1b"
    assert (tmp_path / "half.ts").as_uri() not in editor.texts


async def test_a_new_file_is_neither_a_link_to_nowhere_nor_a_document_that_nobody_has_saved(
    editor: Editor, model_server: ModelServer, tmp_path: Path
) -> None:
    model_server.pieces = ("```ts\nexport const half = (n: number) => n / 2;\n```\n",)
    (tmp_path / "half.ts").symlink_to(tmp_path / "outside.ts")
    uri, unsaved = (tmp_path / "half.py").as_uri(), (tmp_path / "half_2.ts").as_uri()
    await editor.open(unsaved, "mine\n", "typescript")
    await editor.open(uri, HALF)

    ended = await _ended(editor, await editor.entry("Theo: Translate into TypeScript", uri, (3, 6)))

    assert ended == "half_3.ts made · scripted-1b"
    assert editor.texts[unsaved] == "mine\n"


async def test_a_new_file_that_does_not_parse_is_shown_and_not_made(
    editor: Editor, model_server: ModelServer, tmp_path: Path
) -> None:
    model_server.pieces = ("```python\ndef half(n:\n```\n",)
    uri = (tmp_path / "half.js").as_uri()
    await editor.open(uri, "function half(n) {\n  return n / 2;\n}\n", "javascript")
    entry = await editor.entry("Theo: Translate into TypeScript", uri, (1, 3))
    entry["command"]["arguments"][0]["instruction"] = "python"

    ended = await _ended(editor, entry)

    assert ended == "no file made: it does not parse; it is shown · scripted-1b"
    assert not _asked(editor, "workspace/applyEdit")


@pytest.mark.parametrize(
    ("answer", "ended", "text"),
    [
        ("  - Hello,\n    *you*.\n", "applied · scripted-1b", "# Brief\n\n  - Hello,\n    *you*.\n"),
        ("Here is the translation:\n\n- Hello", "applied · scripted-1b", "# Brief\n\n  - Hello\n"),
        ("```markdown\n- Hello\n\n```py\nx\n```\n```\n", "applied · scripted-1b",
         "# Brief\n\n  - Hello\n\n```py\nx\n```\n"),
        ("I'm sorry, but I can't.", "not applied: the answer may be a refusal; it is shown · scripted-1b",
         "# Brief\n\n  - Hallo,\n    *du*.\n"),
        ("Hello.\n" * 40, "not applied: the answer changes more than was asked for; it is shown · scripted-1b",
         "# Brief\n\n  - Hallo,\n    *du*.\n"),
        (" \n", "The answer is empty.", "# Brief\n\n  - Hallo,\n    *du*.\n"),
    ],
)  # fmt: skip
async def test_prose_is_translated_in_its_place_as_it_came(
    editor: Editor, model_server: ModelServer, answer: str, ended: str, text: str
) -> None:
    model_server.pieces = (answer,)
    uri = "file:///project/brief.md"
    await editor.open(uri, "# Brief\n\n  - Hallo,\n    *du*.\n", "markdown")

    entry = await editor.entry("Theo: Translate into English", uri, (2, 0), (4, 0))

    assert await _ended(editor, entry) == ended
    assert editor.texts[uri] == text
    assert "Answer with one fenced block" not in _sent(model_server)


async def test_a_prompt_is_improved_by_getcode_and_its_secrets_stay_here(
    tmp_path: Path, getcode_service: FakeGetCode
) -> None:
    key = "sk-proj-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3"
    uri = "file:///project/prompt.md"
    environment = {
        "GETCODE_API_KEY": getcode.KEY,
        "GETCODE_BASE_URL": getcode_service.origin,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
    }
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        await editor.open(uri, f"\nAn e-mail to a bakery,\r\n```\nAPI_KEY={key}\n```\n", "markdown")

        ended = await _ended(editor, await editor.entry("Theo: Improve this prompt for an e-mail", uri, (1, 0)))

    (sent,) = [request.json for request in getcode_service.requests]
    assert ended == "applied · GetCode"
    assert sent == {
        "prompt": "An e-mail to a bakery,\r\n```\nAPI_KEY=__HELD_BACK_SECRET_1__\n```",
        "outputType": "email",
    }
    assert editor.texts[uri] == (
        f"\nAn e-mail to a bakery,\n```\nAPI_KEY={key}\n``` with responsive nav and clear sections.\n"
    )


async def test_the_model_of_this_machine_improves_a_prompt_too(editor: Editor, model_server: ModelServer) -> None:
    uri = "file:///project/prompt.txt"
    await editor.open(uri, "A page for a bakery.\n", "plaintext")

    await _ended(editor, await editor.entry("Theo: Improve this prompt for a website", uri, (0, 0)))

    assert editor.texts[uri].startswith("A page for a bakery.\n")
    assert editor.texts[uri].count("\n") > 1


async def test_tests_go_where_the_project_keeps_them_and_the_prompt_names_its_framework(
    tmp_path: Path, model_server: ModelServer
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "other_test.py").write_text("import unittest\n", encoding="utf-8")
    uri = (tmp_path / "half.py").as_uri()
    environment = {
        "THEO_MCP_ENGINE_URL": model_server.url,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
    }
    async with connected(environment) as editor:
        root = tmp_path.as_uri()
        await editor.request("initialize", processId=None, rootUri=root, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        await editor.open(uri, HALF)

        ended = await _ended(editor, await editor.entry("Theo: Write tests for this", uri, (3, 6)))

    made = (tmp_path / "tests" / "half_test.py").as_uri()
    assert ended == "half_test.py made · scripted-1b"
    assert editor.texts[made] == "def add(a, b):\n    return a + b\n"
    assert "The project's tests use unittest. The file is tests/half_test.py; import what is tested from half.py." in (
        _sent(model_server)
    )


def _flaw(row: int, code: str, message: str) -> Fields:
    place = {"start": {"line": row, "character": 12}, "end": {"line": row, "character": 13}}
    return {"range": place, "code": code, "source": "ruff", "message": message}


def _sent(model_server: ModelServer) -> str:
    sent: str = model_server.chats[-1]["messages"][-1]["content"]
    return sent


def _asked(editor: Editor, method: str) -> list[Any]:
    return [message["params"] for message in editor.seen if message.get("method") == method]
