"""Agno's MCP toolkit: each tool as the function that its agents call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agno.tools.mcp import MCPTools
from mcp import StdioServerParameters
from plan import Fields, Seen, Session, image, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    server = StdioServerParameters(command=command[0], args=command[1:], env=env)
    async with MCPTools(server_params=server, transport="stdio", timeout_seconds=60) as toolkit:

        async def call(tool: str, arguments: Fields) -> Seen:
            entry = toolkit.functions[tool].entrypoint
            assert entry is not None
            result = await entry(**arguments)
            return Seen(
                result.content,
                (result.metadata or {}).get("structured_content"),
                tuple(image(one.mime_type, one.content) for one in result.images or ()),
            )

        yield Session(list(toolkit.functions), call)


run(connect)
