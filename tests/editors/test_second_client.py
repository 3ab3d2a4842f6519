"""A client library that is not ours, from initialize to exit: what VS Code's own clients are built on."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.clients.running import run, with_node
from tests.unit.lsp.client import CAPABILITIES, Fields
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.editors, pytest.mark.anyio]

PACKAGES = ("vscode-languageserver-protocol@3.18.5", "vscode-languageserver-textdocument@1.0.16")
CODE = "import os\r\n\r\n# Add two numbers — ☕ 🧮.\r\n\r\nprint('🧮', os.name)"
DONE = "import os\r\n\r\n# Add two numbers — ☕ 🧮.\r\ndef add(a, b):\r\n    return a + b\r\n\r\nprint('🧮', os.name)"
_LIMIT_S = 60.0


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("second")
    driver = shutil.copy(Path(__file__).parent / "second" / "client.mjs", folder)
    return [*anyio.run(with_node, PACKAGES, folder), "node", str(driver)]


async def _session(client: list[str], folder: Path, server: ModelServer, **plan: Any) -> Fields:
    env = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(folder),
        "THEO_MCP_DATA_DIR": str(folder / "data"),
        "THEO_MCP_ENGINE_URL": server.url,
    }
    whole = {
        "command": [sys.executable, "-m", "theo_lsp.server", "--stdio"],
        "env": env,
        "uri": (folder / "app.py").as_uri(),
        "text": CODE,
        "line": 2,
        "action": "Theo: Generate",
        "capabilities": CAPABILITIES,
        **plan,
    }
    (folder / "plan.json").write_text(json.dumps(whole), encoding="utf-8")
    seen: Fields = json.loads(await run([*client, str(folder / "plan.json")], folder, _LIMIT_S))
    return seen


async def test_an_action_runs_to_its_edit_and_the_session_ends_in_order(
    client: list[str], tmp_path: Path, model_server: ModelServer
) -> None:
    seen = await _session(client, tmp_path, model_server)

    assert seen["problems"] == []
    assert seen["text"] == DONE
    assert seen["ended"] == "applied · scripted-1b"
    assert [value["kind"] for value in seen["progress"] if value["kind"] != "report"] == ["begin", "end"]
    (edit,) = seen["edits"]
    assert edit["label"] == "Theo: Generate code from this comment"
    assert seen["errors"].pop("cancelled") in (None, {"code": -32800, "message": "Request Cancelled"})
    assert seen["errors"] == {
        "stale": {
            "code": -32602,
            "message": "The document has changed since the action was offered. Choose the action again.",
        },
        "unknown command": {"code": -32602, "message": 'theo-lsp has no command "rm".'},
        "unknown method": {"code": -32601, "message": "Method Not Found: textDocument/nothing"},
    }
    assert seen["alive"]
    assert (seen["shutdown"], seen["exit"]) == (None, 0)
    assert seen["messages"] == []


async def test_a_cancelled_run_ends_and_edits_nothing(
    client: list[str], tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.silent_after = 2

    seen = await _session(client, tmp_path, model_server, cancel="writing")

    assert seen["problems"] == []
    assert (seen["ended"], seen["text"], seen["edits"]) == ("cancelled", CODE, [])
    assert [value["kind"] for value in seen["progress"]].count("end") == 1
    await model_server.exchanges[-1].closed.wait()
