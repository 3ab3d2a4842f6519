"""Other processes and programs that use the same store."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

CHILD = """
import os, resource, sys, time
from pathlib import Path
import anyio
from theo_mcp.errors import StoreError
from theo_mcp.store import Store

def increased(value):
    return (value or 0) + 1

async def main(path):
    {body}

anyio.run(main, Path(sys.argv[1]))
"""


def child(path: Path, body: str, *before: str) -> subprocess.Popen[str]:
    """Another process that runs `body` with the store's path."""
    script = CHILD.format(body="\n    ".join(body.strip("\n").splitlines()))
    command = [*before, sys.executable, "-c", script, str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=30)
    return output


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program is in the middle of a write."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
