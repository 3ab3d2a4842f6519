"""The yardstick: the SDK's low-level server on the SDK's own stdio transport, with tools that do nothing.

Started with ``python -m tests.benchmarks.bare_server FILE``; the file is the ``tools/list`` result to serve.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

Context = ServerRequestContext[dict[str, Any]]


def main() -> None:
    listed = types.ListToolsResult.model_validate_json(Path(sys.argv[1]).read_bytes())
    anyio.run(_serve, listed)


async def _serve(listed: types.ListToolsResult) -> None:
    async def list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        return types.CallToolResult(content=[types.TextContent(text="ok")])

    server: Server[dict[str, Any]] = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    main()
