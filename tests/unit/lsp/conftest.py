"""A running language server over the scripted model server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, connected
from theo_mcp.testing.model_server import ModelServer


@pytest.fixture
async def editor(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Editor]:
    environment = {
        "THEO_MCP_ENGINE_URL": model_server.url,
        "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_CONFIG": os.devnull,
    }
    async with connected(environment) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        yield editor
