"""From spawn to ``tools/list``: what a user waits for each time a host starts the server.

Both sides list the same tools with the same schemas, from compiled bytecode, to the same raw client.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import anyio
import mcp_types as types
from anyio.abc import Process

from tests.benchmarks.children import bare_server_command, child, serve_command
from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from theo_mcp.server.tools import all_tools

_PAIRS = 16
_LIMIT_S = 30.0
_PROTOCOL = "2025-11-25"
_INITIALIZE = {
    "protocolVersion": _PROTOCOL,
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "0"},
}


async def startup(folder: Path) -> list[Comparison]:
    """`folder` is a temporary one, for the list of tools that the bare server reads."""
    listed = types.ListToolsResult(tools=[tool.listed() for tool in all_tools()])
    tools = folder / "tools.json"
    tools.write_text(listed.model_dump_json(by_alias=True, exclude_unset=True), encoding="utf-8")
    ours, bare = serve_command(), bare_server_command(tools)
    count = len(listed.tools)
    await _until_listed(ours, count)
    await _until_listed(bare, count)
    pairs = await in_turn(range(_PAIRS), [lambda _: _until_listed(ours, count), lambda _: _until_listed(bare, count)])
    how = f"{count} tools, {tools.stat().st_size} bytes of schemas"
    return [
        Comparison(
            "4 spawn → tools/list",
            "ms",
            Side("theo-mcp", f"python -m theo_mcp serve, {how}", [[each] for each, _ in pairs]),
            Side("bare SDK", f"lowlevel.Server on the SDK's stdio_server, {how}", [[each] for _, each in pairs]),
            Target("≤", 1.15),
            f"Raw JSON-RPC over pipes: initialize ({_PROTOCOL}), initialized, tools/list. Bytecode is compiled.",
        )
    ]


async def _until_listed(command: list[str], count: int) -> float:
    """Milliseconds from before the spawn to the parsed list of `count` tools."""
    began = time.perf_counter()
    with anyio.fail_after(_LIMIT_S):
        async with child(command) as process:
            await _send(process, {"id": 1, "method": "initialize", "params": _INITIALIZE})
            await _result(process)
            await _send(process, {"method": "notifications/initialized"})
            await _send(process, {"id": 2, "method": "tools/list"})
            listed = await _result(process)
            took = time.perf_counter() - began
    if len(listed["tools"]) != count:
        raise RuntimeError(f"{command} lists {len(listed['tools'])} tools instead of {count}")
    return took * 1000


async def _send(process: Process, message: dict[str, object]) -> None:
    assert process.stdin is not None
    await process.stdin.send(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


async def _result(process: Process) -> dict[str, list[object]]:
    """The result in the next line; nothing but answers comes before the first call."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        line += await process.stdout.receive()
    result: dict[str, list[object]] = json.loads(line)["result"]
    return result
