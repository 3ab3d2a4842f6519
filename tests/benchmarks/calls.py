"""A tool call without a model's time in it: what our server adds, beside a no-op tool on the same SDK."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import httpx2
import mcp_types as types
from mcp import Client, StdioServerParameters

from tests.benchmarks.children import ROOT, bare_server_command, clean_environment, serve_command
from tests.benchmarks.comparison import Comparison, Side, in_turn
from tests.benchmarks.instant import instant_model

_ROUNDS = 5
_CALLS = 60
_LIMIT_S = 60.0
_PROMPT = {"prompt": "Say that all is done."}

Call = Callable[[], Awaitable[object]]


async def tool_calls(folder: Path) -> list[Comparison]:
    """`folder` is a temporary one, for the list of tools that the bare server reads."""
    tools = folder / "tool.json"
    listed = types.ListToolsResult(tools=[types.Tool(name="noop", input_schema={"type": "object"})])
    tools.write_text(listed.model_dump_json(by_alias=True, exclude_unset=True), encoding="utf-8")
    async with (
        instant_model() as url,
        Client(server(serve_command("--engine-url", url, "--engine-model", "instant"))) as ours,
        Client(server(bare_server_command(tools))) as bare,
        httpx2.AsyncClient(trust_env=False, headers={"Connection": "close"}) as http,
    ):

        async def refused() -> None:
            assert (await ours.call_tool("theo_complete", {"prompt": ""})).is_error

        async def completed() -> None:
            assert not (await ours.call_tool("theo_complete", _PROMPT)).is_error

        async def streamed() -> None:
            assert not (await ours.call_tool("theo_complete", _PROMPT, progress_callback=_ignore)).is_error

        async def directly() -> None:
            (await http.post(f"{url}/chat/completions", json={"stream": True})).raise_for_status()

        async def noop() -> None:
            assert not (await bare.call_tool("noop", {})).is_error

        ways: list[Call] = [refused, completed, streamed, directly, noop]
        for way in ways:  # the first call connects, lists the tools and imports what is imported late
            await way()
        rounds = await in_turn(range(_ROUNDS), [timed(way, _CALLS) for way in ways])
    how = f"{_CALLS} calls a round, one after the other, stdio, the SDK's client"
    *ours_rounds, bare_rounds = (list(samples) for samples in zip(*rounds, strict=True))
    yardstick = Side("no-op tool, bare SDK", f"lowlevel.Server on the SDK's stdio_server; {how}", bare_rounds)
    shown = {
        "3a tool call, refused": ("theo_complete", f"an empty prompt; {how}"),
        "3b tool call, instant model": ("theo_complete", f"a model server on loopback that answers at once; {how}"),
        "3c the same with progress": ("theo_complete", f"as 3b, with a progress callback; {how}"),
        "3d the instant model alone": ("POST without MCP", "by httpx2: the share of the HTTP call in 3b and 3c"),
    }
    return [
        Comparison(title, "µs", Side(name, parameters, samples), yardstick)
        for (title, (name, parameters)), samples in zip(shown.items(), ours_rounds, strict=True)
    ]


def timed(way: Call, calls: int) -> Callable[[int], Awaitable[list[float]]]:
    """Microseconds of each of a round's calls."""

    async def measure(number: int) -> list[float]:
        samples = []
        with anyio.fail_after(_LIMIT_S):
            for _ in range(calls):
                began = time.perf_counter()
                await way()
                samples.append((time.perf_counter() - began) * 1e6)
        return samples

    return measure


def server(command: list[str]) -> StdioServerParameters:
    """A side as the SDK's client starts it."""
    return StdioServerParameters(command=command[0], args=command[1:], env=clean_environment(), cwd=ROOT)


async def _ignore(progress: float, total: float | None, message: str | None) -> None:
    pass
