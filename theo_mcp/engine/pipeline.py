"""One completion through the five stages: classify, skills, route, agent loop, respond."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine import follow_ups, loop, respond, served
from theo_mcp.engine.classify import Intent
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.follow_ups import Wish
from theo_mcp.engine.routing import Route, override_of
from theo_mcp.engine.skills import Prepared
from theo_mcp.engine.working import Working
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Skills

_ITERATIONS = 8


@asynccontextmanager
async def run(
    request: CompletionRequest,
    engine: Engine,
    caller: Caller,
    observe: Observe | None = None,
    *,
    suggests: bool = True,
) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    """The events of one completion; leaving the context stops the model."""
    served.check(request, engine.settings.max_prompt_chars)
    wish = engine.settings.follow_ups if suggests else "off"
    intent = await engine.classifier.intent(request, engine.modes)
    prepared = await engine.shelf.prepare(request, intent.mode, caller)
    way = await engine.router.route(
        intent.mode,
        override=override_of(request, intent.mode),
        preferred=prepared.model,
        temperature=request.temperature,
        observe=observe,
        caller=caller,
    )
    async with (
        loop.run(
            way, prepared.messages, max_iterations=request.max_iterations or _ITERATIONS, observe=observe
        ) as working,
        aclosing(_events(request, intent, prepared, way, working, wish)) as events,
    ):
        yield events


async def _events(
    request: CompletionRequest, intent: Intent, prepared: Prepared, way: Route, working: Working, wish: Wish
) -> AsyncGenerator[CompletionEvent, None]:
    meta = respond.meta(request, intent, way)
    yield meta
    if prepared.active:
        yield Skills(active=prepared.active)
    async with aclosing(working.events()) as events:
        async for event in events:
            yield event
    for artifact in respond.artifacts(request, intent, working):
        yield artifact
    checks = respond.checks(intent, working)
    language = checks[0].language if checks else ""
    suggested = await follow_ups.suggest(request.prompt, working.text, intent.mode, language, way, wish)
    yield respond.done(request, intent, prepared, way, working, checks, suggested, meta.id)
