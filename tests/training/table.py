"""How well rules, head and both together do, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.training.prompts import LANGUAGES, MODES, Labelled
from theo_mcp.engine.classify import chosen
from theo_mcp.engine.intent import head
from theo_mcp.engine.intent.child import Model
from theo_mcp.engine.intent.rules import certain
from theo_mcp.engine.words import ResolvedMode

Probabilities = dict[ResolvedMode, float]


@dataclass(frozen=True)
class Judged:
    """A prompt, and how likely the head finds each mode for it."""

    prompt: Labelled
    likely: Probabilities


def judged(model: Model, prompts: Sequence[Labelled]) -> list[Judged]:
    """What the shipped head says of `prompts`."""
    trained = head.load()
    return [Judged(each, trained.probabilities(model.vector(head.excerpt(each.text)))) for each in prompts]


def rules_alone(one: Judged) -> ResolvedMode:
    """Without the extra: what is not certain is fast."""
    rule = certain(one.prompt.text)
    return rule.mode if rule else "fast"


def head_alone(one: Judged) -> ResolvedMode:
    """The likeliest mode, however unlikely."""
    return max(one.likely, key=lambda mode: one.likely[mode])


def shipped(one: Judged) -> ResolvedMode:
    """What the engine does: a certain rule, else the head, and fast or something cheap where it is not sure enough."""
    rule = certain(one.prompt.text)
    return rule.mode if rule else chosen(one.likely).mode


def table(title: str, rows: Sequence[Judged]) -> str:
    """The share that each way gets right, in all, by language and by mode."""
    columns: dict[str, Callable[[Labelled], bool]] = {"all": lambda _: True}
    columns |= {language: _spoken(language) for language in LANGUAGES}
    columns |= {mode: _wanting(mode) for mode in MODES}
    if any(each.prompt.trap for each in rows):
        columns["traps"] = lambda prompt: prompt.trap
    lines = [f"## {title}", "", "| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    ways = {"rules alone": rules_alone, "head alone": head_alone, "as shipped": shipped}
    for name, way in ways.items():
        shares = [accuracy([each for each in rows if of(each.prompt)], way) for of in columns.values()]
        lines.append(f"| {name} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")
    wrong = [each for each in rows if shipped(each) in ("image", "video", "research") and not _right(each, shipped)]
    lines += ["", f"{len(rows)} prompts; a costly mode chosen wrongly as shipped: {len(wrong)}.", ""]
    return "\n".join(lines)


def accuracy(rows: Sequence[Judged], way: Callable[[Judged], ResolvedMode]) -> float:
    """The share of `rows` whose mode `way` finds."""
    return sum(_right(each, way) for each in rows) / len(rows)


def _right(one: Judged, way: Callable[[Judged], ResolvedMode]) -> bool:
    return way(one) == one.prompt.mode


def _spoken(language: str) -> Callable[[Labelled], bool]:
    return lambda prompt: prompt.language == language


def _wanting(mode: ResolvedMode) -> Callable[[Labelled], bool]:
    return lambda prompt: prompt.mode == mode
