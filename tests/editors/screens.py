"""Neovim's screens, for people to look at: ``python -m tests.editors.screens`` writes SCREENS.md beside this file.

A real Neovim in a real terminal of 100 by 30, the real server, and a scripted model. tmux has to be there.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio

from tests.editors import install
from tests.editors.neovim import PLUGIN
from tests.holding import held
from theo_mcp.testing.model_server import ModelServer

_WIDTH, _HEIGHT = 100, 30
_SOCKET = "theo-screens"
_WAIT_S = 20.0
_ROOT = Path(__file__).parents[2]
_SOURCE = '''\
"""Prices."""

RATES = {"PL": 23, "DE": 19}


def gross(net, country):
    if country in RATES:
        rate = RATES[country]
    else:
        rate = 0
    return net + net * rate / 100


# The lowest of some gross prices, or None if there are none.
'''
_LOWEST = (
    "```python\n",
    "def lowest(nets: list[float], country: str) -> float | None:\n",
    "    return min((gross(net, country) for net in nets), default=None)\n",
    "```\n",
)
_SHORTER = (
    "```python\n",
    "def gross(net, country):\n",
    '    """The price with the tax of a country."""\n',
    "    rate = RATES.get(country, 0)\n",
    "    return net * (1 + rate / 100)\n",
    "```\n",
)
_WORDS = (
    "## What `gross` does\n\n",
    "It adds the tax of a **country** to a net price.\n\n",
    "- A country that is not in `RATES` has no tax.\n",
    "- The rate is in per cent.\n",
)
_ALWAYS = (
    ":lua c = vim.lsp.get_clients()[1] c.settings = { theo = { edit_preview = 'always' } } "
    "c:notify('workspace/didChangeConfiguration', { settings = c.settings })"
)
_INIT = """
vim.opt.runtimepath:prepend('{plugin}')
vim.o.swapfile, vim.o.number, vim.o.laststatus, vim.o.termguicolors = false, true, 3, false
vim.o.statusline = " %t %m%= %{{v:lua.require'theo'.status()}} "
vim.lsp.config('theo', {{ cmd_env = {{ THEO_MCP_ENGINE_URL = '{url}', THEO_MCP_DATA_DIR = vim.env.HOME .. '/data' }} }})
vim.lsp.enable('theo')
vim.api.nvim_create_autocmd('FileType', {{ pattern = 'checkhealth', command = 'setlocal nowrap nonumber' }})
"""


async def main() -> None:
    """Writes the screens of the newest version."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        program = install.neovim("0.12", folder / "editors")
        async with ModelServer() as model:
            parts = [
                f"## {title}\n\n{words}\n\n```text\n{screen}\n```\n"
                for title, words, screen in await _all(folder, program, model)
            ]
    head = (
        "# Neovim's screens\n\nWritten by `python -m tests.editors.screens`, from a terminal; the model is scripted.\n"
    )
    (Path(__file__).parent / "SCREENS.md").write_text("\n".join([head, *parts]), encoding="utf-8")


async def _all(folder: Path, program: Path, model: ModelServer) -> list[tuple[str, str, str]]:
    found = []
    home = folder / "home"
    (home / "shop" / ".git").mkdir(parents=True)
    (home / "shop" / "prices.py").write_text(_SOURCE, encoding="utf-8")
    server = home / ".local" / "bin" / "theo-lsp"
    server.parent.mkdir(parents=True)
    path = os.pathsep.join(each for each in sys.path if each)
    server.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(path)} exec {sys.executable} -m theo_lsp.server "$@"\n')
    server.chmod(0o755)
    (home / "init.lua").write_text(_INIT.format(plugin=PLUGIN, url=model.url), encoding="utf-8")
    terminal = _Terminal(folder, home)
    try:
        await terminal.start(program, "-u", str(home / "init.lua"), "-i", "NONE", "prices.py")
        await terminal.until("lowest of some")
        await terminal.type("G")
        await _attached(terminal)

        await terminal.type(":Theo", "Enter")
        await terminal.until("Type number")
        found.append(("The menu", "`:Theo` on a comment.", await terminal.screen()))

        model.pieces = _LOWEST
        go_on = held(model)
        await terminal.type("1", "Enter")
        await terminal.until("⏳ writing")
        found.append(
            (
                "Progress",
                "At the line and in the status line, while the user may go on typing.",
                await terminal.screen(),
            )
        )
        go_on.set()
        await terminal.until("default=None")
        await terminal.until("applied")
        found.append(("The result", "One step of undo.", await terminal.screen()))

        model.pieces = _SHORTER
        await terminal.type(_ALWAYS, "Enter")
        await anyio.sleep(1)
        await terminal.type("7G", ":Theo document", "Enter")
        await terminal.until("proposed")
        found.append(
            (
                "A proposal",
                "What is doubtful is shown first, and says why; by a setting, everything is.",
                await terminal.screen(),
            )
        )
        await terminal.type("q")
        await terminal.until("rejected")

        model.pieces = _WORDS
        await terminal.type(":Theo explain", "Enter")
        await terminal.until("What")
        found.append(("An explanation", "In a split that `q` closes.", await terminal.screen()))
        await terminal.type("q")

        await terminal.type(":Theo explian", "Enter")
        await terminal.until("did you mean")
        found.append(("A slip", "Names are completed by Tab, and near ones are found.", await terminal.screen()))

        await terminal.type(":checkhealth theo", "Enter")
        await terminal.until("the project is")
        found.append(("`:checkhealth theo`", "Each line that is not well says what to do.", await terminal.screen()))
    finally:
        await terminal.close()
    return found


async def _attached(terminal: _Terminal) -> None:
    """Waits until the server knows the document."""
    await terminal.type(
        ":lua vim.wait(9000, function() return vim.lsp.get_clients({bufnr=0})[1] end) print('rea'..'dy')"
    )
    await terminal.type("Enter")
    await terminal.until("ready")
    await terminal.type(":", "Escape")


class _Terminal:
    """A terminal that can be typed into and looked at."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._folder, self._home = folder, home

    async def start(self, program: Path, *arguments: str) -> None:
        """Neovim and its screen are two processes, because a program that its loader starts cannot start itself."""
        there = str(self._folder / "nvim.sock")
        server = f"{self._command(program, '--headless', '--listen', there, *arguments)} &"
        screen = self._command(program, "--server", there, "--remote-ui")
        line = f"{server} until [ -S {there} ]; do sleep 0.1; done; exec {screen}"
        size = ["-x", str(_WIDTH), "-y", str(_HEIGHT)]
        await self._tmux("new-session", "-d", "-s", "theo", *size, "-c", str(self._home / "shop"), line)
        await self._tmux("set-option", "-g", "status", "off")

    def _command(self, program: Path, *arguments: str) -> str:
        path = f"PATH={self._home}/.local/bin:{os.defpath}"
        environment = ["TERM=screen-256color", "LANG=C.UTF-8", f"HOME={self._home}", path]
        return shlex.join(["env", "-i", *environment, str(program), *arguments])

    async def type(self, *keys: str) -> None:
        for key in keys:
            await self._tmux("send-keys", "-t", "theo", *([key] if key in ("Enter", "Escape") else ["-l", key]))

    async def screen(self) -> str:
        """What is on the screen, once it has stopped changing; without the names of this machine."""
        last = None
        while (now := await self._tmux("capture-pane", "-p", "-t", "theo")) != last:
            last = now
            await anyio.sleep(0.3)
        for name, stands_for in self._names():
            now = now.replace(name, stands_for)
        now = re.sub(r"(?<=uv pip install ).*", "…", now)  # with the folders of this machine
        return "\n".join(line.rstrip() for line in now.rstrip().splitlines())

    async def until(self, text: str) -> None:
        with anyio.move_on_after(_WAIT_S):
            while text not in await self._tmux("capture-pane", "-p", "-t", "theo"):  # noqa: ASYNC110 - it does not tell
                await anyio.sleep(0.1)
            return
        raise SystemExit(f"{text!r} did not come:\n{await self.screen()}")

    async def close(self) -> None:
        await self._tmux("kill-server")

    def _names(self) -> Iterator[tuple[str, str]]:
        yield str(self._home), "~"
        yield str(self._folder), "/tmp"
        yield sys.executable, "~/.venv/bin/python"
        yield str(_ROOT), "~/theo-mcp"

    async def _tmux(self, *words: str) -> str:
        done = await anyio.run_process(["tmux", "-L", _SOCKET, "-f", os.devnull, *words], stderr=sys.stderr)
        return done.stdout.decode()


if __name__ == "__main__":
    anyio.run(main)
