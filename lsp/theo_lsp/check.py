"""What a health check shows: who would answer, and what is missing. Nothing is asked that could cost.

A hosted service is not contacted. A model server of the user's own is asked for its models, as before each first run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib.metadata import version

import anyio
from pydantic import JsonValue

from theo_lsp import settings
from theo_mcp.errors import ConfigError, TheoError
from theo_mcp.machine import install_command
from theo_mcp.settings import Settings

_LIMIT_S = 10.0
_GRAMMARS = "tree_sitter_language_pack"


async def check(environ: Mapping[str, str] | None = None) -> dict[str, JsonValue]:
    """The facts, for a person or a plug-in to read."""
    from theo_mcp.connection import connect

    loaded: Settings | ConfigError
    try:
        loaded = settings.load(None, environ)
    except ConfigError as error:
        loaded = error
    missing: list[JsonValue] = []
    backend = connect(loaded)
    try:
        if backend.theo_choice.answers == "engine" and backend.check_engine is not None:
            with anyio.fail_after(_LIMIT_S):
                await backend.check_engine()
    except TheoError as error:
        missing.append({"message": error.message, "hint": error.hint or ""})
    except TimeoutError:
        missing.append({"message": f"The model server does not answer within {_LIMIT_S:g} s.", "hint": ""})
    finally:
        await backend.aclose()
    grammars = importlib.util.find_spec(_GRAMMARS) is not None
    return {
        "version": version("theo-mcp"),
        "answers": backend.theo_choice.answers,
        "why": backend.theo_choice.why,
        "missing": missing,
        "grammars": grammars,
        "grammars_hint": "" if grammars else f"Install the extra: {install_command('editor')}",
    }
