"""LlamaIndex's tools for MCP: what its agents get is one text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from plan import Fields, Seen, Session, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    client = BasicMCPClient(command[0], args=command[1:], env=env)
    tools = {str(tool.metadata.name): tool for tool in await McpToolSpec(client).to_tool_list_async()}

    async def call(tool: str, arguments: Fields) -> Seen:
        output = await tools[tool].acall(**arguments)
        return Seen(output.content, failed="flag" if output.is_error else "")

    yield Session(list(tools), call)


run(connect)
