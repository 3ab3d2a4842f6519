"""Pydantic AI's toolset for MCP, called as its agents call it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastmcp.client.transports import StdioTransport
from plan import Fields, Seen, Session, image, run
from pydantic_ai import BinaryContent
from pydantic_ai.mcp import MCPToolset


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    heard: list[object] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    transport = StdioTransport(command[0], command[1:], env=env)
    async with MCPToolset(transport, progress_handler=on_progress) as toolset:

        async def call(tool: str, arguments: Fields) -> Seen:
            return _shown(await toolset.direct_call_tool(tool, arguments))

        yield Session([tool.name for tool in await toolset.list_tools()], call, heard)


def _shown(output: object) -> Seen:
    if isinstance(output, dict):
        return Seen(json.dumps(output), output)
    parts = output if isinstance(output, list) else [output]
    images = [part for part in parts if isinstance(part, BinaryContent)]
    return Seen(
        "\n".join(part for part in parts if isinstance(part, str)),
        None,
        tuple(image(part.media_type, part.data) for part in images),
    )


run(connect)
