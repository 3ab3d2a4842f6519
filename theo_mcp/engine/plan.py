"""What the first three stages decide of one request, before anything is asked of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from theo_mcp.backend import Caller
from theo_mcp.engine.classify import Intent
from theo_mcp.engine.follow_ups import Wish
from theo_mcp.engine.routing import Route
from theo_mcp.engine.skills import Prepared
from theo_mcp.engine.toolbox import Toolbox
from theo_mcp.wire.completions import CompletionRequest

if TYPE_CHECKING:  # the engine's memory makes its keys of a plan
    from theo_mcp.engine.engine import Engine


@dataclass(frozen=True)
class Plan:
    """The request, what it wants, what the model is told, which model that is, what it may call, and who suggests the
    next prompts."""

    request: CompletionRequest
    engine: Engine
    caller: Caller
    intent: Intent
    prepared: Prepared
    way: Route
    tools: Toolbox
    follow_ups: Wish
