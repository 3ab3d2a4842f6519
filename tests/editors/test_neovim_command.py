"""`:Theo` in Neovim: actions by name and by menu, what is shown of them, and what it says when it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from tests.editors.conftest import CODE
from tests.editors.neovim import Neovim, running
from tests.holding import held
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.editors, pytest.mark.anyio]

DONE = "import os\n\n# Add two numbers — ☕ 🧮.\ndef add(a, b):\n    return a + b\n\nprint(os.name)"
NOT_FOUND = (
    "Theo: theo-lsp-that-is-not-there was not found; install theo-mcp so that it is on the PATH, or name it with "
    "vim.lsp.config('theo', { cmd = { '/path/to/theo-lsp' } })."
)
KILL = "vim.uv.kill(vim.api.nvim_get_proc_children(vim.fn.getpid())[1], 'sigkill')"


async def test_a_run_is_shown_at_its_line_and_in_the_status_line_until_it_ends(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    go_on = held(model_server)
    await neovim.edit(source, 3)

    await neovim.command("Theo generate")
    await neovim.until("progress('report: writing')")
    status = await neovim.lua("return require('theo').status()")
    await neovim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, true, { '# above' })")
    moved = await neovim.lua("return shown()")
    go_on.set()
    await neovim.until("progress('end: applied')")

    assert status == "Theo: writing · 2 tokens · def add(a, b):"
    assert moved == [[4, "⏳ writing · 2 tokens · def add(a, b):"]]
    assert await neovim.lua("return { #shown(), require('theo').status() }") == [0, ""]
    assert await neovim.text() == "# above\n" + DONE


async def test_how_a_run_ended_can_be_read_again(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3)

    await neovim.command("Theo generate")
    await neovim.until("progress('end')")

    said = await neovim.lua("return vim.fn.execute('messages')")
    assert "Theo: Generate code from this comment: applied · scripted-1b" in said


async def test_cancel_stops_the_runs_of_this_buffer(neovim: Neovim, source: Path, model_server: ModelServer) -> None:
    model_server.silent_after = 2
    await neovim.edit(source, 3)
    await neovim.command("Theo generate")
    with anyio.fail_after(10):
        await model_server.silent.wait()

    await neovim.lua("vim.cmd.new() vim.cmd('Theo cancel') vim.cmd.close()")
    await neovim.command("Theo cancel")
    with anyio.fail_after(1):
        await model_server.exchanges[-1].closed.wait()
    ended = await neovim.until("progress('end')")
    await neovim.command("Theo cancel")

    assert ended == "end: cancelled"
    assert await neovim.lua("return { shown(), text() }") == [[], CODE.rstrip("\n")]
    assert await neovim.lua("return seen.messages") == [
        "Theo: no run is at work here; `:Theo cancel all` stops those of other buffers.",
        "Theo: no run is at work here.",
    ]


async def test_alone_it_is_a_menu_of_what_is_offered_here(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3)

    await neovim.lua("choice = 'Generate code: ' vim.cmd.Theo()")
    await neovim.until("progress('end: applied')")

    entries = await neovim.lua("return seen.entries")
    assert entries[0] == "Generate code: Add two numbers — ☕ 🧮."
    assert "Refactor as I say…" in entries
    assert await neovim.text() == DONE


async def test_a_selection_is_what_the_action_is_about(neovim: Neovim, source: Path, model_server: ModelServer) -> None:
    source.write_text("x = 'żółć 🧮 one'  # theo: shout\ny = 2\n", encoding="utf-8")
    await neovim.edit(source, 1, 5)

    await neovim.keys("v/ one<CR>h:Theo explain<CR>")
    await neovim.until("progress('end: shown')")

    (chat,) = model_server.chats
    asked = chat["messages"][-1]["content"]
    assert "żółć 🧮" in asked


async def test_fix_takes_the_diagnostics_of_the_line(neovim: Neovim, source: Path, model_server: ModelServer) -> None:
    await neovim.edit(source, 5)
    await neovim.lua("""
        vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, {
          { lnum = 0, col = 7, message = 'os is slow', severity = 2, source = 'lint', code = 'L1' },
          { lnum = 4, col = 0, end_col = 5, message = 'print is loud', severity = 1, source = 'lint', code = 7 },
        })""")

    await neovim.command("Theo fix")
    await neovim.until("progress('report: waiting for you') or progress('end')")  # the answer fits badly

    (chat,) = model_server.chats
    asked = chat["messages"][-1]["content"]
    assert "line 5: print is loud (lint 7)" in asked
    assert "line 1: os is slow" not in asked


async def test_the_ordinary_menu_offers_to_fix_what_another_server_says(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    await neovim.edit(source, 5)
    await neovim.lua("""
        vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, {
          { lnum = 0, col = 7, message = 'os is slow', severity = 2, source = 'lint', code = 'L1' },
          { lnum = 4, col = 0, end_col = 5, message = 'print is loud', severity = 1, source = 'lint', code = 7 },
        })""")

    await neovim.choose("Theo: Fix: print is loud")
    await neovim.until("progress('report: waiting for you') or progress('end')")  # the answer fits badly

    (chat,) = model_server.chats
    asked = chat["messages"][-1]["content"]
    assert "line 5: print is loud (lint 7)" in asked
    assert "os is slow" not in asked


async def test_what_is_to_be_read_opens_in_a_split_that_q_closes(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    await neovim.edit(source, 3)
    before = await neovim.lua("return { layout(), vim.fn.getjumplist()[1] }")

    await neovim.command("Theo prompt generate")
    await neovim.until("vim.wo.winbar ~= '' and #vim.api.nvim_tabpage_list_wins(0) == 2")
    opened = await neovim.lua("return { vim.wo.winbar, vim.bo.filetype, vim.bo.modifiable, vim.bo.buflisted }")
    prompt = await neovim.text()
    await neovim.keys("q")
    await neovim.until("#vim.api.nvim_tabpage_list_wins(0) == 1")

    assert opened == [" prompt.md · q closes", "markdown", False, False]
    assert "Add two numbers — ☕ 🧮." in prompt
    assert not model_server.chats
    assert await neovim.lua("return { layout(), vim.fn.getjumplist()[1] }") == before


async def test_the_names_of_actions_are_completed(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3)

    found = await neovim.lua("""
        return vim.tbl_map(function(line)
          return vim.fn.getcompletion(line, 'cmdline')
        end, { 'Theo ex', '2,3Theo prompt ge', 'Theo cancel ', 'Theo fix a' })""")

    assert found == [["explain"], ["generate"], ["all"], []]


async def test_an_unknown_action_is_met_with_the_names_that_are_near(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3)

    await neovim.lua("vim.cmd('Theo explian') vim.cmd('Theo zzzzzzzzzz')")

    first, second = await neovim.lua("return seen.messages")
    assert first == "Theo: there is no action “explian”; did you mean “explain”?"
    assert second.startswith("Theo: there is no action “zzzzzzzzzz”; there are: complete, document, explain, ")


async def test_a_server_that_dies_leaves_nothing_behind_and_comes_back(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    model_server.silent_after = 2
    await neovim.edit(source, 3)
    await neovim.command("Theo generate")
    with anyio.fail_after(10):
        await model_server.silent.wait()
    await neovim.until("shown()[1]")

    await neovim.lua(KILL)
    told = await neovim.until("said('the server has ended')")
    after = await neovim.lua("return { shown(), require('theo').status(), text() }")
    model_server.silent_after = None
    await neovim.until("client() == nil")
    await neovim.command("Theo generate")
    await neovim.until("progress('end: applied')")

    assert told == (
        "Theo: the server has ended, and “Generate code from this comment” with it; nothing was changed. "
        "`:Theo` starts it again."
    )
    assert after == [[], "", CODE.rstrip("\n")]
    assert await neovim.text() == DONE


async def test_without_a_server_it_says_what_to_do(nvim: Path, tmp_path: Path, source: Path) -> None:
    async with running(nvim, tmp_path, {}, server=["theo-lsp-that-is-not-there"]) as neovim:
        await neovim.lua("vim.cmd.edit(args.path) vim.cmd('Theo explain')", path=str(source))
        await neovim.lua("vim.cmd('help | Theo explain')")
        await neovim.lua("vim.cmd('helpclose') vim.lsp.enable('theo', false) vim.cmd('Theo explain')")
        messages = await neovim.lua("return seen.messages")

    assert [message for message in messages if message.startswith("Theo: ")] == [
        NOT_FOUND,
        "Theo: this buffer is not a file; go to one and try again.",
        "Theo: the server is not enabled; put vim.lsp.enable('theo') into your init.lua.",
    ]


async def test_a_server_that_does_not_start_is_told(nvim: Path, tmp_path: Path, source: Path) -> None:
    async with running(nvim, tmp_path, {}, server=[sys.executable, "-c", "raise SystemExit(3)"]) as neovim:
        await neovim.lua("vim.cmd.edit(args.path) vim.cmd('Theo explain')", path=str(source))
        told = await neovim.until("said('does not start')")

    assert told == "Theo: the server does not start; `:checkhealth theo` and `:Theo log` say more."
