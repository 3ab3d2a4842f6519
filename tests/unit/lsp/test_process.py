"""The process: when it ends, and what bytes cannot do to it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import anyio
import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, framed, launched
from tests.unit.lsp.test_running import CODE, URI
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ModelServer

_HELLO = {"processId": None, "rootUri": None, "capabilities": CAPABILITIES}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "SIGINT"])
async def test_the_process_ends_within_two_seconds_with_a_run_going(
    how: str, tmp_path: Path, model_server: ModelServer
) -> None:
    model_server.silent_after = 2
    async with launched(tmp_path, {"THEO_MCP_ENGINE_URL": model_server.url}) as (editor, process):
        await _begin(editor)
        await editor.open(URI, CODE)
        await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
        await model_server.silent.wait()

        begun = time.monotonic()
        if how == "end of input":
            assert process.stdin is not None
            await process.stdin.aclose()
        else:
            process.send_signal(signal.Signals[how])
        await process.wait()

        assert time.monotonic() - begun < 2
        await model_server.exchanges[-1].closed.wait()
    assert b"Traceback" not in (tmp_path / "stderr").read_bytes()
    async with Store.open(tmp_path / "data" / FILE) as store:
        (noted,) = await store.contents.newest("audit", 0, 9)
    assert isinstance(noted[1], dict)
    assert (noted[1]["method"], noted[1]["status"]) == ("completions", "cancelled")


@pytest.mark.slow
async def test_the_process_ends_when_the_editor_that_it_was_told_of_has_died(tmp_path: Path) -> None:
    gone = await anyio.open_process([sys.executable, "-c", ""])
    await gone.wait()

    async with launched(tmp_path) as (editor, process):
        await editor.request("initialize", **{**_HELLO, "processId": gone.pid})
        with anyio.fail_after(10):
            await process.wait()


@pytest.mark.slow
async def test_a_number_that_no_process_has_ends_nothing(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, _):
        await editor.request("initialize", **{**_HELLO, "processId": 2**70})
        await editor.notify("initialized")
        await editor.asked("workspace/configuration")  # by now it is looked whether the editor lives

        assert (await editor.menu(URI, (0, 0))) == []
    assert b"Traceback" not in (tmp_path / "stderr").read_bytes()


@pytest.mark.slow
async def test_exit_after_shutdown_is_zero_and_without_it_one(tmp_path: Path) -> None:
    codes = []
    for polite in (True, False):
        async with launched(tmp_path) as (editor, process):
            await _begin(editor)
            if polite:
                await editor.request("shutdown")
            await editor.notify("exit")
            codes.append(await process.wait())

    assert codes == [0, 1]


@pytest.mark.slow
async def test_bytes_in_any_portions_and_pipelined_messages_are_understood(tmp_path: Path) -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": _HELLO}
    begun = {"jsonrpc": "2.0", "method": "initialized", "params": {}}
    item = {"uri": URI, "languageId": "python", "version": 1, "text": CODE}
    opened = {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}
    place = {"line": 2, "character": 0}
    asked = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "textDocument/codeAction",
        "params": {
            "textDocument": {"uri": URI},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": []},
        },
    }
    body = json.dumps(asked).encode()
    async with launched(tmp_path) as (editor, _):
        await editor.send(framed(hello) + framed(begun) + framed(opened))
        lower = b"content-type: x\r\ncontent-length:%d\r\n\r\n%s" % (len(body), body)
        for at in range(len(lower)):
            await editor.send(lower[at : at + 1])
        answer = await editor.until(lambda message: message.get("id") == 2)

    assert answer["result"][0]["title"] == "Theo: Generate code: Add two numbers."


@pytest.mark.slow
async def test_what_cannot_be_understood_is_answered_and_costs_nothing_else(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, _):
        early = await editor.request("textDocument/codeAction")
        await _begin(editor)
        await editor.send(b"Content-Length: 5\r\n\r\n{oops")
        broken = await editor.until(lambda message: message.get("id", "") is None)
        twice = await editor.request("initialize", **_HELLO)
        unknown = await editor.request("textDocument/nothing")
        malformed = await editor.request("textDocument/codeAction", range="SECRET")
        command = await editor.request("workspace/executeCommand", command="rm", arguments=[])
        await editor.notify("textDocument/didChange", textDocument={"uri": URI})
        for number, method in enumerate((5, True, [], {"a": 1})):  # no names
            await editor.send(framed({"jsonrpc": "2.0", "id": f"no name {number}", "method": method}))
        alive = await editor.menu(URI, (0, 0))

    assert [answer["error"]["code"] for answer in (early, broken, twice, unknown, malformed, command)] == [
        -32002,
        -32700,
        -32002,
        -32601,
        -32602,
        -32602,
    ]
    nameless = [message["error"]["code"] for message in editor.seen if "no name" in str(message.get("id"))]
    assert nameless == [-32600] * 4
    assert malformed["error"]["message"] == "The parameters of textDocument/codeAction could not be read."
    assert alive == []
    assert b"SECRET" not in (tmp_path / "stderr").read_bytes()


async def test_a_stray_print_does_not_reach_the_wire() -> None:
    code = (
        "import os, sys\nfrom theo_lsp.wire.peers import claim\nwire = claim()\nprint('stray', flush=True)\n"
        "os.system('echo child')\nwire.write(b'message')"
    )
    done = await anyio.run_process(
        [sys.executable, "-c", code], env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)}
    )

    assert done.stdout == b"message"
    assert sorted(done.stderr.split()) == [b"child", b"stray"]


async def test_only_this_machine_is_served_over_tcp() -> None:
    done = await anyio.run_process(
        [sys.executable, "-m", "theo_lsp.server", "--tcp", "0.0.0.0:8765"],
        check=False,
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert done.returncode == 2
    assert b"--tcp takes 127.0.0.1:PORT" in done.stderr


async def _begin(editor: Editor) -> None:
    await editor.request("initialize", **_HELLO)
    await editor.notify("initialized")


@pytest.mark.slow
async def test_a_check_says_who_would_answer_and_what_is_missing(tmp_path: Path) -> None:
    environment = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(tmp_path),
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "theo_lsp.server", "--check"]

    bare = json.loads((await anyio.run_process(command, env=environment)).stdout)
    keyed = json.loads((await anyio.run_process(command, env={**environment, "THEO_API_KEY": "sk-test-key"})).stdout)

    assert (bare["answers"], bare["why"]) == ("engine", "THEO_API_KEY is not set")
    assert bare["missing"][0]["message"] == "No model is installed on this machine, and no server or key is set."
    assert (keyed["answers"], keyed["missing"]) == ("hosted", [])
    assert "sk-test-key" not in json.dumps(keyed)
