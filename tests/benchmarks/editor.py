"""Code actions while somebody types in 5,000 lines: ours beside the least server that pygls can be, and beside ruff's.

Ours offers six actions with their arguments, keeps places that runs write to and finds the block around the cursor; the
bare one offers the same one action everywhere. No side has a network or a model.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.benchmarks.children import child
from tests.benchmarks.comparison import Comparison, Side, in_turn

_ROUNDS = 4
_KEYS, _KEYS_A_SECOND, _KEYS_AN_ACTION = 100, 20, 4
_LIMIT_S = 60.0
_URI = "file:///project/long.py"
_FUNCTION = (
    'def half_{0}(n: int) -> float:\n    """Half of n."""\n    # TODO: take numbers below zero\n'
    "    if n:\n        return n / 2\n    return 0.0\n\n\n"
)
_TEXT = "".join(_FUNCTION.format(number) for number in range(625))
_OURS = (sys.executable, "-m", "theo_lsp.server")
_BARE = (sys.executable, "-m", "tests.benchmarks.bare_editor_server")


async def code_actions(folder: Path) -> list[Comparison]:
    """`folder` is not used: nothing is written."""
    del folder
    ruff = (str(Path(sys.executable).with_name("ruff")), "server")
    rounds = await in_turn(range(_ROUNDS), [lambda _: _typed(_OURS), lambda _: _typed(_BARE), lambda _: _typed(ruff)])
    how = f"{_KEYS} keys at {_KEYS_A_SECOND} a second, an action after each {_KEYS_AN_ACTION}th, 5,000 lines"
    sides = ("theo-lsp", "pygls, one action", "ruff server")
    starts = [
        Side(name, "spawn → initialize", [[each[at].start_ms] for each in rounds]) for at, name in enumerate(sides)
    ]
    middles = [Side(name, how, [each[at].actions_ms for each in rounds]) for at, name in enumerate(sides)]
    tails = [Side(name, how, [[_p99(each[at].actions_ms)] for each in rounds]) for at, name in enumerate(sides)]
    memory = [Side(name, "at the end", [[each[at].memory_mb] for each in rounds]) for at, name in enumerate(sides)]
    return [
        *(Comparison("spawn → initialize", "ms", starts[0], other) for other in starts[1:]),
        *(Comparison("codeAction while typing, p50", "ms", middles[0], other) for other in middles[1:]),
        *(Comparison("codeAction while typing, p99", "ms", tails[0], other) for other in tails[1:]),
        *(Comparison("resident memory", "MB", memory[0], other) for other in memory[1:]),
    ]


class _Typed:
    """What one round of one server measured."""

    def __init__(self, start_ms: float) -> None:
        self.start_ms = start_ms
        self.actions_ms: list[float] = []
        self.memory_mb = 0.0


async def _typed(command: Sequence[str]) -> _Typed:
    began = time.perf_counter()
    with anyio.fail_after(_LIMIT_S):
        async with child([*command]) as process:
            editor = _Editor(process)
            hello: dict[str, Any] = {"processId": None, "rootUri": None, "capabilities": {}}
            await editor.request("initialize", hello)
            measured = _Typed((time.perf_counter() - began) * 1000)
            await editor.notify("initialized", {})
            item = {"uri": _URI, "languageId": "python", "version": 1, "text": _TEXT}
            await editor.notify("textDocument/didOpen", {"textDocument": item})
            await editor.actions(20, 4)  # the first one makes the converters
            next_key = time.perf_counter()
            for key in range(_KEYS):
                line = 8 * (key * 37 % 625) + 4
                place = {"line": line, "character": 8}
                change = {"range": {"start": place, "end": place}, "text": "x"}
                document = {"uri": _URI, "version": key + 2}
                await editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
                if key % _KEYS_AN_ACTION == 0:
                    asked = time.perf_counter()
                    await editor.actions(line, 9)
                    measured.actions_ms.append((time.perf_counter() - asked) * 1000)
                next_key += 1 / _KEYS_A_SECOND
                await anyio.sleep(max(0.0, next_key - time.perf_counter()))
            measured.memory_mb = _memory_mb(process.pid)
    return measured


class _Editor:
    def __init__(self, process: Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._to_server = process.stdin
        self._from_server = BufferedByteReceiveStream(process.stdout)
        self._count = 0

    async def actions(self, line: int, character: int) -> None:
        place = {"line": line, "character": character}
        asked = {
            "textDocument": {"uri": _URI},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": []},
        }
        await self.request("textDocument/codeAction", asked)

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        await self._send({"jsonrpc": "2.0", "method": method, "params": params})

    async def request(self, method: str, params: dict[str, Any]) -> None:
        self._count += 1
        await self._send({"jsonrpc": "2.0", "id": self._count, "method": method, "params": params})
        while True:
            head = await self._from_server.receive_until(b"\r\n\r\n", 4096)
            length = re.search(rb"Content-Length: (\d+)", head)
            assert length
            message = json.loads(await self._from_server.receive_exactly(int(length[1])))
            if message.get("id") == self._count and "method" not in message:
                if "error" in message:
                    raise RuntimeError(f"{method} failed: {message['error']['message']}")
                return

    async def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        await self._to_server.send(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def _p99(samples: Sequence[float]) -> float:
    return quantiles(samples, n=100, method="inclusive")[98]


def _memory_mb(process: int) -> float:
    """What Linux says; 0 elsewhere."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0
