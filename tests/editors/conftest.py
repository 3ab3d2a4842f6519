"""Editors, fetched once for a run of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from tests.editors.neovim import Neovim, installed, running
from theo_mcp.testing.model_server import ModelServer


@pytest.fixture(scope="session")
def nvim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return anyio.run(installed, tmp_path_factory.mktemp("editors"))


@pytest.fixture
async def neovim(nvim: Path, tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Neovim]:
    async with running(nvim, tmp_path, {"THEO_MCP_ENGINE_URL": model_server.url}) as neovim:
        yield neovim
