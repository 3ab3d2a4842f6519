"""One completion through the five stages: classify, skills, route, agent loop, respond."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from theo_mcp.backend import Observe
from theo_mcp.engine import respond, served, skills
from theo_mcp.engine.classify import Intent, classify
from theo_mcp.engine.loop import Step, step
from theo_mcp.engine.providers import Provider
from theo_mcp.engine.routing import Route, route
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Token


@asynccontextmanager
async def run(
    request: CompletionRequest,
    provider: Provider,
    *,
    max_prompt_chars: int,
    max_tokens: int | None,
    observe: Observe | None = None,
) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    """The events of one completion; leaving the context stops the model."""
    served.check(request, max_prompt_chars)
    intent = classify(request)
    messages = skills.messages(request, intent.mode)
    way = await route(provider, intent.mode, temperature=request.temperature, max_tokens=max_tokens, observe=observe)
    async with (
        step(way, messages, observe=observe) as thinking,
        aclosing(_events(request, intent, way, thinking)) as events,
    ):
        yield events


async def _events(
    request: CompletionRequest, intent: Intent, way: Route, thinking: Step
) -> AsyncGenerator[CompletionEvent, None]:
    meta = respond.meta(request, intent, way.model)
    yield meta
    async with aclosing(thinking.deltas()) as deltas:
        async for delta in deltas:
            yield Token(token=delta)
    yield respond.done(request, intent, way, thinking, meta.id)
