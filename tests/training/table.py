"""How well rules, head and both together do, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.training.prompts import LANGUAGES, MODES, Labelled
from theo_mcp.engine.classify import chosen
from theo_mcp.engine.intent.rules import certain
from theo_mcp.engine.words import ResolvedMode

Probabilities = dict[ResolvedMode, float]


@dataclass(frozen=True)
class Judged:
    """A prompt, and how likely the head finds each mode for it."""

    prompt: Labelled
    likely: Probabilities


def rules_alone(judged: Judged) -> ResolvedMode:
    """Without the extra: what is not certain is fast."""
    rule = certain(judged.prompt.text)
    return rule.mode if rule else "fast"


def head_alone(judged: Judged) -> ResolvedMode:
    """The likeliest mode, however unlikely."""
    return max(judged.likely, key=lambda mode: judged.likely[mode])


def shipped(judged: Judged) -> ResolvedMode:
    """What the engine does: a certain rule, else the head, and fast or something cheap where it is not sure enough."""
    rule = certain(judged.prompt.text)
    return rule.mode if rule else chosen(judged.likely).mode


def table(title: str, judged: Sequence[Judged]) -> str:
    """The share that each way gets right, in all, by language and by mode."""
    columns: dict[str, Callable[[Labelled], bool]] = {"all": lambda _: True}
    columns |= {language: _spoken(language) for language in LANGUAGES}
    columns |= {mode: _wanting(mode) for mode in MODES}
    if any(each.prompt.trap for each in judged):
        columns["traps"] = lambda prompt: prompt.trap
    lines = [f"## {title}", "", "| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    ways = {"rules alone": rules_alone, "head alone": head_alone, "as shipped": shipped}
    for name, way in ways.items():
        shares = [accuracy([each for each in judged if of(each.prompt)], way) for of in columns.values()]
        lines.append(f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    wrong = [each for each in judged if shipped(each) in ("image", "video", "research") and not _right(each, shipped)]
    lines += ["", f"{len(judged)} prompts; a costly mode chosen wrongly as shipped: {len(wrong)}.", ""]
    return "\n".join(lines)


def accuracy(judged: Sequence[Judged], way: Callable[[Judged], ResolvedMode]) -> float:
    """The share of `judged` whose mode `way` finds."""
    return sum(_right(each, way) for each in judged) / len(judged)


def _right(judged: Judged, way: Callable[[Judged], ResolvedMode]) -> bool:
    return way(judged) == judged.prompt.mode


def _spoken(language: str) -> Callable[[Labelled], bool]:
    return lambda prompt: prompt.language == language


def _wanting(mode: ResolvedMode) -> Callable[[Labelled], bool]:
    return lambda prompt: prompt.mode == mode
