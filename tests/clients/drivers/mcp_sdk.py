"""The Python SDK's own client, in the era that the first argument names."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp import Client, StdioServerParameters, stdio_client
from plan import Fields, Seen, Session, of_blocks, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    server = stdio_client(StdioServerParameters(command=command[0], args=command[1:], env=env))
    heard: list[object] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with Client(server, mode=sys.argv[1]) as client:

        async def call(tool: str, arguments: Fields) -> Seen:
            result = await client.call_tool(tool, arguments, progress_callback=on_progress)
            return of_blocks(result.content, result.structured_content, result.is_error)

        yield Session([tool.name for tool in (await client.list_tools()).tools], call, heard)


run(connect)
