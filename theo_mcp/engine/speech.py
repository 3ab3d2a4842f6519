"""The two ways in which a model and its tools understand each other: OpenAI's tool calls, and a JSON object a turn.

Tool calls are used where the model was seen to make them. Elsewhere each turn is an object that names a tool and its
arguments, or holds the answer: in the shape of a schema where the server keeps to one, else at the model's word.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from typing import Protocol

from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine.arguments import plain
from theo_mcp.engine.providers import Capabilities
from theo_mcp.engine.repetition import DRAFT, OTHER, Patience, Repetition
from theo_mcp.engine.routing import Route
from theo_mcp.engine.spoken import ANSWER, Spoken
from theo_mcp.engine.step import Step, step
from theo_mcp.wire.openai import (
    CallsMessage,
    ChatMessage,
    ChatTurn,
    FunctionCall,
    FunctionTool,
    ToolCall,
    ToolMessage,
)


class Turn(Protocol):
    """One answer of the model; what it calls is known when its text has been read."""

    @property
    def step(self) -> Step: ...

    @property
    def calls(self) -> tuple[ToolCall, ...]: ...

    @property
    def readable(self) -> bool:
        """Whether it is an answer or a call at all."""

    def deltas(self) -> AsyncGenerator[str, None]:
        """What it says to the reader, piece by piece, none of them empty."""


class Speech(Protocol):
    """One conversation of a model with tools."""

    def turn(self) -> AbstractAsyncContextManager[Turn]:
        """Asks the model; leaving the context stops it."""

    def observed(self, turn: Turn, told: list[str]) -> None:
        """Adds `turn` and what each of its calls came to."""


def speech(
    way: Route,
    messages: tuple[ChatMessage, ...],
    tools: tuple[FunctionTool, ...],
    can: Capabilities,
    observe: Observe | None,
) -> Speech:
    """The best way that the model is able to follow."""
    if can.tools:
        return _ToolCalls(way, messages, tools, observe)
    return _Objects(way, messages, tools, can.schema, observe)


class _CalledTurn:
    def __init__(self, running: Step) -> None:
        self.step = running
        self.readable = True

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return self.step.calls

    def deltas(self) -> AsyncGenerator[str, None]:
        return self.step.deltas()


class _ToolCalls:
    def __init__(
        self,
        way: Route,
        messages: tuple[ChatMessage, ...],
        tools: tuple[FunctionTool, ...],
        observe: Observe | None,
    ) -> None:
        self._way, self._tools, self._observe = way, tools, observe
        self._messages: tuple[ChatTurn, ...] = messages

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        async with step(self._way, self._messages, tools=self._tools, observe=self._observe) as running:
            yield _CalledTurn(running)

    def observed(self, turn: Turn, told: list[str]) -> None:
        self._messages += (
            CallsMessage(content=turn.step.text, tool_calls=turn.calls),
            *(ToolMessage(tool_call_id=call.id, content=text) for call, text in zip(turn.calls, told, strict=True)),
        )


class _SpokenTurn:
    def __init__(self, running: Step, patience: Patience) -> None:
        self.step = running
        self._patience = patience
        self.calls: tuple[ToolCall, ...] = ()
        self.readable = True

    async def deltas(self) -> AsyncGenerator[str, None]:
        spoken, heard = Spoken(), Repetition(self._patience)
        async with aclosing(self.step.deltas()) as deltas:
            async for delta in deltas:
                if text := spoken.feed(delta):
                    yield text
                if heard.feed(text):  # which is hard to see through the escapes
                    self.step.stop()
                if spoken.called or self.step.repeats:
                    break
        if text := spoken.rest():
            yield text
        said = spoken.said()
        if said is None:
            self.readable = spoken.answered  # one that was cut in its answer has been read as far as it goes
        elif said.action != ANSWER:
            written = json.dumps(said.arguments, ensure_ascii=False)
            self.calls = (ToolCall(id="call_1", function=FunctionCall(name=said.action, arguments=written)),)
        elif not spoken.answered:  # it was no string, or no action went with it
            yield said.answer


class _Objects:
    def __init__(
        self,
        way: Route,
        messages: tuple[ChatMessage, ...],
        tools: tuple[FunctionTool, ...],
        schema: bool,
        observe: Observe | None,
    ) -> None:
        # A penalty for repetition breaks JSON, which repeats its names and quotes.
        self._way = replace(way, repeat_penalty=None if way.repeat_penalty is None else 1.0)
        self._messages = _told(messages, tools)
        self._format = _format(tools) if schema else None
        self._observe = observe

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        async with step(self._way, self._messages, response_format=self._format, observe=self._observe) as running:
            yield _SpokenTurn(running, DRAFT if self._way.model.draft else OTHER)

    def observed(self, turn: Turn, told: list[str]) -> None:
        self._messages += (
            ChatMessage(role="assistant", content=turn.step.text),
            ChatMessage(role="user", content="\n\n".join([*told, "Go on: answer with the next JSON object."])),
        )


def _told(messages: tuple[ChatMessage, ...], tools: tuple[FunctionTool, ...]) -> tuple[ChatMessage, ...]:
    """`messages` with the tools and the rules in the system text: many models know only one, at the beginning."""
    lines = [
        f"- {each.function.name}: {each.function.description} "
        f"Arguments: {json.dumps(each.function.parameters, ensure_ascii=False)}"
        for each in tools
    ]
    first = tools[0].function
    known = first.parameters.get("properties")
    example = {"action": first.name, "arguments": dict.fromkeys(known if isinstance(known, dict) else (), "…")}
    rules = "\n".join(
        [
            "You can use tools before you answer:",
            *lines,
            "Answer with one JSON object and nothing else.",
            f"To use a tool, name it and give its arguments: {json.dumps(example, ensure_ascii=False)}",
            'When you know enough, answer the user: {"action": "answer", "answer": "…"}',
        ]
    )
    if messages and messages[0].role == "system":
        return (ChatMessage(role="system", content=f"{messages[0].content}\n\n{rules}"), *messages[1:])
    return (ChatMessage(role="system", content=rules), *messages)


def _format(tools: tuple[FunctionTool, ...]) -> dict[str, JsonValue]:
    """One flat object for all tools, because not every server knows alternatives. The arguments of all stand side by
    side in it; what one tool needs of them is checked when it is called."""
    properties: dict[str, JsonValue] = {}
    for each in tools:
        known = plain(each.function.parameters).get("properties")
        for name, kind in (known if isinstance(known, dict) else {}).items():
            properties[name] = kind if properties.get(name, kind) == kind else {}
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": [*(each.function.name for each in tools), ANSWER]},
            "arguments": {"type": "object", "properties": properties},
            ANSWER: {"type": "string"},
        },
        "required": ["action"],
    }
    return {"type": "json_schema", "json_schema": {"name": "turn", "schema": schema}}
