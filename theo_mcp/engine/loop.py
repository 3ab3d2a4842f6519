"""Stage four: the agent loop. The model thinks, its calls are carried out, it sees what came of them, and so on.

Without tools there is one call of the model, and nothing else is asked of it. At the limit, or where a model cannot be
understood, the answer is made without tools from what is known by then, and a notice says so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import TypeVar

from theo_mcp.backend import Observe
from theo_mcp.engine import counting
from theo_mcp.engine.repetition import NOTICE
from theo_mcp.engine.routing import Route
from theo_mcp.engine.speech import Speech, Turn, speech
from theo_mcp.engine.step import Step, step, whole
from theo_mcp.engine.toolbox import Outcome, Toolbox
from theo_mcp.engine.working import WorkEvent, Working
from theo_mcp.errors import TheoError
from theo_mcp.wire.events import Token, ToolEvent
from theo_mcp.wire.openai import ChatMessage, ChatUsage

__all__ = ["Agent", "Step", "run", "step", "whole"]

_LIMIT_NOTICE = "The model called tools until max_iterations, {limit}, was reached; it then answered without them."
_UNREADABLE_NOTICE = "The tools could not be used: the model's calls could not be read. It answered without them."
_GAP = "\n\n"
OpenedT = TypeVar("OpenedT")


class Agent(Working):
    """The loop while it goes on."""

    def __init__(
        self,
        way: Route,
        messages: tuple[ChatMessage, ...],
        tools: Toolbox,
        max_iterations: int,
        observe: Observe | None,
    ) -> None:
        super().__init__()
        self._way, self._messages, self._tools, self._observe = way, messages, tools, observe
        self._max_iterations = max_iterations
        self._told: list[str] = []
        self._steps: list[Step] = []
        self._gap = False
        self._events: AsyncGenerator[WorkEvent, None]

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[Agent]:
        """Asks the model for its first turn, so that a refusal comes before any event."""
        if self._tools:
            can = await self._way.provider.capabilities(self._way.model.id)
            talk = speech(self._way, self._messages, self._tools.functions(), can, self._observe)
            opened, turn = await _opened(talk.turn())
            self._events = self._with_tools(talk, opened, turn)
        else:
            opened, running = await _opened(self._plain_step())
            self._events = self._without(opened, running)
        async with opened:  # closed after the turn already, where it came to that
            yield self

    @property
    def usage(self) -> ChatUsage:
        """The sum over all calls of the model."""
        return counting.total(each.usage for each in self._steps)

    async def events(self) -> AsyncGenerator[WorkEvent, None]:
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    yield event
        except TheoError as error:
            error.partial = self.text  # what a single turn has may be JSON, or be less than was shown
            raise

    async def _with_tools(self, talk: Speech, opened: AsyncExitStack, turn: Turn) -> AsyncGenerator[WorkEvent, None]:
        for number in range(self._max_iterations):
            if number:
                opened, turn = await _opened(talk.turn())
            async with opened, aclosing(self._said(turn, turn.step)) as tokens:
                async for token in tokens:
                    yield token
            if turn.step.repeats:
                return
            if not turn.readable:
                self.notices.append(_UNREADABLE_NOTICE)
                break
            if not turn.calls:
                return
            if self._observe is not None:
                self._observe(f"calling {', '.join(call.function.name[:60] for call in turn.calls)}")
            outcomes = await self._tools.calls(turn.calls)
            for outcome in outcomes:
                yield _event(outcome)
            if pending := [outcome for outcome in outcomes if outcome.status == "pending"]:
                self._gap = bool(self.text)
                self.finish_reason = "tool_calls"
                yield self._token(" ".join(map(_pending, pending)))
                return
            told = [outcome.told for outcome in outcomes]
            self._told += told
            self._gap = bool(self.text)
            talk.observed(turn, told)
        else:
            self.notices.append(_LIMIT_NOTICE.format(limit=self._max_iterations))
        async with aclosing(self._without(*await _opened(self._plain_step()))) as events:
            async for event in events:
                yield event

    async def _without(self, opened: AsyncExitStack, running: Step) -> AsyncGenerator[WorkEvent, None]:
        """One answer without tools."""
        async with opened, aclosing(self._said(running, running)) as tokens:
            async for token in tokens:
                yield token

    def _plain_step(self) -> AbstractAsyncContextManager[Step]:
        return step(self._way, _knowing(self._messages, self._told), observe=self._observe)

    async def _said(self, turn: Turn | Step, running: Step) -> AsyncGenerator[Token, None]:
        """The text of one turn; one that repeats itself is left, which stops the model."""
        self._steps.append(running)
        async with aclosing(turn.deltas()) as deltas:
            async for delta in deltas:
                yield self._token(delta)
        self.finish_reason = running.finish_reason
        if running.repeats:
            self.notices.append(NOTICE)

    def _token(self, text: str) -> Token:
        if self._gap:
            self._gap, text = False, _GAP + text
        self.text += text
        return Token(token=text)


@asynccontextmanager
async def run(
    route: Route,
    messages: tuple[ChatMessage, ...],
    *,
    tools: Toolbox = Toolbox(),
    max_iterations: int,
    observe: Observe | None = None,
) -> AsyncIterator[Agent]:
    """Think, act, observe, until there is an answer; leaving the context stops the model, and closing the events every
    tool."""
    async with Agent(route, messages, tools, max_iterations, observe).asked() as agent:
        yield agent


async def _opened(context: AbstractAsyncContextManager[OpenedT]) -> tuple[AsyncExitStack, OpenedT]:
    """What is in `context`, and what leaves it."""
    opened = AsyncExitStack()
    return opened, await opened.enter_async_context(context)


def _event(outcome: Outcome) -> ToolEvent:
    given = {} if outcome.arguments is None else {"arguments": outcome.arguments}
    return ToolEvent(name=outcome.name, status=outcome.status, description=outcome.description, **given)


def _knowing(messages: tuple[ChatMessage, ...], told: list[str]) -> tuple[ChatMessage, ...]:
    """`messages` with what the tools told in the last one: no server refuses that, whatever its template demands."""
    if not told:
        return messages
    *before, last = messages
    known = _GAP.join([last.content, "Tools were called for this:", *told, "Answer now with what is known."])
    return (*before, ChatMessage(role=last.role, content=known))


def _pending(outcome: Outcome) -> str:
    arguments = json.dumps(outcome.arguments, ensure_ascii=False)
    return (
        f"The tool {outcome.name} was to be called with {arguments}, and nobody configured an executor for it: add one "
        f"under [executors] in the settings file of theo-mcp."
    )
