"""Google's ADK: the whole result as a dictionary, as its models get it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.invocation_context import InvocationContext
from google.adk.sessions import InMemorySessionService
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from google.adk.tools.tool_context import ToolContext
from mcp import StdioServerParameters
from plan import Fields, Seen, Session, image, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    heard: list[object] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    server = StdioServerParameters(command=command[0], args=command[1:], env=env)
    toolset = McpToolset(
        connection_params=StdioConnectionParams(server_params=server, timeout=60), progress_callback=on_progress
    )
    tools = {tool.name: tool for tool in await toolset.get_tools()}
    context = await _context()

    async def call(tool: str, arguments: Fields) -> Seen:
        return _shown(await tools[tool].run_async(args=arguments, tool_context=context))

    try:
        yield Session(list(tools), call, heard)
    finally:
        await toolset.close()


async def _context() -> Any:
    sessions = InMemorySessionService()
    return ToolContext(
        InvocationContext(
            invocation_id="1",
            agent=LlmAgent(name="agent"),
            session=await sessions.create_session(app_name="app", user_id="user"),
            session_service=sessions,
        )
    )


def _shown(result: Fields) -> Seen:
    blocks = result.get("content", [])
    return Seen(
        "\n".join(block["text"] for block in blocks if block["type"] == "text"),
        result.get("structuredContent"),
        tuple(image(block["mimeType"], block["data"]) for block in blocks if block["type"] == "image"),
        "flag" if result.get("isError") or "error" in result else "",
    )


run(connect)
