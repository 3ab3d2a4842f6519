"""Stage one: which mode a prompt wants.

An explicit mode always wins. For ``auto``, a rule decides where it is certain, else the embedding of the prompt and a
trained head (``tests/training`` has its data and how well it does). What is not likely enough is ``fast``, and what
costs time or money has to be likelier. Without the embedding there are the rules alone, and the reason says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from theo_mcp.engine.intent import head, rules
from theo_mcp.engine.intent.embedding import Embedding, NoEmbeddingError
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.settings import Settings
from theo_mcp.wire.completions import CompletionRequest

LIKELY: Final = 0.4
_LIKELY_FOR: Final[dict[ResolvedMode, float]] = {"image": 0.6, "video": 0.6, "research": 0.6, "genui": 0.6}
"""More for what costs much, and for an interface: whoever wanted words is more surprised by it than the other way."""
_CLOSEST: Final[dict[ResolvedMode, ResolvedMode]] = {"genui": "code", "research": "think"}
_CERTAIN: Final = 0.95
_UNKNOWN: Final = 0.3
_MEANING: Final = "by the meaning of the prompt"


@dataclass(frozen=True)
class Intent:
    """The mode to use, how sure that is (0 to 1), and why."""

    mode: ResolvedMode
    confidence: float
    reason: str
    unserved: ResolvedMode | None = None
    """The mode that the prompt seems to want, where this engine does not have it."""


class Classifier:
    """Decides for one engine."""

    def __init__(self, settings: Settings, embedding: Embedding | None = None) -> None:
        self._settings = settings
        self._embedding = embedding

    async def intent(self, request: CompletionRequest, served: Set[ResolvedMode]) -> Intent:
        """The mode that `request` wants; ``auto`` becomes one that is `served` here."""
        if request.mode is not None and request.mode != "auto":
            return Intent(request.mode, 1.0, "the request names it")
        rule = rules.certain(request.prompt)
        if rule is not None:
            return _served(Intent(rule.mode, _CERTAIN, rule.reason), served)
        try:
            vector = await self._vector(head.excerpt(request.prompt))
            likely = head.load().probabilities(vector)
        except (NoEmbeddingError, ValueError) as error:
            return Intent("fast", _UNKNOWN, f"no rule is certain, and {error}")
        return _served(chosen(likely), served)

    async def aclose(self) -> None:
        """Ends what it started."""
        if self._embedding is not None:
            await self._embedding.aclose()

    async def _vector(self, text: str) -> list[float]:
        if not self._settings.intent_model:
            raise NoEmbeddingError("intent_model is off")
        if self._embedding is None:
            trained = head.load()
            self._embedding = Embedding(trained.package, trained.version)
        return await self._embedding.vector(text)


def chosen(likely: Mapping[ResolvedMode, float]) -> Intent:
    """What the probabilities of the modes mean, whatever is served."""
    best = max(likely, key=lambda mode: likely[mode])
    if likely[best] >= _LIKELY_FOR.get(best, LIKELY):
        return Intent(best, _told(likely[best]), _MEANING)
    doubt = f"not sure enough of {best} ({likely[best]:.2f})"
    if best in _LIKELY_FOR:
        others = {mode: each for mode, each in likely.items() if mode not in _LIKELY_FOR}
        plain = max(others, key=lambda mode: others[mode])
        if others[plain] >= LIKELY:
            return Intent(plain, _told(others[plain]), f"{_MEANING}, {doubt}")
    return Intent("fast", _told(likely["fast"]), doubt)


def _served(intent: Intent, served: Set[ResolvedMode]) -> Intent:
    """`intent` as far as it is `served`, else what comes closest to it."""
    if intent.mode in served:
        return intent
    mode = _CLOSEST.get(intent.mode, "fast")
    reason = f"{intent.reason}; {intent.mode} is not served here"
    return Intent(mode if mode in served else "fast", intent.confidence, reason, unserved=intent.mode)


def _told(likely: float) -> float:
    """Two digits are enough, and no guess is told as certain."""
    return min(round(likely, 2), 0.99)
