"""The OpenAI Agents SDK: each tool as the function tool that it makes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import set_tracing_disabled
from agents.mcp import MCPServerStdio
from agents.mcp.util import MCPUtil
from agents.tool_context import ToolContext
from plan import Fields, Seen, Session, image, run

set_tracing_disabled(True)


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    params = {"command": command[0], "args": command[1:], "env": env}
    async with MCPServerStdio(params, client_session_timeout_seconds=60) as server:
        listed = await server.list_tools()
        tools = {tool.name: MCPUtil.to_function_tool(tool, server, convert_schemas_to_strict=False) for tool in listed}

        async def call(tool: str, arguments: Fields) -> Seen:
            text = json.dumps(arguments)
            context = ToolContext(context=None, tool_name=tool, tool_call_id="1", tool_arguments=text)
            return _shown(await tools[tool].on_invoke_tool(context, text))

        yield Session(list(tools), call)


def _shown(output: object) -> Seen:
    items: list[Any] = output if isinstance(output, list) else [output]
    items = [{"type": "text", "text": item} if isinstance(item, str) else item for item in items]
    urls = [item["image_url"].removeprefix("data:").split(";base64,") for item in items if item["type"] == "image"]
    return Seen(
        "\n".join(item["text"] for item in items if item["type"] == "text"),
        None,
        tuple(image(mime, data) for mime, data in urls),
    )


run(connect)
