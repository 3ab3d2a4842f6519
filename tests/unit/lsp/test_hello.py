"""The answer to initialize that is given before the server is there: the same as its own, and nothing is lost by it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.unit.lsp.client import CAPABILITIES, connected, framed, launched
from theo_lsp.hello import answered

_ASKED = {"jsonrpc": "2.0", "id": 1, "method": "initialize"}


@pytest.mark.parametrize(
    "capabilities",
    [
        {},
        CAPABILITIES,
        {"general": {"positionEncodings": ["utf-8", "utf-16", "utf-32"]}},
        {"general": {"positionEncodings": ["utf-7", "utf-32"]}},
        {"general": {"positionEncodings": ["utf-7"]}},
        {"general": {"positionEncodings": []}},
        {"general": {}},
        {"general": None},
        {
            "workspace": {"fileOperations": {"didCreate": True, "willRename": True}, "workspaceFolders": True},
            "textDocument": {"rename": {"prepareSupport": True}, "synchronization": {"willSave": True}},
            "notebookDocument": {"synchronization": {}},
        },
    ],
    ids=json.dumps,
)
async def test_the_early_answer_is_that_of_the_server(capabilities: dict[str, Any]) -> None:
    params = {"processId": None, "rootUri": None, "capabilities": capabilities}
    async with connected({"THEO_MCP_CONFIG": os.devnull}) as editor:
        own = await editor.request("initialize", **params)

    early = answered(json.dumps({**_ASKED, "params": params}).encode())

    # Where this fails, what the server can do has changed: python -m tests.snapshots prints its answer anew.
    assert early is not None
    head, _, body = early.partition(b"\r\n\r\n")
    assert head == b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8" % len(body)
    assert json.loads(body) == _said(own)


@pytest.mark.parametrize(
    "message",
    [
        [],
        {**_ASKED, "params": {}},
        {**_ASKED, "params": {"capabilities": None}},
        {**_ASKED, "params": {"capabilities": {"general": 1}}},
        {**_ASKED, "params": {"capabilities": {"general": {"positionEncodings": "utf-8"}}}},
        {**_ASKED, "id": True, "params": {"capabilities": {}}},
        {"jsonrpc": "2.0", "method": "initialize", "params": {"capabilities": {}}},
        {**_ASKED, "jsonrpc": "1.0", "params": {"capabilities": {}}},
        {**_ASKED, "method": "shutdown", "params": {"capabilities": {}}},
    ],
    ids=json.dumps,
)
def test_what_is_no_plain_initialize_is_left_to_the_server(message: Any) -> None:
    assert answered(json.dumps(message).encode()) is None
    assert answered(b"{") is None


async def test_what_needs_a_library_is_imported_after_the_answer() -> None:
    code = "import sys, theo_lsp.server; print(*sys.modules)"
    done = await anyio.run_process([sys.executable, "-c", code], env=_environment())

    slow = {"anyio", "argparse", "asyncio", "dataclasses", "logging", "lsprotocol", "pydantic", "pygls", "typing"}
    assert slow.isdisjoint(done.stdout.decode().split())


@pytest.mark.slow
async def test_capabilities_that_nobody_can_read_count_as_not_said(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, _):
        await editor.request("initialize", processId=None, capabilities={"window": "SECRET"})
        await editor.open("file:///project/app.py", "# TODO: add two numbers\n")
        entries = await editor.menu("file:///project/app.py", (0, 3))

    assert entries[0]["title"] == "Theo: Generate code: TODO: add two numbers"
    assert b"SECRET" not in (tmp_path / "stderr").read_bytes()


@pytest.mark.slow
async def test_what_comes_with_initialize_and_an_end_is_answered_in_order() -> None:
    hello = {**_ASKED, "params": {"processId": None, "capabilities": {}}}
    text = "# TODO: add two numbers\n" * 50_000  # more than a pipe holds
    item = {"uri": "file:///project/app.py", "languageId": "python", "version": 1, "text": text}
    opened = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}
    shutdown = {"jsonrpc": "2.0", "id": 2, "method": "shutdown"}
    end = {"jsonrpc": "2.0", "method": "exit"}
    input = b"".join(framed(message) for message in (hello, opened, shutdown, end))

    done = await anyio.run_process([sys.executable, "-m", "theo_lsp.server"], input=input, env=_environment())

    answers = [json.loads(part[: part.rindex(b"}") + 1]) for part in done.stdout.split(b"\r\n\r\n")[1:]]
    assert [answer["id"] for answer in answers] == [1, 2]
    assert done.stderr == b""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("input", "said"),
    [
        (b"", ""),
        (b"Content-Length: 5\r\n\r\n{", ""),
        (b"what is this?\r\n\r\n", "because of a header without a length that can be believed. The server ends.\n"),
        (b"x" * 70_000, "because of a header without an end. The server ends.\n"),
    ],
)
async def test_an_input_that_ends_without_a_message_ends_the_process(input: bytes, said: str) -> None:
    done = await anyio.run_process([sys.executable, "-m", "theo_lsp.server"], input=input, env=_environment())

    assert done.stdout == b""
    assert done.stderr.decode().partition("messages, ")[2] == said


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP", "end of input"])
async def test_the_process_ends_at_once_while_it_still_starts(how: str, tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, process):
        await editor.request("initialize", processId=None, capabilities={})
        begun = time.monotonic()
        if how == "end of input":
            assert process.stdin is not None
            await process.stdin.aclose()
        else:
            process.send_signal(signal.Signals[how])
        await process.wait()

    assert time.monotonic() - begun < 2
    assert (tmp_path / "stderr").read_bytes() == b""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc whether the server is there")
async def test_an_editor_that_is_silent_at_first_is_served(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, process):
        await editor.send(b"Content-")
        threads = Path(f"/proc/{process.pid}/task")
        while len([*threads.iterdir()]) == 1:  # noqa: ASYNC110 - until the server itself reads
            await anyio.sleep(0.05)
        hello = framed({**_ASKED, "params": {"processId": None, "capabilities": {}}})
        await editor.send(hello.removeprefix(b"Content-"))
        answer = await editor.until(lambda message: message.get("id") == 1)

    assert answer["result"]["serverInfo"]["name"] == "theo-lsp"


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what the server does not do, which it says to editors alone that could."""
    sync = answer["result"]["capabilities"]["textDocumentSync"]
    for name in ("willSave", "willSaveWaitUntil"):
        assert not sync.pop(name, False)
    return answer


def _environment() -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
