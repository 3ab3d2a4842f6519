"""A completion in OpenAI's form, which has no place for all of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from theo_mcp.wire.completions import Completion
from theo_mcp.wire.openai import ChatChoice, ChatCompletion, ChatUsage, FunctionDelta, Reasoned, ToolCallDelta
from theo_mcp.wire.parts import ToolUse


def chat_of(answer: Completion) -> ChatCompletion:
    """`answer` as a chat completion, with ``theo_metadata`` as the documents have it."""
    usage = answer.usage
    return ChatCompletion(
        id=answer.id.replace("cmpl_", "chatcmpl_"),
        created=int(datetime.fromisoformat(answer.created).timestamp()),
        model=answer.model.id,
        choices=(
            ChatChoice(
                message=Reasoned(content=answer.content, tool_calls=calls_of(answer.tools_used) or None),
                finish_reason=answer.theo_mcp.finish_reason or "stop",
            ),
        ),
        usage=ChatUsage(
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            total_tokens=usage.total_tokens,
        ),
        theo_metadata={
            "mode": answer.mode,
            "resolved_mode": answer.resolved_mode,
            "tools_used": [tool.model_dump(mode="json", exclude_none=True) for tool in answer.tools_used],
            "artifacts": [
                artifact.model_dump(mode="json", exclude_none=True, by_alias=True) for artifact in answer.artifacts
            ],
            "engine": answer.model.engine,
        },
        theo_mcp=answer.theo_mcp,
        **({"_cached": True} if answer.cached else {}),
    )


def calls_of(tools: Iterable[ToolUse]) -> tuple[ToolCallDelta, ...]:
    """The calls that nobody here can carry out, as OpenAI's clients know them."""
    pending = [tool for tool in tools if tool.status == "pending"]
    return tuple(
        ToolCallDelta(
            index=index,
            id=f"call_{index + 1}",
            type="function",
            function=FunctionDelta(name=tool.name, arguments=json.dumps(tool.arguments, ensure_ascii=False)),
        )
        for index, tool in enumerate(pending)
    )
