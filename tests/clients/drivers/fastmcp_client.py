"""FastMCP's client, which raises where a call fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from plan import Fields, Seen, Session, of_blocks, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    heard: list[object] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with Client(StdioTransport(command[0], command[1:], env=env), progress_handler=on_progress) as client:

        async def call(tool: str, arguments: Fields) -> Seen:
            result = await client.call_tool(tool, arguments)
            return of_blocks(result.content, result.structured_content, result.is_error)

        yield Session([tool.name for tool in await client.list_tools()], call, heard)


run(connect)
