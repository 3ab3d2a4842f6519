"""Sessions that nobody would think of: edits, actions, cancels and answers in any order, in every encoding."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.unit.lsp.client import CAPABILITIES, connected
from tests.unit.lsp.world import World
from theo_mcp.testing.model_server import ModelServer

Step: TypeAlias = tuple[str, int, int, int, int, str, str]

_URIS = ("file:///project/one.x", "file:///project/two.x")
_WORDS = (
    "// Add.\n", "// 🧮 Zażółć.\r\n", "x = 1\n", "\r\n", "\r", "\n", "🧮", "e\u0301", "é", "\t", "  ", "\f", "\u2028",
    "\0", "}", "\ufeff", "👩‍💻", "中", "// a\r// b\r", "",
)  # fmt: skip
_CHOICES = (None, "Apply anyway", "Copy to a new document", "Discard")
_STEPS = (
    "change", "change", "change", "changes", "whole", "menu", "run", "run", "run", "go on", "go on", "answer",
    "answer", "refuse", "cancel", "cancel progress", "run and cancel", "close", "open", "choose",
)  # fmt: skip
_texts = st.lists(st.sampled_from(_WORDS), max_size=8).map("".join)
_number = st.integers(0, 400)
_steps = st.lists(
    st.tuples(st.sampled_from(_STEPS), _number, _number, _number, _number, _texts, _texts), min_size=4, max_size=20
)
_session = given(encoding=st.sampled_from(["utf-8", "utf-16", "utf-32"]), first=_texts, steps=_steps)
# What fails is printed as it was found: to shrink it takes minutes, and a session of twenty steps can be read.
_any_speed = settings(database=None, deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.generate])


@pytest.mark.parametrize(("encoding", "columns"), [("utf-8", (2, 26)), ("utf-16", (1, 17)), ("utf-32", (1, 14))])
def test_an_edit_behind_astral_characters_lands_in_every_encoding(encoding: str, columns: tuple[int, int]) -> None:
    _alone(_behind_astral_characters, encoding, columns)


@settings(_any_speed, max_examples=8, derandomize=True)
@_session
def test_a_session_of_chance_keeps_every_promise(encoding: str, first: str, steps: list[Step]) -> None:
    _alone(_play, encoding, first, steps)


@pytest.mark.slow
@settings(_any_speed, max_examples=400)
@_session
def test_many_sessions_of_chance_keep_every_promise(encoding: str, first: str, steps: list[Step]) -> None:
    _alone(_play, encoding, first, steps)


def _alone(work: Callable[..., Awaitable[None]], *arguments: object) -> None:
    """Runs `work` in an event loop of a thread of its own: another test's may still be open in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(anyio.run, work, *arguments).result()


async def _play(encoding: str, first: str, steps: list[Step]) -> None:
    async with _world(encoding) as world:
        await world.open(_URIS[0], "// Add.\n" + first)
        for step in steps:
            await _take(world, step)
        await world.finish()


async def _behind_astral_characters(encoding: str, columns: tuple[int, int]) -> None:
    """The first column is inside the first character or at its end, the second is the end of the line."""
    async with _world(encoding) as world:
        await world.open(_URIS[0], "🧮é = '👩\u200d💻' + \n🧮\n")
        (entry, *_) = await world.menu(_URIS[0], (0, columns[1]), (0, columns[1]))
        await world.run(entry)
        await world.change(_URIS[0], [((1, 0), (1, columns[0]), "中")])
        await world.go_on(world.jobs[0])
        await world.answer(refuse=False)
        await world.finish()

        assert entry["title"] == "Theo: Complete here"
        whole = "🧮é = '👩\u200d💻' + added_0 = 0\n中"
        assert world.texts[_URIS[0]] == whole + ("\n" if encoding == "utf-32" else "🧮\n")


@asynccontextmanager
async def _world(encoding: str) -> AsyncIterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        async with ModelServer() as server:
            environment = {
                "THEO_MCP_ENGINE_URL": server.url,
                "THEO_MCP_DATA_DIR": folder,
                "THEO_MCP_CONFIG": os.devnull,
            }
            async with connected(environment) as editor:
                can = {**CAPABILITIES, "general": {"positionEncodings": [encoding]}}
                hello = await editor.request("initialize", processId=None, rootUri=None, capabilities=can)
                await editor.notify("initialized")
                assert hello["result"]["capabilities"]["positionEncoding"] == encoding
                yield World(editor, server, encoding)


async def _take(world: World, step: Step) -> None:
    name, one, two, three, four, text, other = step
    if name == "choose":
        world.editor.choice = _CHOICES[one % len(_CHOICES)]
        return
    if name in ("answer", "refuse"):
        await world.answer(refuse=name == "refuse")
        return
    if name in ("go on", "cancel", "cancel progress"):
        if world.jobs:
            job = world.jobs[one % len(world.jobs)]
            await (world.go_on(job) if name == "go on" else world.cancel(job, by_progress=name != "cancel"))
        return
    uri = _URIS[one % 7 == 6]
    if name == "open":
        await world.open(uri, "// Add.\n" + text)
        return
    if uri not in world.texts:
        return
    if name == "close":
        await world.close(uri)
        return
    start, end = (two % 12, two // 12), (three % 12, three // 12)
    near = (start[0], start[1] + four % 3)
    if name == "change":
        await world.change(uri, [(start, near, text)])
    elif name == "changes":
        await world.change(uri, [(start, end, text), (near, near, other), (end, near, "")])
    elif name == "whole":
        await world.change(uri, [text, (start, near, other)])
    else:
        entries = await world.menu(uri, start, end if name == "menu" else start)
        wanted = [entry for entry in entries if entry["title"].startswith(("Theo: Generate", "Theo: Complete"))]
        if name != "menu" and wanted:
            await world.run(wanted[0], at_once=name == "run and cancel")
