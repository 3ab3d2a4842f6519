"""Stage one: which mode a prompt wants.

An explicit mode always wins. For ``auto``, a few rules that are certain decide; everything else is ``fast``.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass

from theo_mcp.engine.words import ResolvedMode
from theo_mcp.settings import Settings
from theo_mcp.wire.completions import CompletionRequest

_RULES: tuple[tuple[ResolvedMode, float, str, re.Pattern[str]], ...] = (
    ("code", 0.95, "the prompt holds fenced code", re.compile(r"^[ \t]{0,3}(```|~~~)", re.M)),
    (
        "code",
        0.9,
        "it asks for a function, script or the like",
        re.compile(
            r"^\W*(please\s+)?(write|implement|create|generate|code|build)\s+(me\s+)?(an?|the|some)\s+(\S+\s+){0,4}?"
            r"(function|class|method|script|program|regex|query|unit tests?|middleware|component|endpoint|api|cli)\b",
            re.I,
        ),
    ),
    ("roast", 0.9, "it begins with 'roast'", re.compile(r"^\W*(please\s+)?roast\s+(me|my|this|our)\b", re.I)),
    (
        "think",
        0.8,
        "it asks for a proof or for steps",
        re.compile(r"^\W*(please\s+)?(prove|derive)\b|\bstep[ -]by[ -]step\b", re.I),
    ),
)


@dataclass(frozen=True)
class Intent:
    """The mode to use, how sure that is (0 to 1), and why."""

    mode: ResolvedMode
    confidence: float
    reason: str


class Classifier:
    """Decides for one engine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def intent(self, request: CompletionRequest, served: Set[ResolvedMode]) -> Intent:
        """The mode that `request` wants; ``auto`` becomes one that is `served` here."""
        if request.mode is not None and request.mode != "auto":
            return Intent(request.mode, 1.0, "the request names it")
        for mode, confidence, reason, pattern in _RULES:
            if mode in served and pattern.search(request.prompt):
                return Intent(mode, confidence, reason)
        return Intent("fast", 0.3, "no rule is certain")

    async def aclose(self) -> None:
        """Ends what it started."""
