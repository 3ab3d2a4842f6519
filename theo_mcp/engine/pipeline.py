"""One completion through the five stages: classify, skills, route, agent loop, respond.

They come in two halves, because between them `theo_mcp.engine.memory` looks whether the answer is known.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine import loop, respond
from theo_mcp.engine.classify import Intent
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.routing import Route
from theo_mcp.engine.skills import Prepared
from theo_mcp.engine.working import Working
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import CompletionEvent

_ITERATIONS = 8


@dataclass(frozen=True)
class Plan:
    """What the first three stages have decided; nothing is asked of a model yet."""

    request: CompletionRequest
    intent: Intent
    prepared: Prepared
    way: Route


async def plan(request: CompletionRequest, engine: Engine, caller: Caller, observe: Observe | None = None) -> Plan:
    """Classify, skills, route."""
    intent = await engine.classifier.intent(request, engine.modes)
    prepared = await engine.shelf.prepare(request, intent.mode, caller)
    way = await engine.router.route(
        intent.mode,
        override=(request.model_overrides or {}).get(intent.mode),
        preferred=prepared.model,
        temperature=request.temperature,
        observe=observe,
    )
    return Plan(request, intent, prepared, way)


@asynccontextmanager
async def carry_out(plan: Plan, observe: Observe | None = None) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    """Agent loop, respond: the events of one completion; leaving the context stops the model."""
    request, intent, prepared, way = plan.request, plan.intent, plan.prepared, plan.way
    async with (
        loop.run(
            way, prepared.messages, max_iterations=request.max_iterations or _ITERATIONS, observe=observe
        ) as working,
        aclosing(_events(request, intent, prepared, way, working)) as events,
    ):
        yield events


async def _events(
    request: CompletionRequest, intent: Intent, prepared: Prepared, way: Route, working: Working
) -> AsyncGenerator[CompletionEvent, None]:
    meta = respond.meta(request, intent, way.model)
    yield meta
    async with aclosing(working.events()) as events:
        async for event in events:
            yield event
    yield respond.done(request, intent, prepared, way, working, meta.id)
