"""The language servers that are measured: ours, the least that pygls can be, and three that people use.

Those that are not among our own tools get an environment each, made by uv, so that they bring nothing into ours.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import uv

from tests.benchmarks.children import clean_environment

_INSTALL_LIMIT_S = 600.0


@dataclass(frozen=True)
class LanguageServer:
    """A server by its public door."""

    name: str
    command: tuple[str, ...]
    what: str
    environ: Mapping[str, str] = field(default_factory=dict)


OURS = LanguageServer("theo-lsp", (sys.executable, "-m", "theo_lsp.server"), "six actions with their arguments")
BARE = LanguageServer(
    "bare pygls", (sys.executable, "-m", "tests.benchmarks.bare_editor_server"), "one action, the same everywhere"
)
RUFF = LanguageServer(
    "ruff server", (str(Path(sys.executable).with_name("ruff")), "server"), "written in Rust, lints at each key"
)


async def language_servers(folder: Path) -> list[LanguageServer]:
    """All of them, ours first. Needs the registry that uv is set to use, once."""
    return [
        OURS,
        BARE,
        RUFF,
        LanguageServer("pylsp", (await _installed(folder, "python-lsp-server", "pylsp"),), "no code action by itself"),
        LanguageServer(
            "jedi-language-server",
            (await _installed(folder, "jedi-language-server", "jedi-language-server"),),
            "refactorings, on pygls",
        ),
    ]


async def _installed(folder: Path, package: str, script: str) -> str:
    """The script of `package` in an environment of its own, with its bytecode compiled as ours is."""
    home = folder / package
    python = home / "bin" / "python"
    for arguments in (
        ["venv", "--quiet", "--python", sys.executable, str(home)],
        ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), package],
    ):
        with anyio.fail_after(_INSTALL_LIMIT_S):
            done = await anyio.run_process(
                [uv.find_uv_bin(), *arguments], check=False, env={**clean_environment(), "UV_SYSTEM_CERTS": "true"}
            )
        if done.returncode:
            raise RuntimeError(f"{package} cannot be installed:\n{done.stderr.decode(errors='replace')[-2000:]}")
    return str(python.with_name(script))
