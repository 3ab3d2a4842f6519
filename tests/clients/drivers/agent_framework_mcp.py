"""Microsoft's Agent Framework: each tool as the function that its agents call."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_framework import MCPStdioTool
from plan import Fields, Seen, Session, image, run


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    server = MCPStdioTool(
        name="theo",
        command=command[0],
        args=command[1:],
        env=env,
        load_prompts=False,
        additional_tool_argument_names={"theo_complete": ["conversation_id"]},
    )
    async with server:
        tools = {tool.name: tool for tool in server.functions}

        async def call(tool: str, arguments: Fields) -> Seen:
            parts = await tools[tool].invoke(arguments=arguments)
            images = [part for part in parts if part.type == "data"]
            links = [part for part in parts if part.type == "uri" and part.media_type.startswith("image/")]
            text = "\n".join(part.text for part in parts if part.type == "text")
            return Seen(
                text,
                json.loads(text) if text.startswith("{") else None,
                tuple(image(part.media_type, part.uri.partition(",")[2]) for part in images)
                + tuple({"url": part.uri} for part in links),
            )

        yield Session(list(tools), call)


run(connect)
