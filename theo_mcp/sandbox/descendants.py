"""Ends everything that a child started, also what left its session, where the kernel did not forbid to start it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MARK = "THEO_MCP_SANDBOX"
"""A variable in the environment of each child, which whatever it starts inherits."""
_ROUNDS = 50


def end(leader: int, mark: str) -> None:
    """Ends all processes below or in the session of `leader`, or with `mark` in their environment.

    They are stopped first, round after round until none is new: what is stopped starts nothing more.
    """
    if sys.platform != "linux":
        return
    stopped: set[int] = set()
    for _ in range(_ROUNDS):
        found = _members(leader, mark) - stopped
        if not found:
            break
        for process in found:
            _signal(process, signal.SIGSTOP)
        stopped |= found
    for process in stopped:
        _signal(process, signal.SIGKILL)


@dataclass(frozen=True)
class _Entry:
    parent: int
    session: int
    marked: bool


def _members(leader: int, mark: str) -> set[int]:
    entries = {int(path.name): entry for path in Path("/proc").iterdir() if (entry := _entry(path, mark))}
    entries.pop(os.getpid(), None)
    found = {number for number, entry in entries.items() if entry.session == leader or entry.marked}
    found |= {leader} & entries.keys()
    while below := {number for number, entry in entries.items() if entry.parent in found} - found:
        found |= below
    return found


def _entry(path: Path, mark: str) -> _Entry | None:
    """None for what is no process, is ending, or belongs to somebody else."""
    if not path.name.isdigit():
        return None
    try:
        state, parent, _, session = (path / "stat").read_bytes().rpartition(b")")[2].split()[:4]
        if state in (b"Z", b"X"):
            return None
        marked = f"{MARK}={mark}".encode() in (path / "environ").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return _Entry(int(parent), int(session), marked)


def _signal(process: int, number: int) -> None:
    with suppress(OSError):
        os.kill(process, number)
