"""The built-in model behind the language server: a real answer, and the end of its process in the middle of one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, connected
from theo_mcp.settings import BUILTIN_MODEL

pytestmark = [pytest.mark.model, pytest.mark.anyio]

URI = "file:///project/app.py"
CODE = "import os\n\n# Write a function add(a, b) that returns the sum of a and b.\n\nprint(os.name)\n"


@pytest.fixture
async def editor(builtin_data: Path) -> AsyncIterator[Editor]:
    environment = {
        "THEO_MCP_DATA_DIR": str(builtin_data),
        "THEO_MCP_CONFIG": os.devnull,
        "THEO_MCP_ENGINE_MODEL": BUILTIN_MODEL,
    }
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        yield editor


async def test_a_real_answer_goes_below_its_comment_or_is_only_shown(editor: Editor) -> None:
    await editor.open(URI, CODE)

    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    with anyio.fail_after(60):
        ended = await editor.ended(answer["result"]["jobId"])

    head, tail = CODE[: CODE.index("\n\nprint")], CODE[CODE.index("\n\nprint") :]
    assert editor.texts[URI].startswith(head)
    assert editor.texts[URI].endswith(tail)
    assert "a draft: check it" in ended
    assert ended.startswith("applied") == (editor.texts[URI] != CODE)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")
async def test_a_model_process_that_is_killed_is_one_sentence_and_the_next_run_has_a_new_one(editor: Editor) -> None:
    await editor.open(URI, CODE)
    answer = await editor.run(await editor.entry("Theo: Explain", URI, (0, 0), (4, 0)))
    job = answer["result"]["jobId"]
    await editor.until(lambda message: "writing" in str(message.get("params")))

    os.kill(_model(), signal.SIGKILL)
    ended = await editor.ended(job)
    seen = len(editor.seen)
    again = await editor.run(await editor.entry("Theo: Explain", URI, (0, 0), (4, 0)))
    await editor.until(lambda message: "writing" in str(message.get("params")) and message in editor.seen[seen:])
    await editor.notify("window/workDoneProgress/cancel", token=again["result"]["jobId"])

    assert ended == "The local model's process ended unexpectedly (status -9)."
    assert await editor.ended(again["result"]["jobId"]) == "cancelled"


def _model() -> int:
    """The child of this process that has a model."""
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text().split()]
    (found,) = [int(child) for child in children if b"theo_mcp.engine.child" in _command(child)]
    return found


def _command(process: str) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()
