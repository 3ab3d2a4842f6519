"""Editors, fetched once for a run of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.editors import install
from tests.editors.neovim import Neovim, running
from theo_mcp.testing.model_server import ModelServer

CODE = "import os\n\n# Add two numbers — ☕ 🧮.\n\nprint(os.name)\n"


@pytest.fixture(scope="session", params=install.VERSIONS)
def nvim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if hasattr(request.config, "workerinput") else base
    return install.neovim(request.param, shared / "editors")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_bytes(CODE.encode())
    return path


@pytest.fixture
async def neovim(nvim: Path, tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Neovim]:
    async with running(nvim, tmp_path, {"THEO_MCP_ENGINE_URL": model_server.url}) as neovim:
        yield neovim


@pytest.fixture
async def asking(nvim: Path, tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Neovim]:
    """Neovim whose user wants to see every edit before."""
    environment = {"THEO_MCP_ENGINE_URL": model_server.url, "THEO_MCP_EDIT_PREVIEW": "always"}
    async with running(nvim, tmp_path, environment) as neovim:
        yield neovim
