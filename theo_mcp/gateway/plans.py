"""What the documents allow each plan: Theo's sliding minute, and GetCode's rolling hour and month.

The plan ``unlimited`` is ours: it is for whom the machine belongs to. The others are for those to whom keys are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Plan: TypeAlias = Literal["free", "starter", "pro", "team", "enterprise", "unlimited"]
PLANS: Final[tuple[Plan, ...]] = get_args(Plan)
Counted: TypeAlias = Literal["generate", "improve"]


@dataclass(frozen=True)
class Allowance:
    """What one plan may use. None is no limit."""

    requests: int | None
    """Theo's, in a minute."""
    tokens: int | None
    """The same."""
    hourly: Mapping[Counted, int] | None
    """GetCode's, in an hour."""
    monthly: int | None
    """GetCode's generations, in a calendar month (UTC)."""
    modes: Mapping[str, int]
    """Theo's, in a minute, by mode; the documents give them for the free plan alone."""


_GETCODE_TEAM: Final[Mapping[Counted, int]] = {"generate": 60, "improve": 120}

ALLOWANCES: Final[Mapping[Plan, Allowance]] = {
    "free": Allowance(60, 100_000, {"generate": 5, "improve": 10}, 50, {"image": 20, "research": 15, "video": 10}),
    "starter": Allowance(300, 500_000, {"generate": 15, "improve": 30}, 200, {}),
    "pro": Allowance(1_000, 2_000_000, {"generate": 30, "improve": 60}, None, {}),
    # Theo has no team and GetCode no enterprise: each takes the nearest that it has.
    "team": Allowance(1_000, 2_000_000, _GETCODE_TEAM, None, {}),
    "enterprise": Allowance(5_000, 10_000_000, _GETCODE_TEAM, None, {}),
    "unlimited": Allowance(None, None, None, None, {}),
}
