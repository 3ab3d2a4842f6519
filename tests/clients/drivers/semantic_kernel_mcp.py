"""Semantic Kernel's MCP plugin: each tool as the kernel function that it makes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from plan import Fields, Seen, Session, image, run
from semantic_kernel import Kernel
from semantic_kernel.connectors.mcp import MCPStdioPlugin
from semantic_kernel.contents import ImageContent, TextContent


@asynccontextmanager
async def connect(command: list[str], env: dict[str, str]) -> AsyncIterator[Session]:
    plugin = MCPStdioPlugin(name="theo", command=command[0], args=command[1:], env=env, load_prompts=False)
    async with plugin:
        kernel = Kernel()
        functions = kernel.add_plugin(plugin).functions

        async def call(tool: str, arguments: Fields) -> Seen:
            result = await functions[tool].invoke(kernel, **arguments)
            parts = result.value if result is not None else []
            images = [part for part in parts if isinstance(part, ImageContent)]
            return Seen(
                "\n".join(part.text for part in parts if isinstance(part, TextContent)),
                None,
                tuple(image(part.mime_type, part.data) for part in images),
            )

        yield Session(list(functions), call)


run(connect)
