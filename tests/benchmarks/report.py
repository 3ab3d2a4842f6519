"""The comparisons as text for a terminal or a log."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from statistics import median

from tests.benchmarks.comparison import Comparison, Side


def machine() -> str:
    """Where this ran, and what else ran: without the load nobody can judge the spread."""
    load = f", load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"


def shown(comparison: Comparison) -> str:
    """One comparison in full: both sides with parameters, median and spread; the ratio and the verdict."""
    sides = (comparison.ours, comparison.bare)
    width = max(len(side.name) for side in sides)
    lines = [f"{comparison.title}, {comparison.unit}"]
    lines += [f"  {side.name:<{width}}  {_spread(side)}  {side.parameters}" for side in sides]
    ratios = comparison.ratios
    lines.append(
        f"  {'ratio':<{width}}  {comparison.ratio:9.3f}  ({min(ratios):.3f}–{max(ratios):.3f} "
        f"in {len(ratios)} rounds){_verdict(comparison)}"
    )
    if comparison.note:
        lines.append(f"  {comparison.note}")
    return "\n".join(lines)


def summary(comparisons: Sequence[Comparison]) -> str:
    """All ratios, a line each."""
    width = max(len(comparison.title) for comparison in comparisons)
    return "\n".join(f"{each.title:<{width}}  {each.ratio:7.3f} ×{_verdict(each)}" for each in comparisons)


def _spread(side: Side) -> str:
    samples = side.samples
    spread = f"({min(samples):.1f}–{max(samples):.1f})"
    return f"{median(samples):9.1f}  {spread:<18}"


def _verdict(comparison: Comparison) -> str:
    if comparison.target is None:
        return ""
    word = "met" if comparison.met else "MISSED"
    return f"  target {comparison.target.sign} {comparison.target.ratio:.2f}: {word}"
