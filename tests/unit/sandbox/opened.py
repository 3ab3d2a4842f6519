"""A sandbox for the jobs of `sandbox_jobs`, and the proof that nothing of it is left."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from theo_mcp.sandbox import Job, Limits, Sandbox

JOBS = Path(__file__).parent
LINUX = sys.platform == "linux"
SHORT = Limits(seconds=0.1)
SMALL = Limits(memory_bytes=200 << 20, output_bytes=1 << 20, file_bytes=1 << 20)


def job(function: str, /, inputs: dict[str, bytes] | None = None, *, alone: bool = False, **options: Any) -> Job:
    return Job(f"sandbox_jobs:{function}", inputs or {}, options, alone=alone)


class OpenSandbox:
    """Opens a sandbox whose children and folders can be told from those of other tests."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._others = set(_of_ours())  # servers of other tests of this process, which may end meanwhile
        monkeypatch.setenv("TZ", f"theo-{folder}")  # children inherit it
        monkeypatch.setattr(tempfile, "tempdir", str(folder))

    @asynccontextmanager
    async def __call__(self, **options: Any) -> AsyncIterator[Sandbox]:
        before = _open_files()
        with anyio.fail_after(20):
            async with Sandbox(allow=("sandbox_jobs",), path=[JOBS], **options) as sandbox:
                yield sandbox
        assert list(self._folder.glob("theo-mcp-*")) == []
        assert self.children() == []
        assert _open_files() <= before + 1  # the event loop's own

    def children(self) -> list[int]:
        """The processes of this test's sandbox, and all zombies that this test has made."""
        zombies = {process for process, state in _of_ours().items() if state == "Z"} - self._others
        found = []
        for each in Path("/proc").glob("[0-9]*") if LINUX else ():
            try:
                mark = f"TZ=theo-{self._folder}\0".encode()
                if int(each.name) in zombies or mark in (each / "environ").read_bytes():
                    found.append(int(each.name))
            except OSError:
                continue
        return found


def _of_ours() -> dict[int, str]:
    """The children of this process, with their states."""
    found = {}
    for each in Path("/proc").glob("[0-9]*") if LINUX else ():
        try:
            state, parent = (each / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid():
            found[int(each.name)] = state
    return found


async def ended(process: object) -> None:
    """Returns when `process` has; at once where it did long ago."""
    assert isinstance(process, int)
    try:
        file = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(file)
    finally:
        os.close(file)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if LINUX else 0
