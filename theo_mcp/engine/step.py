"""One answer of the model: asked, streamed, and summed up at its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine import counting
from theo_mcp.engine.repetition import DRAFT, OTHER, Patience, Repetition
from theo_mcp.engine.routing import Route
from theo_mcp.wire.openai import CallParts, ChatChunk, ChatRequest, ChatTurn, ChatUsage, Delta, FunctionTool, ToolCall


class Step:
    """One answer of the model while it comes; `usage`, `finish_reason` and `calls` are known at its end. One that goes
    in circles, in its text or in what it does not say aloud, is read no further."""

    def __init__(self, chunks: AsyncIterator[ChatChunk], request: ChatRequest, patience: Patience) -> None:
        self._chunks = chunks
        self._request = request
        self._parts = CallParts()
        self._said, self._beside = Repetition(patience), Repetition(patience)
        self._counted: ChatUsage | None = None
        self._pieces = self._chars = 0
        self.finish_reason = ""
        self.text = ""
        self.repeats = False
        """Whether it went in circles. It ends as one that met its limit: who uses it must not take it for whole."""

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tools that it calls."""
        return self._parts.calls()

    @property
    def usage(self) -> ChatUsage:
        """The tokens as the server counted them; else, or if it was not heard to the end, an estimate."""
        return self._counted or counting.estimated(self._request, self._pieces, self._chars)

    async def deltas(self) -> AsyncGenerator[str, None]:
        """The text, piece by piece, none of them empty."""
        async for chunk in self._chunks:
            self._counted = chunk.usage or self._counted
            for choice in chunk.choices[:1]:
                self.finish_reason = choice.finish_reason or self.finish_reason
                self._parts.add(choice.delta)
                said, beside = choice.delta.content or "", _beside(choice.delta)
                self._pieces += bool(said or beside)
                self._chars += len(said) + len(beside)
                if said:
                    self.text += said
                    yield said
                if self._said.feed(said) or self._beside.feed(beside):
                    self.stop()
                    return

    def stop(self) -> None:
        """Notes that it goes in circles."""
        self.repeats, self.finish_reason = True, "length"


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
        yield Step(chunks, request, DRAFT if route.model.draft else OTHER)


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


def _beside(delta: Delta) -> str:
    """What comes beside the text: the arguments of calls, and thoughts where a server shows them."""
    thought = (delta.model_extra or {}).get("reasoning_content") or (delta.model_extra or {}).get("reasoning")
    written = "".join(piece.function.arguments or "" for piece in delta.tool_calls)
    return written or (thought if isinstance(thought, str) else "")
