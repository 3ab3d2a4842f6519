"""Somebody who opens 5,000 lines in an editor, types in them and looks at the menu now and then."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.benchmarks.children import child
from tests.benchmarks.language_servers import LanguageServer
from tests.benchmarks.process_tree import Usage, usage

KEYS, KEYS_A_SECOND, KEYS_AN_ACTION = 200, 20, 2
_LIMIT_S = 300.0
_IDLE_S = 1.0
_BETWEEN_S = 0.005
_URI = "file:///project/long.py"
_FUNCTION = (
    'def half_{0}(n: int) -> float:\n    """Half of n."""\n    # TODO: take numbers below zero\n'
    "    if n:\n        return n / 2\n    return 0.0\n\n\n"
)
_TEXT = "".join(_FUNCTION.format(number) for number in range(625))
_CAPABILITIES = {
    "window": {"workDoneProgress": True},
    "workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}},
}


@dataclass
class Seen:
    """What one server showed."""

    start_ms: float = 0.0
    """From the spawn to the answer to initialize."""
    first_ms: float = 0.0
    """From the spawn to the first menu."""
    actions_ms: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    """For all keys and menus."""
    idle: Usage = field(default_factory=lambda: Usage(0.0, 0.0, 0.0))
    """With the document open, before the first key."""
    during_run_ms: list[float] = field(default_factory=list)
    """Menus while a run is at work, the first one of the process."""
    after_run: Usage | None = None


async def typed(server: LanguageServer, *, run: str = "") -> Seen:
    """Starts the server, types, and where `run` begins a menu's entry, has that carried out at the end."""
    seen = Seen()
    began = time.perf_counter()
    with anyio.fail_after(_LIMIT_S):
        async with child([*server.command], server.environ) as process:
            editor = _Editor(process)
            hello = {"processId": None, "rootUri": None, "capabilities": _CAPABILITIES}
            await editor.request("initialize", hello)
            seen.start_ms = (time.perf_counter() - began) * 1000
            await editor.notify("initialized", {})
            item = {"uri": _URI, "languageId": "python", "version": 1, "text": _TEXT}
            await editor.notify("textDocument/didOpen", {"textDocument": item})
            await editor.menu(20, 4)
            seen.first_ms = (time.perf_counter() - began) * 1000
            await anyio.sleep(_IDLE_S)
            seen.idle = usage(process.pid)
            await _type(editor, seen)
            await anyio.sleep(_IDLE_S)  # some go on working when the typing has stopped
            seen.cpu_s = usage(process.pid).cpu_s - seen.idle.cpu_s
            if run:
                entry = next(each for each in await editor.menu(2, 4) if each["title"].startswith(run))
                await editor.choose(entry)
                while editor.runs:
                    asked = time.perf_counter()
                    await editor.menu(20, 4)
                    seen.during_run_ms.append((time.perf_counter() - asked) * 1000)
                    await anyio.sleep(_BETWEEN_S)
                seen.after_run = usage(process.pid)
    return seen


async def _type(editor: _Editor, seen: Seen) -> None:
    next_key = time.perf_counter()
    for key in range(KEYS):
        line = 8 * (key * 37 % 625) + 4
        place = {"line": line, "character": 8}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        document = {"uri": _URI, "version": key + 2}
        await editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        if key % KEYS_AN_ACTION == 0:
            asked = time.perf_counter()
            await editor.menu(line, 9)
            seen.actions_ms.append((time.perf_counter() - asked) * 1000)
        next_key += 1 / KEYS_A_SECOND
        await anyio.sleep(max(0.0, next_key - time.perf_counter()))


class _Editor:
    def __init__(self, process: Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._to_server = process.stdin
        self._from_server = BufferedByteReceiveStream(process.stdout)
        self._count = 0
        self.runs = False

    async def menu(self, line: int, character: int) -> Any:
        place = {"line": line, "character": character}
        asked = {
            "textDocument": {"uri": _URI},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": []},
        }
        return await self.request("textDocument/codeAction", asked)

    async def choose(self, entry: Any) -> None:
        """Starts what the entry says; `runs` until its progress ends."""
        command = entry["command"]
        self.runs = True
        await self.request(
            "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
        )

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        await self._send({"method": method, "params": params})

    async def request(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        await self._send({"id": self._count, "method": method, "params": params})
        while True:
            message = await self._next()
            if message.get("id") == self._count and "method" not in message:
                if "error" in message:
                    raise RuntimeError(f"{method} failed: {message['error']['message']}")
                return message["result"]

    async def _next(self) -> Any:
        """The next message; what the server asks is answered as an editor does that changes nothing."""
        head = await self._from_server.receive_until(b"\r\n\r\n", 4096)
        length = re.search(rb"Content-Length: (\d+)", head)
        assert length
        message = json.loads(await self._from_server.receive_exactly(int(length[1])))
        if "method" in message and "id" in message:
            applied = {"applied": True} if message["method"] == "workspace/applyEdit" else None
            await self._send({"id": message["id"], "result": applied})
        if message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "end":
            self.runs = False
        return message

    async def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        await self._to_server.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
