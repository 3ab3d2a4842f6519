"""The endpoints: one file for each group. A file defines ENDPOINTS; the folder is the list."""

from __future__ import annotations

import importlib
import pkgutil

from theo_mcp.gateway.call import Endpoint


def all_endpoints() -> list[Endpoint]:
    """Every endpoint of this folder."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return [each for name in names for each in importlib.import_module(f"{__name__}.{name}").ENDPOINTS]
