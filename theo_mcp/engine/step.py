"""One answer of the model: asked, streamed, and summed up at its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine.routing import Route
from theo_mcp.wire.openai import CallParts, ChatChunk, ChatRequest, ChatTurn, ChatUsage, FunctionTool, ToolCall


class Step:
    """One answer of the model while it comes; `usage`, `finish_reason` and `calls` are known at its end."""

    def __init__(self, chunks: AsyncIterator[ChatChunk]) -> None:
        self._chunks = chunks
        self._parts = CallParts()
        self.usage = ChatUsage()
        self.finish_reason = ""
        self.text = ""

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that it calls."""
        return self._parts.calls()

    async def deltas(self) -> AsyncGenerator[str, None]:
        """The text, piece by piece, none of them empty."""
        async for chunk in self._chunks:
            if chunk.usage is not None:
                self.usage = chunk.usage
            for choice in chunk.choices[:1]:
                self.finish_reason = choice.finish_reason or self.finish_reason
                self._parts.add(choice.delta)
                if choice.delta.content:
                    self.text += choice.delta.content
                    yield choice.delta.content


@asynccontextmanager
async def step(
    route: Route,
    messages: tuple[ChatTurn, ...],
    *,
    tools: tuple[FunctionTool, ...] | None = None,
    response_format: dict[str, JsonValue] | None = None,
    observe: Observe | None = None,
) -> AsyncIterator[Step]:
    """Asks the model; leaving the context stops it."""
    request = ChatRequest(
        model=route.model.id,
        messages=messages,
        tools=tools,
        temperature=route.temperature,
        repeat_penalty=route.repeat_penalty,
        max_tokens=route.max_tokens,
        response_format=response_format,
    )
    async with route.provider.chat(request, observe) as chunks:
        yield Step(chunks)


async def whole(
    route: Route,
    messages: tuple[ChatTurn, ...],
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
