"""Theo's events and OpenAI's chunks as frames of a stream."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Final

from theo_mcp.gateway.call import Call, Streamed
from theo_mcp.gateway.refusals import Refusal, envelope
from theo_mcp.gateway.shown import dumped, fields_of
from theo_mcp.wire.chats import calls_of
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import Done, Meta, Token, ToolEvent
from theo_mcp.wire.parts import ToolUse, Usage

THINKING: Final = b"event: thinking\ndata: .\n\n"
COMMENT: Final = b": waiting\n\n"
_LAST: Final = b"data: [DONE]\n\n"


def theo(call: Call, request: CompletionRequest) -> Streamed:
    """A completion as Theo's events."""
    return Streamed(_theo(call, request), THINKING, theo_failed)


def theo_failed(refusal: Refusal, request_id: str) -> bytes:
    return event("error", envelope(refusal, request_id))


def event(name: str, value: object) -> bytes:
    """One event with a name."""
    return b"event: " + name.encode() + b"\ndata: " + dumped(value) + b"\n\n"


def data(value: object) -> bytes:
    """One event without a name."""
    return b"data: " + dumped(value) + b"\n\n"


def openai(call: Call, request: CompletionRequest, *, with_usage: bool) -> Streamed:
    """A completion as OpenAI's chunks."""
    return Streamed(_openai(call, request, with_usage), COMMENT, _failed)


def _failed(refusal: Refusal, request_id: str) -> bytes:
    return data(envelope(refusal, request_id))


def spent(call: Call, usage: Usage) -> None:
    """Notes what an answer has cost."""
    tokens = usage.total_tokens or (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
    call.spent.all(usage.cost_cents, tokens)


async def _theo(call: Call, request: CompletionRequest) -> AsyncGenerator[bytes, None]:
    async with call.backend.theo.stream(request) as events:
        began = False
        async for sent in events:
            if not began:
                began = True
                yield THINKING
            fields = fields_of(sent)
            if isinstance(sent, Meta | Done):
                fields["request_id"] = call.id
            if isinstance(sent, Done):
                spent(call, sent.usage)
            elif isinstance(sent, Token):
                call.spent.tokens += 1  # as far as is known, should it be stopped
            yield event(sent.event, fields)


async def _openai(call: Call, request: CompletionRequest, with_usage: bool) -> AsyncGenerator[bytes, None]:
    created = int(time.time())
    base: dict[str, object] = {}
    pending: list[ToolUse] = []
    async with call.backend.theo.stream(request) as events:
        async for sent in events:
            match sent:
                case Meta():
                    id = sent.id.replace("cmpl_", "chatcmpl_") or call.id
                    base = {"id": id, "object": "chat.completion.chunk", "created": created, "model": sent.model.id}
                    yield data(base | _choice({"role": "assistant", "content": ""}, None))
                case Token():
                    call.spent.tokens += 1
                    yield data(base | _choice({"content": sent.token}, None))
                case ToolEvent(status="pending"):
                    pending.append(sent)
                case Done():
                    spent(call, sent.usage)
                    if calls := calls_of(pending):
                        delta: dict[str, object] = {
                            "tool_calls": [each.model_dump(exclude_none=True) for each in calls]
                        }
                        yield data(base | _choice(delta, None))
                    last = data(base | _choice({}, sent.theo_mcp.finish_reason or "stop"))
                    told = data(base | {"choices": [], "usage": _usage(sent.usage)}) if with_usage else b""
                    yield last + told + _LAST
                case _:  # for tools and artifacts this form has no place
                    pass


def _choice(delta: dict[str, object], finish: str | None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.prompt_tokens or 0,
        "completion_tokens": usage.completion_tokens or 0,
        "total_tokens": usage.total_tokens or 0,
    }
