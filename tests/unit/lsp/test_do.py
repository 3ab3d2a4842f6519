"""What a plug-in asks for by name, at a place of its own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.lsp.client import Editor, Fields
from theo_mcp.testing.model_server import ModelServer

URI = "file:///project/app.py"
CODE = "import os\n\n# Add two numbers.\n\nprint(os.name)\n"
DONE = "import os\n\n# Add two numbers.\ndef add(a, b):\n    return a + b\n\nprint(os.name)\n"
COMMENT = {"start": {"line": 2, "character": 3}, "end": {"line": 2, "character": 3}}
NOWHERE = {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}


async def _do(editor: Editor, **argument: Any) -> Fields:
    return await editor.request("workspace/executeCommand", command="theo.do", arguments=[{"uri": URI, **argument}])


async def test_an_action_is_done_by_its_name(editor: Editor) -> None:
    await editor.open(URI, CODE)

    answer = await _do(editor, action="generate", range=COMMENT)
    await editor.ended(answer["result"]["jobId"])

    assert editor.texts[URI] == DONE


async def test_what_is_not_offered_there_is_refused_in_a_sentence(editor: Editor, model_server: ModelServer) -> None:
    await editor.open(URI, CODE)

    answer = await _do(editor, action="document", range=NOWHERE)

    assert answer["error"]["message"] == (
        "“Document this” is not offered here. Put the cursor into the definition or the comment that is meant, or "
        "select its lines."
    )
    assert model_server.exchanges == []


async def test_a_name_that_is_almost_right_is_suggested(editor: Editor) -> None:
    await editor.open(URI, CODE)

    answer = await _do(editor, action="documnt", range=NOWHERE)

    assert answer["error"]["message"] == "There is no such action. Did you mean document?"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"uri": "file:///project/other.py"}, "The document is not open in the editor"),
        ({"version": 9}, "The document has changed since the action was offered."),
        ({"range": {"start": {"line": -1, "character": 0}}}, "range.start.line: "),
        ({"diagnostics": "all"}, "diagnostics: "),
        ({"instruction": "x" * 4_001}, "instruction: "),
        ({"shell": "rm"}, "shell: "),
    ],
)
async def test_a_wrong_argument_is_told(editor: Editor, wrong: Fields, said: str) -> None:
    await editor.open(URI, CODE)

    answer = await _do(editor, **{"action": "generate", "range": COMMENT, **wrong})

    assert said in answer["error"]["message"]


async def test_diagnostics_of_the_place_are_part_of_the_prompt(editor: Editor, model_server: ModelServer) -> None:
    flaw = {"range": COMMENT, "message": "Line is too vague", "source": "ruff", "code": "D999", "severity": 2}
    await editor.open(URI, CODE)

    answer = await _do(editor, action="generate", range=COMMENT, diagnostics=[flaw])
    await editor.ended(answer["result"]["jobId"])

    assert "line 3 [D999]: Line is too vague" in model_server.chats[-1]["messages"][-1]["content"]


async def test_every_run_is_cancelled_at_once(editor: Editor, model_server: ModelServer) -> None:
    model_server.silent_after = 1
    await editor.open(URI, CODE)
    job = (await _do(editor, action="generate", range=COMMENT))["result"]["jobId"]
    await model_server.silent.wait()

    answer = await editor.request("workspace/executeCommand", command="theo.cancel", arguments=[{}])

    assert answer["result"] == {"cancelled": True}
    assert await editor.ended(job) == "cancelled"
    assert editor.texts[URI] == CODE


async def test_a_plug_in_is_told_every_action(editor: Editor) -> None:
    (hello,) = [each for each in editor.seen if "capabilities" in each.get("result", {})] or [{}]
    actions = hello["result"]["capabilities"]["experimental"]["theo"]["actions"]

    assert {"name": "refactor", "title": "Refactor as I say", "instruction": "required"} in actions
