"""LangChain's adapters: each tool called as an agent's graph does, with a tool call in and a message out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_mcp_adapters.callbacks import Callbacks
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from plan import Fields, Seen, Session, image, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    heard: list[object] = []

    async def on_progress(progress: float, total: float | None, message: str | None, context: object) -> None:
        heard.append(message)

    server = {"transport": "stdio", "command": command[0], "args": command[1:], "env": env}
    callbacks = Callbacks(on_progress=on_progress)
    async with MultiServerMCPClient({"theo": server}).session("theo") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session, callbacks=callbacks, server_name="theo")}

        async def call(tool: str, arguments: Fields) -> Seen:
            return _shown(await tools[tool].ainvoke({"type": "tool_call", "id": "1", "name": tool, "args": arguments}))

        yield Session(list(tools), call, heard)


def _shown(message: Any) -> Seen:
    blocks: list[Any] = [message.content] if isinstance(message.content, str) else message.content
    blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    images = [block for block in blocks if block["type"] == "image"]
    return Seen(
        "\n".join(block["text"] for block in blocks if block["type"] == "text"),
        (message.artifact or {}).get("structured_content"),
        tuple(
            image(block["mime_type"], block["base64"]) if "base64" in block else {"url": block["url"]}
            for block in images
        ),
        "flag" if message.status == "error" else "",
    )


run(connect)
