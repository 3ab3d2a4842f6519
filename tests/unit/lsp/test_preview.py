"""Edits that are shown before they are applied."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio
import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, Fields, connected
from theo_mcp.testing.model_server import ModelServer

URI = "file:///project/app.py"
CODE = "import os\n\n# Add two numbers.\n\nprint(os.name)\n"
DONE = "import os\n\n# Add two numbers.\ndef add(a, b):\n    return a + b\n\nprint(os.name)\n"


@pytest.fixture
async def plugin(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Editor]:
    """An editor that shows previews, and whose user wants every one."""
    environment = {
        "THEO_MCP_ENGINE_URL": model_server.url,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
        "THEO_MCP_EDIT_PREVIEW": "always",
    }
    can = {**CAPABILITIES, "experimental": {"theo": {"preview": True}}}
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=can)
        await editor.notify("initialized")
        yield editor


async def _generate(editor: Editor) -> str:
    await editor.open(URI, CODE)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    job: str = answer["result"]["jobId"]
    return job


def _asked(editor: Editor) -> Fields:
    (preview,) = [message["params"] for message in editor.seen if message.get("method") == "theo/preview"]
    params: Fields = preview
    return params


async def test_what_the_user_agrees_to_is_applied(plugin: Editor) -> None:
    plugin.answers["theo/preview"] = lambda params: {"accepted": True, "text": params["after"]}

    ended = await plugin.ended(await _generate(plugin))

    asked = _asked(plugin)
    assert (asked["before"], asked["after"], asked["version"], asked["reason"]) == (CODE, DONE, 1, "")
    assert plugin.texts[URI] == DONE
    assert ended == "applied · scripted-1b"


async def test_a_part_that_the_user_agrees_to_is_applied_alone(plugin: Editor) -> None:
    part = DONE.replace("def add(a, b):\n    return a + b\n", "def add(a, b): ...\n")
    plugin.answers["theo/preview"] = lambda params: {"accepted": True, "text": part}

    await plugin.ended(await _generate(plugin))

    assert plugin.texts[URI] == part


@pytest.mark.parametrize("answer", [{"accepted": False}, {}, None, {"accepted": True}, {"accepted": 1, "text": ""}, []])
async def test_whatever_is_no_agreement_changes_nothing(plugin: Editor, answer: Any) -> None:
    plugin.answers["theo/preview"] = lambda params: answer

    ended = await plugin.ended(await _generate(plugin))

    assert ended == "rejected · scripted-1b"
    assert plugin.texts[URI] == CODE


async def test_what_is_typed_elsewhere_while_it_is_shown_stays(plugin: Editor) -> None:
    plugin.answers["theo/preview"] = None
    job = await _generate(plugin)
    asked = await plugin.until(lambda message: message.get("method") == "theo/preview")

    await plugin.change(URI, (0, 0), (0, 0), "# 🎈\n")
    answer = {"accepted": True, "text": asked["params"]["after"]}
    await plugin.send({"jsonrpc": "2.0", "id": asked["id"], "result": answer})
    await plugin.ended(job)

    assert plugin.texts[URI] == "# 🎈\n" + DONE


async def test_a_cancelled_run_takes_its_preview_back(plugin: Editor) -> None:
    plugin.answers["theo/preview"] = None
    job = await _generate(plugin)
    asked = await plugin.until(lambda message: message.get("method") == "theo/preview")

    await plugin.notify("window/workDoneProgress/cancel", token=job)
    void = await plugin.until(lambda message: message.get("method") == "theo/previewEnded")
    answer = {"accepted": True, "text": asked["params"]["after"]}
    await plugin.send({"jsonrpc": "2.0", "id": asked["id"], "result": answer})

    assert void["params"] == {"id": asked["params"]["id"]}
    assert await plugin.ended(job) == "cancelled"
    assert plugin.texts[URI] == CODE


@pytest.mark.parametrize("wanted", ["auto", "never"])
async def test_a_doubtful_edit_is_proposed_or_where_nobody_wants_that_shown_and_never_applied_unseen(
    tmp_path: Path, model_server: ModelServer, wanted: str
) -> None:
    model_server.pieces = ("```python\ndef add(a, b:\n```",)
    environment = {
        "THEO_MCP_ENGINE_URL": model_server.url,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
        "THEO_MCP_EDIT_PREVIEW": wanted,
    }
    async with connected(environment) as editor:
        can = {**CAPABILITIES, "experimental": {"theo": {"preview": True}}}
        await editor.request("initialize", processId=None, rootUri=None, capabilities=can)
        await editor.notify("initialized")
        editor.answers["theo/preview"] = lambda params: {"accepted": False}

        ended = await editor.ended(await _generate(editor))

        assert editor.texts[URI] == CODE
        if wanted == "auto":
            assert _asked(editor)["reason"] == "the document would not parse"
        else:
            assert ended.startswith("not applied: the document would not parse; it is shown")


@pytest.mark.parametrize(("choice", "text"), [("Apply", DONE), ("Discard", CODE), (None, CODE)])
async def test_any_editor_is_shown_the_difference_and_asked(editor: Editor, choice: str | None, text: str) -> None:
    editor.settings, editor.choice = {"edit_preview": "always"}, choice
    await editor.notify("workspace/didChangeConfiguration", settings={})
    await editor.until(lambda message: message.get("method") == "workspace/configuration")

    await editor.ended(await _generate(editor))

    shown = next(each["params"] for each in editor.seen if each.get("method") == "window/showDocument")
    diff = await anyio.Path(unquote(urlsplit(shown["uri"]).path)).read_text()
    assert "+def add(a, b):\n+    return a + b\n" in diff
    assert editor.texts[URI] == text


async def test_a_preview_of_a_document_that_is_closed_is_void_and_the_answer_is_not_lost(plugin: Editor) -> None:
    plugin.answers["theo/preview"] = None
    plugin.choice = "Copy to a new document"
    job = await _generate(plugin)
    asked = await plugin.asked("theo/preview")

    await plugin.notify("textDocument/didClose", textDocument={"uri": URI})
    void = await plugin.asked("theo/previewEnded")
    ended = await plugin.ended(job)

    assert void == {"id": asked["id"]}
    assert ended == "copied to a new document · scripted-1b"
