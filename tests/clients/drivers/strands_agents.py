"""Strands Agents' MCP client, called as its agents call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from mcp import StdioServerParameters, stdio_client
from plan import Fields, Seen, Session, image, run
from strands.tools.mcp import MCPClient


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    heard: list[object] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    server = StdioServerParameters(command=command[0], args=command[1:], env=env)
    client = MCPClient(lambda: stdio_client(server), progress_callback=on_progress)
    await anyio.to_thread.run_sync(client.start)

    async def call(tool: str, arguments: Fields) -> Seen:
        result = await client.call_tool_async("1", tool, arguments)
        images = [block["image"] for block in result["content"] if "image" in block]
        return Seen(
            "\n".join(block["text"] for block in result["content"] if "text" in block),
            result.get("structuredContent"),
            tuple(image(f"image/{one['format']}", one["source"]["bytes"]) for one in images),
            "flag" if result["status"] == "error" else "",
        )

    try:
        listed = await anyio.to_thread.run_sync(client.list_tools_sync)
        yield Session([tool.tool_name for tool in listed], call, heard)
    finally:
        await anyio.to_thread.run_sync(client.stop, None, None, None)


run(connect)
