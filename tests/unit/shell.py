"""A shell that runs ``theo-mcp``."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import pytest

from theo_mcp.cli import main
from theo_mcp.machine import environment as environment_of_this_process

SECONDS = 30


class Shell:
    """Runs ``theo-mcp`` with an environment of its own: in a process, or, which is ten times quicker, in a thread."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, output: pytest.CaptureFixture[bytes]) -> None:
        self.environment = {
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "THEO_MCP_DATA_DIR": str(home / "data"),
            "THEO_MCP_CONFIG": "",
            "THEO_MCP_ROOTS": str(home / "work"),
            "THEO_MCP_OUTPUT_DIR": str(home / "made"),
            "THEO_MCP_INTENT_MODEL": "false",  # a process that only the tests of the classifier need
        }
        self._patch = patch
        self._output = output

    async def process(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        with anyio.fail_after(SECONDS):
            return await anyio.run_process(
                [sys.executable, "-X", "dev", "-m", "theo_mcp", *words], input=stdin, check=False, env=self.environment
            )

    async def start(self, *words: str) -> anyio.abc.Process:
        """A process that is under way."""
        return await anyio.open_process(
            [sys.executable, "-X", "dev", "-m", "theo_mcp", *words], stdin=subprocess.DEVNULL, env=self.environment
        )

    async def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        with anyio.fail_after(SECONDS), self._patch.context() as patch:
            for name in [name for name in environment_of_this_process() if name.startswith(("THEO_", "GETCODE_"))]:
                patch.delenv(name)
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
            self._output.readouterr()
            code = await anyio.to_thread.run_sync(_ended, words, abandon_on_cancel=True)
            out, err = self._output.readouterr()
        return subprocess.CompletedProcess(words, code, out, err)


def _ended(words: tuple[str, ...]) -> int:
    try:
        return main(list(words))
    except SystemExit as exit:  # argparse's way
        return int(exit.code or 0)
