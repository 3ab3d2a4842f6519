"""Tokens per second and time to first token: through MCP, beside the bare model server.

Each round starts both sides anew, because two processes of one model differ by some percent for as long as they live,
by the luck of their memory. Within a round both sides get the same prompts in turn, so the work is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import sha256

from tests.benchmarks.answers import MODE, Answer, Work, bare, through_mcp
from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from theo_mcp.engine import skills

_ROUNDS = 5
SHORT = "Write a Python module for a library that lends books: classes for books, members and loans, with all methods."
_LONG = "Explain what this module does.\n" + "".join(
    f'''
def total_{group}(orders, rate):
    """Sums the orders of group {group}, with tax at the given rate and without those that were cancelled."""
    total = 0
    for order in orders:
        if order.group == {group} and not order.cancelled:
            total += order.price * (1 + rate)
    return round(total, 2)
'''
    for group in range(5)
)

Rounds = list[list[tuple[Answer, ...]]]
"""By round, then by prompt: our answer and the bare one."""


async def tokens_per_second(work: Work) -> list[Comparison]:
    """A short prompt and a long answer."""
    work = replace(work, max_tokens=192)
    rounds = await _rounds(work, SHORT, prompts=2)
    target = Target("≥", 0.95)
    return [
        _compared("1a tokens/s, whole call", "tokens/s", work, rounds, lambda answer: answer.tokens_per_s, target),
        _compared("1b first to last text", "tokens/s", work, rounds, lambda answer: answer.decoded_per_s, target),
    ]


async def first_token(work: Work) -> list[Comparison]:
    """A long prompt that is in neither side's cache, and the first words of its answer."""
    work = replace(work, max_tokens=8)
    rounds = await _rounds(work, _LONG, prompts=2)
    target = Target("≤", 1.05)
    return [_compared("2 time to first token", "ms", work, rounds, lambda answer: answer.first_text_ms, target)]


async def _rounds(work: Work, task: str, *, prompts: int) -> Rounds:
    rounds: Rounds = []
    for number in range(_ROUNDS):
        async with through_mcp(work) as ours, bare(work) as directly:
            await ours("warm-up")
            await directly("warm-up")
            rounds.append(
                await in_turn(
                    range(number * prompts, (number + 1) * prompts),
                    [lambda each: ours(unique(task, each)), lambda each: directly(unique(task, each))],
                )
            )
    return rounds


def unique(task: str, number: int) -> str:
    """`task` behind a beginning of its own, so that a cache can hold no more than the system text before it."""
    return f"{sha256(str(number).encode()).hexdigest()[:12]}\n{task}"


def _compared(
    title: str, unit: str, work: Work, rounds: Rounds, value: Callable[[Answer], float], target: Target
) -> Comparison:
    ours = Side(
        "theo-mcp",
        f"theo_complete over stdio with progress, mode {MODE}; {work.parameters}",
        [[value(answer) for answer, _ in pairs] for pairs in rounds],
    )
    directly = Side(
        "bare model server",
        f"POST /v1/chat/completions, streamed; {work.parameters}",
        [[value(answer) for _, answer in pairs] for pairs in rounds],
    )
    return Comparison(title, unit, ours, directly, target, _same_work([pair for pairs in rounds for pair in pairs]))


def _same_work(pairs: list[tuple[Answer, ...]]) -> str:
    """What was asked and answered, and whether it was the same on both sides."""
    alike = sum(ours.text == directly.text for ours, directly in pairs)
    prompts = _range(answer.prompt_tokens for pair in pairs for answer in pair)
    tokens = _range(answer.tokens for pair in pairs for answer in pair)
    cached = max(answer.cached_tokens for pair in pairs for answer in pair)
    return (
        f"Prompts of {prompts} tokens, at most {cached} of them cached; answers of {tokens} tokens, the same text on "
        f"both sides in {alike} of {len(pairs)}.\n  System message of both: {skills.INSTRUCTIONS[MODE]}"
    )


def _range(numbers: Iterable[int]) -> str:
    low, *_, high = sorted(numbers)
    return str(low) if low == high else f"{low}–{high}"
