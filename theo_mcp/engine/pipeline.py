"""One completion through the five stages: classify, skills, route, agent loop, respond."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine import loop, respond, served
from theo_mcp.engine.classify import Intent
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.routing import Route
from theo_mcp.engine.skills import Prepared
from theo_mcp.engine.working import Working
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import CompletionEvent

_ITERATIONS = 8


@asynccontextmanager
async def run(
    request: CompletionRequest, engine: Engine, caller: Caller, observe: Observe | None = None
) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    """The events of one completion; leaving the context stops the model."""
    served.check(request, engine.settings.max_prompt_chars)
    intent = await engine.classifier.intent(request, engine.modes)
    prepared = await engine.shelf.prepare(request, intent.mode, caller)
    way = await engine.router.route(
        intent.mode,
        override=(request.model_overrides or {}).get(intent.mode),
        preferred=prepared.model,
        temperature=request.temperature,
        observe=observe,
    )
    async with (
        _working(request, intent, prepared, way, engine, caller, observe) as working,
        aclosing(_events(request, intent, prepared, way, working)) as events,
    ):
        yield events


def _working(
    request: CompletionRequest,
    intent: Intent,
    prepared: Prepared,
    way: Route,
    engine: Engine,
    caller: Caller,
    observe: Observe | None,
) -> AbstractAsyncContextManager[Working]:
    """What makes the answer: a mode with a way of its own, else the agent loop."""
    if intent.mode == "genui":
        from theo_mcp.engine.genui import drawing, libraries

        library = libraries.chosen(request.component_library)
        return drawing.run(way, prepared.messages, prompt=request.prompt, library=library, observe=observe)
    if intent.mode == "research":
        from theo_mcp.engine.research import working as research

        before = prepared.messages[:-1]
        return research.run(way, request.prompt, engine.settings, caller, before=before, observe=observe)
    steps = request.max_iterations or _ITERATIONS
    return loop.run(way, prepared.messages, max_iterations=steps, observe=observe)


async def _events(
    request: CompletionRequest, intent: Intent, prepared: Prepared, way: Route, working: Working
) -> AsyncGenerator[CompletionEvent, None]:
    meta = respond.meta(request, intent, way.model)
    yield meta
    async with aclosing(working.events()) as events:
        async for event in events:
            yield event
    yield respond.done(request, intent, prepared, way, working, meta.id)
