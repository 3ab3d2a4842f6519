"""The tokens of several answers together, and of one whose server did not count them.

A number that one of them did not give is not made up: the sum of it is not known.
"""

from __future__ import annotations

from collections.abc import Iterable

from theo_mcp.wire.openai import ChatRequest, ChatUsage


def total(counted: Iterable[ChatUsage]) -> ChatUsage:
    """The sum; nothing is known of no answers."""
    each = list(counted)
    return ChatUsage(
        prompt_tokens=_sum([usage.prompt_tokens for usage in each]),
        completion_tokens=_sum([usage.completion_tokens for usage in each]),
        total_tokens=_sum([usage.total_tokens for usage in each]),
    )


def estimated(request: ChatRequest, pieces: int, chars: int) -> ChatUsage:
    """Most servers send a token at a time; of a text that is known as a whole, a quarter of its characters."""
    prompt = -(-sum(len(message.content or "") for message in request.messages) // 4)
    answer = pieces if pieces > 1 else -(-chars // 4)
    return ChatUsage(prompt_tokens=prompt, completion_tokens=answer, total_tokens=prompt + answer)


def _sum(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known and len(known) == len(numbers) else None
