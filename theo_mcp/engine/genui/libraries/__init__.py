"""The component libraries that `component_library` chooses from: one file each, with a value ``LIBRARY``."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from typing import Final

from theo_mcp.errors import InputError

DEFAULT: Final = "theo"


@dataclass(frozen=True)
class Library:
    """A set of components, and how they look."""

    name: str
    components: frozenset[str]
    """The types of `theo_mcp.engine.genui.components` that it has."""
    style: str
    """The stylesheet of its pages, without any address."""


def chosen(name: str | None) -> Library:
    """The library called `name`, or the default.

    Raises:
        InputError: there is none of that name.
    """
    found = registered().get(name or DEFAULT)
    if found is None:
        raise InputError(
            f"There is no component_library {(name or '')[:60]!r} here.",
            code="unknown_component_library",
            hint=f"Those that exist are: {', '.join(sorted(registered()))}.",
        )
    return found


@cache
def registered() -> dict[str, Library]:
    """All libraries by name."""
    modules = [importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__)]
    return {module.LIBRARY.name: module.LIBRARY for module in modules}
