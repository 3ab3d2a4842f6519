"""Each message of a session that uses everything, against the types that the protocol's meta model is made from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from lsprotocol import types

from tests.clients.running import run, with_node
from tests.unit.lsp.client import CAPABILITIES, Editor, Fields, connected
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.editors, pytest.mark.anyio]

PACKAGES = ("vscode-languageserver-protocol@3.18.5", "typescript@7.0.2")
CODE = "import os\n\n# Add two numbers — 🧮.\n\ndef half(n):\n    return n / 2\n"
_LIMIT_S = 120.0
_HEAD = """\
import * as lsp from 'vscode-languageserver-protocol';
type Params<T> = T extends lsp.ProtocolRequestType<infer P, any, any, any, any> ? P
  : T extends lsp.ProtocolNotificationType<infer P, any> ? P : never;
type Result<T> = T extends lsp.ProtocolRequestType<any, infer R, any, any, any> ? R
  : T extends lsp.ProtocolRequestType0<infer R, any, any, any> ? ([R] extends [void] ? null : R) : never;
type Progress = { token: lsp.ProgressToken; value:
  lsp.WorkDoneProgressBegin | lsp.WorkDoneProgressReport | lsp.WorkDoneProgressEnd };
type Refusal = { code: lsp.integer; message: string; data?: lsp.LSPAny };
// @ts-expect-error - so that what follows shows anything
export const unknown: Params<typeof lsp.ShowDocumentRequest.type> = { uri: '', focus: true };
// @ts-expect-error
export const missing: Params<typeof lsp.ApplyWorkspaceEditRequest.type> = { label: '' };
// @ts-expect-error
export const none: Result<typeof lsp.CodeActionRequest.type> = [{ title: '', kind: null }];
// @ts-expect-error
export const other: Progress = { token: 1, value: { kind: 'start', title: '' } };
"""
_OPTIONS = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--target", "es2022"]
_MODULES = ["--module", "nodenext", "--moduleResolution", "nodenext"]


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    folder = tmp_path_factory.mktemp("typescript")
    return [*anyio.run(with_node, PACKAGES, folder), "node", "node_modules/typescript/bin/tsc"], folder


async def test_every_message_is_of_its_type(
    typescript: tuple[list[str], Path], tmp_path: Path, model_server: ModelServer
) -> None:
    every = {
        **CAPABILITIES,
        "textDocument": {"codeAction": {"tagSupport": {"valueSet": [1]}}},
        "workspace": {**CAPABILITIES["workspace"], "didChangeConfiguration": {"dynamicRegistration": True}},
    }
    lines: list[str] = []
    sent: set[str] = set()
    for capabilities in (every, {}):
        async with connected(_environment(tmp_path, model_server)) as editor:
            await _use_everything(editor, model_server, capabilities, tmp_path)
            lines += _typed(editor)
            sent |= {message["method"] for message in editor.seen if "method" in message}
    command, folder = typescript
    (folder / "messages.ts").write_text(_HEAD + "\n".join(lines), encoding="utf-8")

    await run([*command, *_OPTIONS, *_MODULES, "messages.ts"], folder, _LIMIT_S)

    assert sent == {
        "$/progress",
        "client/registerCapability",
        "window/logMessage",
        "window/showDocument",
        "window/showMessage",
        "window/showMessageRequest",
        "window/workDoneProgress/create",
        "workspace/applyEdit",
        "workspace/configuration",
    }


async def _use_everything(editor: Editor, server: ModelServer, capabilities: Fields, folder: Path) -> None:
    await editor.request("textDocument/hover")
    await editor.request("initialize", processId=None, rootUri=None, capabilities=capabilities)
    await editor.notify("initialized")
    editor.settings = {"log_level": "nonsense"}
    await editor.notify("workspace/didChangeConfiguration", settings={"theo": editor.settings})
    await editor.asked("window/showMessage")
    editor.settings = {"log_level": "warning"}
    await editor.notify("workspace/didChangeConfiguration", settings={"theo": editor.settings})
    await editor.send(b"Content-Length: 2\r\n\r\n{{")
    uri = (folder / f"{len(capabilities)}.py").as_uri()
    await editor.open(uri, CODE)
    await editor.menu(uri, (5, 8), only=["quickfix"])
    flaw = {"range": {"start": {"line": 5, "character": 4}, "end": {"line": 5, "character": 10}}, "message": "no"}
    await editor.menu(uri, (5, 8), diagnostics=[{**flaw, "code": 7, "severity": 1, "data": {"of": "another"}}])
    for begins in ("Theo: Show the exact", "Theo: Explain", "Theo: Write tests"):
        await _run(editor, uri, (5, 8), begins)
    editor.answers["workspace/applyEdit"] = lambda params: {"applied": False}
    await _run(editor, uri, (2, 3), "Theo: Generate")
    del editor.answers["workspace/applyEdit"]
    server.key = "another"
    await _run(editor, uri, (2, 3), "Theo: Generate")
    server.key, server.silent_after, server.silent = None, 2, anyio.Event()
    job = await _start(editor, uri, (2, 3), "Theo: Generate")
    await server.silent.wait()
    await editor.run((await editor.menu(uri, (2, 3)))[0])
    await _over(editor, uri, job)
    server.silent_after = None
    await _run(editor, uri, (2, 3), "Theo: Generate")
    entry = await editor.entry("Theo: Complete", uri, (0, 9))
    entry["command"]["arguments"][0]["version"] = 99
    await editor.run(entry)
    await editor.request("textDocument/nothing")
    await editor.request("textDocument/codeAction", range=7)
    await editor.request("workspace/executeCommand", command="another.server", arguments=[{"data": 1}])
    await editor.send({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 7}})
    await editor.notify("textDocument/didClose", textDocument={"uri": uri})
    await editor.request("shutdown")


async def _start(editor: Editor, uri: str, place: tuple[int, int], begins: str) -> str:
    answer = await editor.run(await editor.entry(begins, uri, place))
    job: str = answer["result"]["jobId"]
    return job


async def _run(editor: Editor, uri: str, place: tuple[int, int], begins: str) -> None:
    await _over(editor, uri, await _start(editor, uri, place, begins))


async def _over(editor: Editor, uri: str, job: str) -> None:
    """Until the menu no longer offers to cancel it, which is all that an editor without progress can see."""
    while any(job in str(entry) for entry in await editor.menu(uri, (0, 0))):
        await anyio.lowlevel.checkpoint()


def _typed(editor: Editor) -> Iterator[str]:
    for message in editor.seen:
        if "error" in message:
            yield _line("Refusal", message["error"])
        elif "method" not in message:
            yield _line(f"Result<typeof lsp.{_name(editor.requests[message['id']])}.type>", message["result"])
        elif message["method"] == "$/progress":
            yield _line("Progress", message["params"])
        else:
            yield _line(f"Params<typeof lsp.{_name(message['method'])}.type>", message["params"])


def _line(wanted: str, value: Any) -> str:
    return f"{{ const value: {wanted} = {json.dumps(value)}; void value; }}"


def _name(method: str) -> str:
    return types.METHOD_TO_TYPES[method][0].__name__


def _environment(folder: Path, server: ModelServer) -> dict[str, str]:
    return {
        "THEO_MCP_ENGINE_URL": server.url,
        "THEO_MCP_DATA_DIR": str(folder / "data"),
        "THEO_MCP_CONFIG": os.devnull,
    }
