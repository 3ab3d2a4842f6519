"""A running language server over the scripted model server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, launched
from theo_mcp.testing.model_server import ModelServer


@pytest.fixture
async def editor(tmp_path: Path, model_server: ModelServer) -> AsyncIterator[Editor]:
    async with launched(tmp_path, {"THEO_MCP_ENGINE_URL": model_server.url}) as editor:
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.notify("initialized")
        yield editor
