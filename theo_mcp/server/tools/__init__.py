"""The tools: one file each, found by listing this folder. A file defines TOOL and nothing names it elsewhere."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

import mcp_types as types

from theo_mcp.backend import Backend
from theo_mcp.server.arguments import Arguments, ArgumentsT, schema
from theo_mcp.server.progress import Progress
from theo_mcp.server.reply import Reply


@dataclass(frozen=True)
class Tool(Generic[ArgumentsT]):
    """One tool. The hints are MCP's annotations: `read_only` writes nothing and spends nothing."""

    name: str
    title: str
    description: str
    """What it does; when to use it and when not; what it returns, costs and takes in time."""
    arguments: type[ArgumentsT]
    run: Callable[[Backend, ArgumentsT, Progress], Awaitable[Reply]]
    read_only: bool = False
    idempotent: bool = False

    def listed(self) -> types.Tool:
        """As ``tools/list`` shows it."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=schema(self.arguments),
            annotations=types.ToolAnnotations(
                title=self.title,
                read_only_hint=self.read_only,
                destructive_hint=False,
                idempotent_hint=self.idempotent,
                open_world_hint=True,
            ),
        )


def all_tools() -> list[Tool[Arguments]]:
    """Every tool of this folder, by name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return sorted((module.TOOL for module in modules), key=lambda tool: tool.name)
