"""The way of a tool call through our face: one by one, a hundred at once, ten thousand, and one of 20 MB.

The backend answers at once in the server's own process, so the yardstick is a no-op tool on the same SDK.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

import anyio
import anyio.lowlevel
import mcp_types as types
from mcp import Client

from tests.benchmarks.calls import server, timed
from tests.benchmarks.children import bare_server_command
from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from tests.benchmarks.instant_server import LONG, PID, SLOW

_ROUNDS = 7
_CALLS = 150
_AT_ONCE = 100
_MANY = 10_000
_LIMIT_S = 300.0

Call = Callable[[], Coroutine[object, object, None]]


async def tools(folder: Path) -> list[Comparison]:
    """`folder` is a temporary one, for everything that the server writes."""
    listed = folder / "tool.json"
    noop_list = types.ListToolsResult(tools=[types.Tool(name="noop", input_schema={"type": "object"})])
    listed.write_text(noop_list.model_dump_json(by_alias=True, exclude_unset=True), encoding="utf-8")
    ours_command = instant_command(folder)
    async with Client(server(ours_command)) as ours, Client(server(bare_server_command(listed))) as bare:

        async def code() -> None:
            assert not (await ours.call_tool("theo_code", {"prompt": "x"})).is_error

        async def complete() -> None:
            assert not (await ours.call_tool("theo_complete", {"prompt": "x"})).is_error

        async def noop() -> None:
            assert not (await bare.call_tool("noop", {})).is_error

        for way in (code, complete, noop):
            await way()
        with anyio.fail_after(_LIMIT_S):
            done = await _one_by_one(code, complete, noop)
            done.append(await _at_once(ours, code, noop))
            process = int((folder / PID).read_text())
            done.append(await _memory(code, process))
            done.append(await _long(ours, process))
    return done


async def _one_by_one(code: Call, complete: Call, noop: Call) -> list[Comparison]:
    how = f"{_CALLS} calls a round, one after the other, stdio, the SDK's client"
    rounds = await in_turn(range(_ROUNDS), [timed(way, _CALLS) for way in (code, complete, noop)])
    yardstick = Side("no-op tool, bare SDK", how, [each[2] for each in rounds])
    return [
        Comparison(title, "µs", Side(name, how, [each[index] for each in rounds]), yardstick, Target("≤", 1.5))
        for index, (title, name) in enumerate(
            [("4a a tool call with a run, instant backend", "theo_code"), ("4b the same, streamed", "theo_complete")]
        )
    ]


async def _at_once(ours: Client, code: Call, noop: Call) -> Comparison:
    """A hundred calls at once, while one more is held: nobody waits for it."""
    async with anyio.create_task_group() as held:
        held.start_soon(ours.call_tool, "theo_code", {"prompt": SLOW})
        await anyio.lowlevel.checkpoint()
        rounds = await in_turn(range(_ROUNDS), [_together(code), _together(noop)])
        held.cancel_scope.cancel()
    how = f"{_AT_ONCE} calls at once"
    return Comparison(
        f"4c {_AT_ONCE} calls at once while one is held", "ms",
        Side("theo_code", f"{how}, and one that does not end", [each[0] for each in rounds]),
        Side("no-op tool, bare SDK", how, [each[1] for each in rounds]), Target("≤", 1.5),
    )  # fmt: skip


async def _memory(code: Call, process: int) -> Comparison:
    """The server's memory in use before and after ten thousand calls."""
    for _ in range(1000):
        await code()
    before = _memory_of(process, "VmRSS")
    for _ in range(_MANY):
        await code()
    return Comparison(
        f"4d memory of the server after {_MANY:,} calls, to before", "MiB",
        Side("after", "theo_code, one by one", [[_memory_of(process, "VmRSS")]]),
        Side("before", "after 1,000 calls", [[before]]),
        Target("≤", 1.05),
    )  # fmt: skip


async def _long(ours: Client, process: int) -> Comparison:
    """What an answer of 20 MB adds to the peak of the server's memory, to its own size."""
    Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak counts from here
    before = _memory_of(process, "VmHWM")
    result = await ours.call_tool("theo_complete", {"prompt": LONG})
    assert not result.is_error
    assert (result.structured_content or {})["chars"] == 20 * 2**20
    return Comparison(
        "4e peak memory for a streamed answer of 20 MB, to its size", "MiB",
        Side("theo_complete", "saved as a file, its head in the result", [[_memory_of(process, "VmHWM") - before]]),
        Side("the answer", "20 MB", [[20.0]]), Target("≤", 4.0),
        "The tokens, their join and its bytes for the file are three.",
    )  # fmt: skip


def _memory_of(process: int, what: str) -> float:
    """MiB, as Linux counts them for the process."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(f"{what}:"))


def instant_command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.instant_server", str(folder)]


def _together(way: Call) -> Callable[[int], Awaitable[list[float]]]:
    """Milliseconds until all of a hundred have ended."""

    async def measure(number: int) -> list[float]:
        began = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_ONCE):
                tasks.start_soon(way)
        return [(time.perf_counter() - began) * 1000]

    return measure
