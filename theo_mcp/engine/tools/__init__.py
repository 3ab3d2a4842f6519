"""The built-in tools: one file each, found by listing this folder. A file defines TOOL and nothing names it elsewhere.

A tool returns text for the model, or raises a `TheoError` whose sentence the model is told instead. Its time and the
length of its text are limited by whoever calls it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue

from theo_mcp.settings import Settings

Arguments: TypeAlias = Mapping[str, JsonValue]
"""As the tool's schema says they are: they were held against it."""


@dataclass(frozen=True)
class Context:
    """For whom a tool runs: what the user decided, and which caller of a shared engine asks (the user is ``""``)."""

    settings: Settings
    tenant: str = ""


@dataclass(frozen=True)
class Tool:
    """One tool."""

    name: str
    description: str
    input_schema: dict[str, JsonValue]
    run: Callable[[Arguments, Context], Awaitable[str]]
    effects: bool
    """Whether a call changes anything; those that change nothing run side by side."""
    computes: bool = False
    """Whether the result of a call depends on its arguments alone, so that an answer with it may be given again."""
    available: Callable[[Context], bool] = lambda _: True
    """Whether what it needs is there and allowed."""


def all_tools() -> dict[str, Tool]:
    """Every built-in tool by its name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {module.TOOL.name: module.TOOL for module in modules}
