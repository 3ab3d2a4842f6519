"""A real Neovim without a screen, with the plug-in of this repository, told what to do in Lua."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
_START_S = 5.0
_WAIT_MS = 10_000
_LUA_S = 15.0
_SETUP = """
vim.opt.runtimepath:prepend(args.plugin)
vim.cmd.runtime('plugin/theo.lua')
vim.opt.swapfile = false
seen = { messages = {}, progress = {}, tokens = {}, entries = {} }
vim.notify = function(message) table.insert(seen.messages, message) end
vim.ui.select = function(items, options, chosen)
  table.insert(seen.messages, options.prompt)
  seen.entries = vim.tbl_map(options.format_item or tostring, items)
  for _, item in ipairs(items) do
    if choice and vim.startswith(item.title or item, choice) then return chosen(item) end
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
vim.lsp.config('theo', { cmd = args.server, cmd_env = args.environment, settings = { theo = args.settings } })
vim.lsp.enable('theo')
function client() return vim.lsp.get_clients({ name = 'theo', bufnr = source or 0 })[1] end
function choose(begins)
  vim.lsp.buf.code_action({ apply = true, filter = function(action) return vim.startswith(action.title, begins) end })
end
function text(buffer) return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, true), '\\n') end
function wait(condition) return vim.wait(args.wait, condition, 10) end
function progress(begins)
  for _, line in ipairs(seen.progress) do
    if vim.startswith(line, begins) then return line end
  end
end
function said(part)
  for _, line in ipairs(seen.messages) do
    if line:find(part, 1, true) then return line end
  end
end
function shown()
  local space = vim.api.nvim_get_namespaces()['theo.progress']
  local marks = space and vim.api.nvim_buf_get_extmarks(source or 0, space, 0, -1, { details = true }) or {}
  return vim.tbl_map(function(mark) return { mark[2] + 1, mark[4].virt_text[1][1] } end, marks)
end
function layout()
  local tabs = {}
  for _, tab in ipairs(vim.api.nvim_list_tabpages()) do
    table.insert(tabs, vim.tbl_map(function(window)
      local name = vim.fs.basename(vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(window)))
      return { name, vim.api.nvim_win_get_cursor(window), vim.wo[window].diff }
    end, vim.api.nvim_tabpage_list_wins(tab)))
  end
  return { tabs, vim.api.nvim_get_current_win() }
end
"""


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
        with anyio.fail_after(_LUA_S):  # it may be asking something
            done = await anyio.run_process(command, check=False)
        assert done.returncode == 0, done.stderr.decode()
        said = json.loads(done.stdout or done.stderr)
        return said[0] if said else None

    async def edit(self, path: Path, line: int, column: int = 0, *, attached: bool = True) -> None:
        """Opens a file and puts the cursor there; lines count from 1."""
        ready = await self.lua(
            "vim.cmd.edit(args.path) vim.cmd('filetype detect') "
            "vim.api.nvim_win_set_cursor(0, { args.line, args.column }) "
            f"source = vim.api.nvim_get_current_buf() if not {str(attached).lower()} then return true end "
            f"return vim.wait({_WAIT_MS}, function() local c = client() return c and c.initialized end, 10)",
            path=str(path),
            line=line,
            column=column,
        )
        assert ready

    async def command(self, command: str) -> None:
        """Carries out a command line."""
        await self.lua("vim.cmd(args.command)", command=command)

    async def keys(self, keys: str) -> None:
        """Presses keys."""
        await self.lua("vim.api.nvim_input(args.keys)", keys=keys)

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
async def running(
    program: Path,
    folder: Path,
    environment: Mapping[str, str],
    *,
    settings: Mapping[str, str] | None = None,
    server: Sequence[str] = (sys.executable, "-m", "theo_lsp.server"),
) -> AsyncIterator[Neovim]:
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
            while not await _listens(neovim.address):  # noqa: ASYNC110 - nothing tells when it listens
                await anyio.sleep(0.02)
        arguments = {
            "plugin": str(PLUGIN),
            "server": list(server),
            "settings": dict(settings or {}),
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
        neovim.address.unlink(missing_ok=True)


async def _listens(address: Path) -> bool:
    """Whether somebody answers there; the file of the socket is there before, and after an earlier one."""
    try:
        async with await anyio.connect_unix(address):
            return True
    except OSError:
        return False
