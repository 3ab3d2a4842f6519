"""GetCode's generate, one output type a file: how its source is asked for, drafted and checked.

Each file here has a value ``MAKING``. An output type without one is a rendered file, which this engine does not make.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from pydantic import BaseModel

from theo_mcp.engine.prose import Prose
from theo_mcp.errors import NotAvailableError
from theo_mcp.wire.model import Check
from theo_mcp.wire.words import CodeLanguage, OutputType


@dataclass(frozen=True)
class Wish:
    """What is to be made."""

    prompt: str = field(repr=False)
    language: CodeLanguage = "auto"


@dataclass(frozen=True)
class Checked:
    """What a look at the whole source found, and what the user should know of it."""

    check: Check
    notices: tuple[str, ...] = ()


Draft: TypeAlias = Callable[[Wish, Prose], AsyncGenerator[str, None]]
"""The source piece by piece, where the small built-in model adds only prose."""


@dataclass(frozen=True)
class Making:
    """How one output type is made."""

    output_type: OutputType
    system: Callable[[Wish], str]
    """What the model is told."""
    check: Callable[[str, Wish], Checked]
    shape: type[BaseModel] | None = None
    """What a source is that is data: asked for by its schema, where the model keeps to one."""
    draft: Draft | None = None
    """The way of the built-in model; without one it is asked as any other."""
    drafts: Callable[[Wish], bool] = lambda _: True
    """Whether that way can make what is wished."""


def making_of(output_type: OutputType) -> Making:
    """How `output_type` is made.

    Raises:
        NotAvailableError: it is a rendered file, which the engine does not make.
    """
    found = _registered().get(output_type)
    if found is None:
        raise NotAvailableError(
            f"The engine on this machine does not make the output type {output_type!r} yet; it makes "
            f"{', '.join(sorted(_registered()))}.",
            hint="Set GETCODE_API_KEY to ask the hosted service, and leave the backend and the engine's URL unset.",
        )
    return found


@cache
def _registered() -> dict[OutputType, Making]:
    """Every file of this folder that has a MAKING, by its output type."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    return {module.MAKING.output_type: module.MAKING for module in modules if hasattr(module, "MAKING")}
