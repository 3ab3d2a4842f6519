"""What Linux says of a process and of all that it started."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Usage:
    """`memory_mb` is resident; what several processes share counts in each."""

    memory_mb: float
    tree_mb: float
    cpu_s: float
    """Of the whole tree, with children that have ended."""


def usage(process: int) -> Usage:
    """Raises:
    RuntimeError: there is no /proc here.
    """
    if not (_PROC / "self" / "stat").exists():
        raise RuntimeError("memory and processor time are read from /proc, which only Linux has")
    tree = [process, *_below(process)]
    memory = [_memory_mb(each) for each in tree]
    return Usage(memory[0], sum(memory), sum(_cpu_s(each) for each in tree))


def _below(process: int) -> list[int]:
    children: list[int] = []
    for task in (_PROC / str(process) / "task").iterdir():
        children += map(int, (task / "children").read_text(encoding="ascii").split())
    return [each for child in children for each in (child, *_below(child))]


def _memory_mb(process: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", (_PROC / str(process) / "status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def _cpu_s(process: int) -> float:
    stat = (_PROC / str(process) / "stat").read_text(encoding="utf-8")
    after_name = stat[stat.rindex(")") + 2 :].split()
    return sum(map(int, after_name[11:15])) / _TICKS  # own and of ended children, in user and system mode
