"""`:checkhealth theo` and `:help theo`: what they say is true, and every file of the plug-in can be loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.editors.neovim import PLUGIN, Neovim, running
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.editors, pytest.mark.anyio]


async def _health(neovim: Neovim) -> str:
    await neovim.command("checkhealth theo")
    return await neovim.text()


async def test_health_is_well_when_all_is_there(
    neovim: Neovim, source: Path, tmp_path: Path, model_server: ModelServer
) -> None:
    (tmp_path / ".git").mkdir()
    await neovim.edit(source, 3)

    said = await _health(neovim)

    assert "OK the server is enabled" in said
    assert "OK theo-lsp 0.1.0" in said
    assert "OK this machine answers: THEO_MCP_ENGINE_URL names a model server" in said
    assert "OK attached to 1 buffer\n" in said
    assert "OK the project is " in said
    assert "ERROR" not in said
    assert not model_server.chats


async def test_health_says_what_is_missing_and_what_to_do(nvim: Path, tmp_path: Path) -> None:
    async with running(nvim, tmp_path, {}) as neovim:
        no_model = await _health(neovim)
    async with running(nvim, tmp_path, {}, server=["theo-lsp-that-is-not-there"]) as neovim:
        await neovim.lua("vim.lsp.enable('theo', false)")
        no_server = await _health(neovim)

    assert "ERROR No model is installed on this machine, and no server or key is set." in no_model
    assert "Run `theo-mcp engine pull`" in no_model
    assert "- this machine would answer: THEO_API_KEY is not set\n" in no_model
    assert "ERROR theo-lsp-that-is-not-there was not found." in no_server
    assert "ERROR The server is not enabled." in no_server
    assert "WARNING The server is attached to no buffer." in no_server
    assert "Put vim.lsp.enable('theo') into your init.lua." in no_server


async def test_every_file_loads_and_every_tag_of_the_help_is_found(neovim: Neovim, tmp_path: Path) -> None:
    files = sorted(str(path) for path in PLUGIN.rglob("*.lua"))

    broken = await neovim.lua(
        "return vim.tbl_filter(function(path) return not loadfile(path) end, args.files)", files=files
    )
    made = Path(shutil.copytree(PLUGIN / "doc", tmp_path / "doc")) / "tags"
    await neovim.lua("vim.cmd.helptags(args.folder)", folder=str(made.parent))
    found = [line.split("\t")[0] for line in made.read_text(encoding="utf-8").splitlines()]
    await neovim.command("help theo-preview")
    opened = await neovim.lua("return { vim.bo.buftype, vim.fs.basename(vim.api.nvim_buf_get_name(0)) }")

    assert files and broken == []
    assert {"theo", "theo.txt", ":Theo", "theo-preview", "theo-health", "theo-options", "theo-keys"} <= set(found)
    assert made.read_bytes() == (PLUGIN / "doc" / "tags").read_bytes()  # in the repository, so that nobody has to
    assert opened == ["help", "theo.txt"]
