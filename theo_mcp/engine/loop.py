"""Stage four: the agent loop. For now one step, think without act: the model is asked once and its text streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine.routing import Route
from theo_mcp.engine.working import WorkEvent
from theo_mcp.wire.events import Token
from theo_mcp.wire.openai import ChatChunk, ChatMessage, ChatRequest, ChatUsage
from theo_mcp.wire.parts import StructuredOutput


class Agent:
    """The loop as a `theo_mcp.engine.working.Working`."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.structured_output: StructuredOutput | None = None
        self.notices: list[str] = []

    @property
    def text(self) -> str:
        return self._step.text

    @property
    def usage(self) -> ChatUsage:
        return self._step.usage

    @property
    def finish_reason(self) -> str:
        return self._step.finish_reason

    async def events(self) -> AsyncGenerator[WorkEvent, None]:
        async with aclosing(self._step.deltas()) as deltas:
            async for delta in deltas:
                yield Token(token=delta)


@asynccontextmanager
async def run(
    route: Route, messages: tuple[ChatMessage, ...], *, max_iterations: int, observe: Observe | None = None
) -> AsyncIterator[Agent]:
    """Think, act, observe, until there is an answer; leaving the context stops the model."""
    async with step(route, messages, observe=observe) as thinking:
        yield Agent(thinking)


class Step:
    """One answer of the model while it comes; `usage` and `finish_reason` are known at its end."""

    def __init__(self, chunks: AsyncIterator[ChatChunk]) -> None:
        self._chunks = chunks
        self.usage = ChatUsage()
        self.finish_reason = ""
        self.text = ""

    async def deltas(self) -> AsyncGenerator[str, None]:
        """The text, piece by piece, none of them empty."""
        async for chunk in self._chunks:
            if chunk.usage is not None:
                self.usage = chunk.usage
            for choice in chunk.choices[:1]:
                self.finish_reason = choice.finish_reason or self.finish_reason
                if choice.delta.content:
                    self.text += choice.delta.content
                    yield choice.delta.content


@asynccontextmanager
async def step(
    route: Route,
    messages: tuple[ChatMessage, ...],
    *,
    response_format: dict[str, JsonValue] | None = None,
    observe: Observe | None = None,
) -> AsyncIterator[Step]:
    """Asks the model; leaving the context stops it."""
    request = ChatRequest(
        model=route.model.id,
        messages=messages,
        temperature=route.temperature,
        repeat_penalty=route.repeat_penalty,
        max_tokens=route.max_tokens,
        response_format=response_format,
    )
    async with route.provider.chat(request, observe) as chunks:
        yield Step(chunks)


async def whole(
    route: Route,
    messages: tuple[ChatMessage, ...],
    *,
    response_format: dict[str, JsonValue] | None = None,
    observe: Observe | None = None,
) -> Step:
    """The same, waited for to its end."""
    async with (
        step(route, messages, response_format=response_format, observe=observe) as running,
        aclosing(running.deltas()) as deltas,
    ):
        async for _ in deltas:
            pass
    return running
