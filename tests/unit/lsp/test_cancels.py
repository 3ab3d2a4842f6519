"""A thousand runs, each cancelled at a moment and in a way that chance decides."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from pathlib import Path

import anyio
import pytest

from tests.unit.lsp.client import Editor
from tests.unit.lsp.test_parsing import DEFINITION, PYTHON, offered
from tests.unit.lsp.test_running import CODE, DONE, URI
from theo_lsp.documents import Target
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.model_server import ModelServer

pytestmark = pytest.mark.slow

_CANCELS = 1_000
_LONGEST_S = 0.06  # a run that nobody cancels takes about half of it
_DRIP_S = 0.002
_CLOSED_S = 0.2
_STALLS = 5
"""Of a thousand: a machine that does much else stands still now and then."""
_STALLED_S = 2.0
_WARM = 20
_NOTED = 300
"""By then the engine has written what it notes of its work, so its store is open."""
_PIECES = ("```python\n", "def add(a, b):\n", *("    # so\n",) * 10, "    return a + b\n", "```\n")
_OPEN = Path("/proc/self/fd")
_DONE = DONE.replace("    return", "    # so\n" * 10 + "    return")


class _Dripping:
    """Answers a piece at a time, and notes of each answer when its client went away, and when it was whole."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self.closed: list[float] = []
        self.whole = self.begun = 0
        self.news = anyio.Event()

    async def answer(self, exchange: Exchange) -> None:
        self._server.next.append(self.answer)
        if exchange.request.method == "GET":
            await exchange.reply(200, {"object": "list", "data": [{"id": "scripted-1b"}]})
            return
        self.begun += 1
        await exchange.start_events()
        try:
            for piece in _PIECES:
                await anyio.sleep(_DRIP_S)
                await exchange.event({"id": "c1", "model": "scripted-1b", "choices": [_choice({"content": piece})]})
            await exchange.event({"id": "c1", "model": "scripted-1b", "choices": [_choice({}, "stop")]})
            await exchange.event("[DONE]")
            self.whole += 1
        except BaseException:
            self.closed.append(time.monotonic())
            raise
        finally:
            self.news.set()
            self.news = anyio.Event()


async def test_after_a_cancel_the_connection_closes_at_once_and_no_edit_follows(
    editor: Editor, model_server: ModelServer
) -> None:
    chance = random.Random(7)
    model = _Dripping(model_server)
    model_server.next.append(model.answer)
    before = (0, 0, 0)
    ways = {"progress": 0, "command": 0, "menu": 0}
    ended: dict[str, int] = {}
    took: list[float] = []
    await editor.open("file:///project/shape.py", PYTHON)  # its parser's process, which stays, is held before too
    await offered(editor, "file:///project/shape.py", (5, 3), lambda found: found == ["Complete here", *DEFINITION])

    for number in range(_WARM + _CANCELS):
        if number == _NOTED:
            before = _held()
        await editor.open(URI, CODE)
        entry = await editor.entry("Theo: Generate", URI, (2, 3))
        job: str = (await editor.run(entry))["result"]["jobId"]
        await anyio.sleep(chance.random() * _LONGEST_S)

        way = chance.choice([*ways])
        sent = await _cancel(editor, way, job)
        acknowledged = len(editor.seen)
        how = (await editor.ended(job)).split(" · ")[0]
        while model.begun > model.whole + len(model.closed):
            with anyio.fail_after(_STALLED_S):
                await model.news.wait()
        await editor.menu(URI, (2, 3))

        if model.closed and number >= _WARM:  # the first run imports what a run needs
            took.append(model.closed[-1] - sent)
        ways[way] += 1
        ended[how] = ended.get(how, 0) + 1
        later = [message.get("method") for message in editor.seen[acknowledged:]]
        assert "workspace/applyEdit" not in later
        assert _ends(editor, job) == 1
        assert editor.texts[URI] == (_DONE if _edits(editor) else CODE)
        assert how in ("cancelled", "applied")
        assert (how == "applied") <= bool(_edits(editor))
        model.closed.clear()
        model.whole = model.begun = 0
        editor.seen.clear()
        await editor.notify("textDocument/didClose", textDocument={"uri": URI})

    assert sum(each >= _CLOSED_S for each in took) <= _STALLS
    assert max(took) < _STALLED_S
    assert min(ways.values()) > _CANCELS / 5
    assert ended["cancelled"] > _CANCELS / 5
    assert await _more(before) == []


async def _cancel(editor: Editor, way: str, job: str) -> float:
    """Cancels and waits until the server has taken it; when it was sent."""
    if way == "menu":
        entries = await editor.menu(URI, (2, 3))
        entry = entries[0]
        sent = time.monotonic()
        if entry["command"]["command"] == "theo.cancel":
            await editor.run(entry)
        return sent
    sent = time.monotonic()
    if way == "progress":
        await editor.notify("window/workDoneProgress/cancel", token=job)
        await editor.menu(URI, (2, 3))
    else:
        await editor.request("workspace/executeCommand", command="theo.cancel", arguments=[{"jobId": job}])
    return sent


def _ends(editor: Editor, job: str) -> int:
    told = [message["params"] for message in editor.seen if message.get("method") == "$/progress"]
    return [params["value"]["kind"] for params in told if params["token"] == job].count("end")


def _edits(editor: Editor) -> int:
    return [message.get("method") for message in editor.seen].count("workspace/applyEdit")


def _held() -> tuple[int, int, int]:
    """Descriptors, tasks and followed places."""
    gc.collect()
    descriptors = len([*_OPEN.iterdir()]) if _OPEN.exists() else 0
    return descriptors, len(asyncio.all_tasks()), sum(isinstance(each, Target) for each in gc.get_objects())


async def _more(before: tuple[int, int, int]) -> list[int]:
    """What is held beyond `before`; what the engine notes of its work is written a moment later."""
    more = [1]
    with anyio.move_on_after(_STALLED_S):
        while more := [now - then for now, then in zip(_held(), before, strict=True) if now > then]:  # noqa: ASYNC110
            await anyio.sleep(_LONGEST_S)
    return more


def _choice(delta: dict[str, str], finish: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": finish}
