"""The comparisons as text for a terminal or a log."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from statistics import median

from tests.benchmarks.comparison import Comparison, Side

_NAME = 22


def machine() -> str:
    """Where this runs, and how much else runs there: without the load nobody can judge the spread."""
    load = f", load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def shown(comparison: Comparison) -> str:
    """One comparison in full: both sides with parameters, median and spread; the ratio and the verdict."""
    ratios = comparison.ratios
    spread = f"({min(ratios):.3f}–{max(ratios):.3f}), the median of {len(ratios)} rounds"
    lines = [comparison.title, *_lines(comparison.ours, comparison.unit), *_lines(comparison.bare, comparison.unit)]
    lines.append(f"  {'ratio':<{_NAME}} {comparison.ratio:9.3f} ×  {spread}{_verdict(comparison)}")
    if comparison.note:
        lines.append(f"  {comparison.note}")
    return "\n".join(lines)


def summary(comparisons: Sequence[Comparison]) -> str:
    """Every ratio in a line."""
    width = max(len(comparison.title) for comparison in comparisons)
    return "\n".join(f"{each.title:<{width}} {each.ratio:7.3f} ×{_verdict(each)}" for each in comparisons)


def _lines(side: Side, unit: str) -> list[str]:
    samples = side.samples
    spread = f"({min(samples):.1f}–{max(samples):.1f})"
    return [
        f"  {side.name:<{_NAME}} {median(samples):9.1f} {unit}  {spread}, the median of {len(samples)}",
        f"  {'':<{_NAME}} {side.parameters}",
    ]


def _verdict(comparison: Comparison) -> str:
    if comparison.target is None:
        return ""
    target, ratios = comparison.target, comparison.ratios
    word = "met" if comparison.met else "MISSED"
    rounds = sum(target.met(ratio) for ratio in ratios)
    return f"; target {target.sign} {target.ratio:.2f}: {word} (in {rounds} of {len(ratios)} rounds)"
