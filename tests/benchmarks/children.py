"""How this benchmark starts processes: every side with the same interpreter, environment and compiled bytecode."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process

from theo_mcp.machine import environment

ROOT = Path(__file__).parents[2]
_BYTECODE_SWITCHES = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
_COMPILE_LIMIT_S = 120.0
_EXIT_LIMIT_S = 5.0


def clean_environment() -> dict[str, str]:
    """This process's, without settings of theo-mcp and without what moves bytecode or keeps it from being written."""
    return {
        name: value
        for name, value in environment().items()
        if name not in _BYTECODE_SWITCHES and not name.startswith(("THEO_", "GETCODE_"))
    }


def serve_command(*flags: str) -> list[str]:
    """Our server by its public door: the engine alone, an empty settings file, and `flags`."""
    return [sys.executable, "-m", "theo_mcp", "serve", "--config", os.devnull, "--backend", "engine", *flags]


def bare_server_command(tools: Path) -> list[str]:
    """The bare SDK server that lists the tools in the file `tools`."""
    return [sys.executable, "-m", "tests.benchmarks.bare_server", str(tools)]


def model_command() -> list[str]:
    """The process that serves a model, as our engine starts it."""
    return [sys.executable, "-P", "-m", "theo_mcp.engine.child"]


async def compile_bytecode() -> None:
    """Compiles what both sides import, because uv does not, and an uncompiled import takes twice as long."""
    folders = [ROOT / "theo_mcp", ROOT / "lsp", ROOT / "tests" / "benchmarks", Path(sysconfig.get_path("purelib"))]
    command = [sys.executable, "-m", "compileall", "-q", "-j", "0", *map(str, folders)]
    with anyio.fail_after(_COMPILE_LIMIT_S):
        # Templates that are no Python make it fail, and nothing imports those.
        await anyio.run_process(command, check=False, env=clean_environment())


@asynccontextmanager
async def child(command: list[str], environ: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A process with pipes on stdin and stdout; leaving closes its stdin and waits for its end."""
    env = {**clean_environment(), **(environ or {})}
    process = await anyio.open_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, cwd=ROOT)
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            assert process.stdin is not None
            await process.stdin.aclose()
            with anyio.move_on_after(_EXIT_LIMIT_S):
                await process.wait()
            if process.returncode is None:
                process.kill()
            await process.aclose()
