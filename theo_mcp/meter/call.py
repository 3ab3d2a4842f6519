"""What is known of one call: whether it went out, and what its answer says it cost. Amounts are whole micro-cents."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theo_mcp.wire.openai import ChatUsage
    from theo_mcp.wire.parts import Usage

UNIT = 10**6  # micro-cents in a cent
_ABSURD_CENTS = 100_000
_MOST_TOKENS = 10**12


@dataclass
class Call:
    """One call: whether it went out, whether an answer began, and what it cost where that is known."""

    sent: bool = False
    begun: bool = False
    cost: int | None = None
    told: bool = False
    cached: bool = False
    tokens: int = 0
    job_id: str = ""
    """The job that it began, whose cost is told later."""

    def costs(self, usage: Usage, *, cached: bool = False) -> None:
        """Takes what an answer says of its cost; `cached` where it says elsewhere that a cache answered."""
        self.cached = cached or bool(usage.cached)
        self.cost = 0 if self.cached else units(usage.cost_cents)
        self.told = self.cost is not None and not self.cached
        self.counts(usage)

    def counts(self, usage: Usage | ChatUsage) -> None:
        """Takes the tokens that an answer says it used."""
        parts = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
        self.uses(parts if usage.total_tokens is None else usage.total_tokens)

    def uses(self, tokens: int | None) -> None:
        """Takes a number of tokens, unless it cannot be true."""
        self.tokens = tokens if tokens is not None and 0 <= tokens <= _MOST_TOKENS else 0

    def observe(self, words: str) -> None:
        """Told of every phase of the call."""
        self.sent = self.sent or words == "sent"


def units(cents: float | Decimal | None) -> int | None:
    """`cents` in micro-cents; None where nobody said, or where it cannot be true."""
    if cents is None or not 0 <= cents <= (_ABSURD_CENTS if isinstance(cents, float) else 10**9):
        return None
    return int((Decimal(str(cents)) * UNIT).to_integral_value(ROUND_HALF_UP))


def cents_of(amount: int) -> Decimal:
    """Micro-cents in cents, exactly."""
    return Decimal(amount) / UNIT


def shown(amount: int) -> str:
    """Micro-cents as cents, in as few digits as they have."""
    return f"{cents_of(amount).normalize():f}"
