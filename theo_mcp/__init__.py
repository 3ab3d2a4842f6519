"""Theo and GetCode where people work: a client core, a local engine and an MCP server.

The names in ``__all__`` are the public API; each is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theo_mcp.backend import Backend
    from theo_mcp.connection import connect
    from theo_mcp.errors import (
        APIError,
        ConfigError,
        InputError,
        ModelError,
        NotAvailableError,
        RateLimitError,
        StreamError,
        TheoError,
        TransportError,
    )
    from theo_mcp.hosted.getcode import GetCodeClient
    from theo_mcp.hosted.theo import TheoClient
    from theo_mcp.secret import Secret
    from theo_mcp.settings import Settings
    from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
    from theo_mcp.wire.getcode import Improved, ImproveRequest

_HOMES = {
    "backend": ("Backend",),
    "connection": ("connect",),
    "errors": (
        "APIError",
        "ConfigError",
        "InputError",
        "ModelError",
        "NotAvailableError",
        "RateLimitError",
        "StreamError",
        "TheoError",
        "TransportError",
    ),
    "hosted.getcode": ("GetCodeClient",),
    "hosted.theo": ("TheoClient",),
    "secret": ("Secret",),
    "settings": ("Settings",),
    "wire.getcode": ("ImproveRequest", "Improved"),
    "wire.completions": ("Code", "CodeRequest", "Completion", "CompletionRequest"),
}
_HOME_OF = {name: f"theo_mcp.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "APIError",
    "Backend",
    "Code",
    "CodeRequest",
    "Completion",
    "CompletionRequest",
    "ConfigError",
    "GetCodeClient",
    "ImproveRequest",
    "Improved",
    "InputError",
    "ModelError",
    "NotAvailableError",
    "RateLimitError",
    "Secret",
    "Settings",
    "StreamError",
    "TheoClient",
    "TheoError",
    "TransportError",
    "connect",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'theo_mcp' has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
