"""One completion through the five stages: classify, skills, route, agent loop, respond.

What is remembered of it (the conversation, the cache, the audit) is around this, in `theo_mcp.engine.memory.answering`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine import follow_ups, loop, respond
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.plan import Plan
from theo_mcp.engine.routing import override_of
from theo_mcp.engine.toolbox import toolbox
from theo_mcp.engine.working import Working
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Skills

_ITERATIONS = 8


async def plan(
    request: CompletionRequest, engine: Engine, caller: Caller, observe: Observe | None = None, *, suggests: bool = True
) -> Plan:
    """Classify, skills, route, and the tools that go along.

    Raises:
        TheoError: the request asks for what there is not, or no model is there.
    """
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
    tools = toolbox(
        engine.settings,
        inline=(*(request.tools or ()), *prepared.tools),
        allowed=prepared.allowed,
        tenant=caller.tenant,
    )
    wish = engine.settings.follow_ups if suggests else "off"
    return Plan(request, engine, caller, intent, prepared, way, tools, wish)


@asynccontextmanager
async def carry_out(plan: Plan, observe: Observe | None = None) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    """Agent loop, respond: the events of one completion; leaving the context stops the model."""
    async with _working(plan, observe) as working, aclosing(_events(plan, working)) as events:
        yield events


def _working(plan: Plan, observe: Observe | None) -> AbstractAsyncContextManager[Working]:
    """What makes the answer: a mode with a way of its own, else the agent loop."""
    request, messages = plan.request, plan.prepared.messages
    if plan.intent.mode == "genui":
        from theo_mcp.engine.genui import drawing, libraries

        library = libraries.chosen(request.component_library)
        return drawing.run(plan.way, messages, prompt=request.prompt, library=library, observe=observe)
    if plan.intent.mode == "research":
        from theo_mcp.engine.research import working as research

        return research.run(
            plan.way, request.prompt, plan.engine.settings, plan.caller, before=messages[:-1], observe=observe
        )
    steps = request.max_iterations or _ITERATIONS
    return loop.run(plan.way, messages, tools=plan.tools, max_iterations=steps, observe=observe)


async def _events(plan: Plan, working: Working) -> AsyncGenerator[CompletionEvent, None]:
    meta = respond.meta(plan)
    yield meta
    if plan.prepared.active:
        yield Skills(active=plan.prepared.active)
    async with aclosing(working.events()) as events:
        async for event in events:
            yield event
    for artifact in respond.artifacts(plan, working):
        yield artifact
    checks = respond.checks(plan, working)
    suggested = await follow_ups.suggest(
        plan.request.prompt,
        working.text,
        plan.intent.mode,
        checks[0].language if checks else "",
        plan.way,
        plan.follow_ups,
    )
    yield respond.done(plan, working, checks, suggested, meta.id)
