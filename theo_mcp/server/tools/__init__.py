"""The tools: one file each, found by listing this folder. A file defines TOOL and nothing names it elsewhere.

Those in `more` are offered by ``--tools all``, or by name; their files are not even imported otherwise.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal

import mcp_types as types
from pydantic import JsonValue

from theo_mcp.backend import Backend
from theo_mcp.errors import ConfigError
from theo_mcp.server.arguments import Arguments, ArgumentsT, parse, schema
from theo_mcp.server.call import Call
from theo_mcp.server.icons import icon
from theo_mcp.server.reply import Reply


@dataclass(frozen=True)
class Tool(Generic[ArgumentsT]):
    """One tool. The hints are MCP's annotations: `read_only` writes nothing and spends nothing."""

    name: str
    title: str
    description: str
    """What it does; when to use it and when not; what it returns, costs and takes in time."""
    arguments: type[ArgumentsT]
    run: Callable[[Call, ArgumentsT], Awaitable[Reply]]
    icon: str
    """The path data of an SVG, 24 by 24."""
    api: Literal["theo", "getcode"] | None = None
    """Whose answers it returns; None for what costs nothing and takes no time worth a handle."""
    unary: bool = False
    """Whether its request is answered at once or not at all, so that it is paid for once it was sent."""
    media: bool = False
    """Whether it returns images: then it has no structured content, because hosts drop one of the two."""
    output: Mapping[str, str] = field(default_factory=dict)
    """What its structured content always is, by name and JSON type, as far as it is there."""
    read_only: bool = False
    idempotent: bool = False
    open_world: bool = True

    @property
    def paid(self) -> bool:
        """Whether a hosted answer costs money, or counts against a plan. Such work is a run, and has a handle."""
        return self.api is not None

    def billed(self, backend: Backend) -> bool:
        """Whether its request is paid for once it was sent."""
        return self.paid and self.unary and self.answers(backend) == "hosted"

    def answers(self, backend: Backend) -> Literal["hosted", "engine", "nothing"]:
        """What answers its API."""
        choice = backend.getcode_choice if self.api == "getcode" else backend.theo_choice
        return choice.answers

    def parsed(self, raw: Mapping[str, object]) -> ArgumentsT:
        """Checked arguments.

        Raises:
            InputError: the first thing that is wrong with them, in one sentence.
        """
        return parse(self.arguments, raw)

    def listed(self) -> types.Tool:
        """As ``tools/list`` shows it."""
        properties: dict[str, JsonValue] = {name: {"type": type} for name, type in self.output.items()}
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=schema(self.arguments),
            output_schema={"type": "object", "properties": properties} if properties else None,
            icons=[icon(self.icon)],
            annotations=types.ToolAnnotations(
                read_only_hint=self.read_only,
                destructive_hint=False,
                idempotent_hint=self.idempotent,
                open_world_hint=self.open_world,
            ),
        )


def all_tools(which: str = "default") -> list[Tool[Arguments]]:
    """The tools that the setting `which` names, by name.

    Raises:
        ConfigError: it names one that does not exist.
    """
    modules = [f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__) if not found.ispkg]
    if which.strip() == "default":
        return _of(modules)
    more = [str(Path(folder) / "more") for folder in __path__]
    modules += [f"{__name__}.more.{found.name}" for found in pkgutil.iter_modules(more)]
    tools = _of(modules)
    if which.strip() == "all":
        return tools
    wanted = {name if name.startswith("theo_") else f"theo_{name}" for name in which.replace(",", " ").split()}
    unknown = sorted(wanted - {tool.name for tool in tools})
    if unknown or not wanted:
        raise ConfigError(
            f"The setting tools names {unknown[0][:60]!r}, which is no tool."
            if unknown
            else "The setting tools is empty.",
            hint=f"Write default, all, or some of: {', '.join(tool.name for tool in tools)}.",
        )
    return [tool for tool in tools if tool.name in wanted]


def _of(modules: list[str]) -> list[Tool[Arguments]]:
    return sorted((importlib.import_module(name).TOOL for name in modules), key=lambda tool: tool.name)
