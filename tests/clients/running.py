"""Runs a client in an environment of its own against the real server, which talks to fakes of the services.

uv makes the environments, and brings Node to those clients that need it; nothing is installed anywhere else.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import anyio
import uv

from tests.clients.outcome import Fields, Outcome, outcome
from tests.clients.roster import NODE, Client
from theo_mcp.machine import environment
from theo_mcp.server.tools import all_tools
from theo_mcp.testing import FakeGetCode, FakeTheo, getcode, theo

SERVE = (sys.executable, "-m", "theo_mcp", "serve")
_HERE = Path(__file__).parent
_DRIVERS = _HERE / "drivers"
_INSTALL_LIMIT_S = 600.0  # the larger ones bring a hundred packages to a machine that has none of them
_LIMIT_S = 120.0
_SLOW_S = 5.0
_WAIT_S = 30
_CALLS: Fields = {
    "text": ["theo_complete", {"prompt": "What are microservices?"}],
    "code": ["theo_code", {"prompt": "Write an Express middleware for JWT"}],
    "image": ["theo_image", {"prompt": "A bakery at dawn"}],
    "error": ["theo_complete", {"prompt": "Go on", "conversation_id": "unknown"}],
}
_SLOW_CALLS: Fields = {"slow": ["theo_code", {"prompt": "Write an Express middleware for JWT"}]}


async def drive(client: Client, folder: Path, serve: Sequence[str] = SERVE) -> tuple[Outcome, Fields]:
    """The outcome of one client, and all that it saw."""
    command = await _installed(client, folder)
    drawn = picture(1024, 768)
    async with FakeTheo() as quick, FakeTheo() as slow, FakeGetCode() as getcode_service:
        quick.files["img"] = drawn
        slow.code_takes_s = _SLOW_S
        env = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "THEO_API_KEY": theo.KEY,
            "THEO_BASE_URL": quick.origin,
            "GETCODE_API_KEY": getcode.KEY,
            "GETCODE_BASE_URL": getcode_service.origin,
            "THEO_MCP_CONFIG": os.devnull,
            "THEO_MCP_DATA_DIR": str(folder / "data"),
            "THEO_MCP_OUTPUT_DIR": str(folder / "output"),
            **client.environ,
        }
        plan = {
            "command": [sys.executable, str(_HERE / "tap.py"), str(folder / "first"), *serve],
            "wait_s": _WAIT_S,
            "sessions": [
                {"env": env, "calls": _CALLS},
                {"env": env | {"THEO_BASE_URL": slow.origin, "THEO_MCP_SOFT_DEADLINE_S": "2"}, "calls": _SLOW_CALLS},
            ],
        }
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        seen = await run([*command, *client.flags, str(folder / "plan.json")], folder, _LIMIT_S)
    fields: Fields = json.loads(seen.splitlines()[-1])  # some clients log to stdout
    return outcome(
        fields,
        tools=[tool.name for tool in all_tools()],
        first_line=(folder / "first").read_bytes(),
        saved=folder / "output",
        picture=drawn,
    ), fields


async def _installed(client: Client, folder: Path) -> list[str]:
    """Makes the client's environment: the command that runs its driver in it."""
    if not client.on_node:
        command = _uv_run(*client.packages)
        await run([*command, "python", "-c", ""], folder, _INSTALL_LIMIT_S)
        return [*command, "python", str(_DRIVERS / client.driver)]
    for module in _DRIVERS.glob("*.mjs"):  # a module's packages are looked for beside it
        shutil.copy(module, folder)
    return [*await with_node(client.packages, folder), "node", str(folder / client.driver)]


async def with_node(packages: Sequence[str], folder: Path) -> list[str]:
    """Installs packages of Node into `folder`: what to put before a command there."""
    command = _uv_run(NODE)
    install = ["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", "."]
    await run([*command, *install, *packages], folder, _INSTALL_LIMIT_S)
    return command


def _uv_run(*packages: str) -> list[str]:
    needed = [part for package in packages for part in ("--with", package)]
    return [uv.find_uv_bin(), "run", "--quiet", "--no-project", "--isolated", "--python", sys.executable, *needed]


async def run(command: list[str], folder: Path, limit_s: float) -> str:
    """What the command, which must succeed in time, prints."""
    try:
        with anyio.fail_after(limit_s):
            done = await anyio.run_process(command, cwd=folder, env=_environment(), check=False)
    except TimeoutError:
        raise AssertionError(f"{' '.join(command)} did not end within {limit_s:g} s") from None
    said = (done.stderr + done.stdout).decode(errors="replace")
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{said[-4000:]}"
    return done.stdout.decode()


def _environment() -> dict[str, str]:
    """This process's, without what decides where Python or our server look, and without what clients send home."""
    ours = ("THEO_", "GETCODE_", "PYTHON", "VIRTUAL_ENV", "UV_PROJECT")
    kept = {name: value for name, value in environment().items() if not name.startswith(ours)}
    return kept | {"UV_SYSTEM_CERTS": "true", "DO_NOT_TRACK": "1", "MASTRA_TELEMETRY_DISABLED": "1"}


def picture(width: int, height: int) -> bytes:
    """A PNG of so many pixels that does not compress well."""
    noise = random.Random(0).randbytes(width * height * 3)
    rows = b"".join(b"\0" + noise[start : start + width * 3] for start in range(0, len(noise), width * 3))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
