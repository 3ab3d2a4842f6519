"""A proposal in Neovim: accepted, rejected, taken in part, withdrawn; and what it leaves as it was."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.editors.conftest import CODE
from tests.editors.neovim import Neovim
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.editors, pytest.mark.anyio]

DONE = "import os\n\n# Add two numbers — ☕ 🧮.\ndef add(a, b):\n    return a + b\n\nprint(os.name)"
OPEN = "#vim.api.nvim_list_tabpages() == 2 and vim.wo.diff"
CLOSED = "#vim.api.nvim_list_tabpages() == 1"


async def _propose(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3, 2)
    await neovim.lua("before = layout()")
    await neovim.command("Theo generate")
    await neovim.until(OPEN)


async def test_an_accepted_proposal_is_one_undo_step_and_the_layout_stays(asking: Neovim, source: Path) -> None:
    other = source.with_name("notes.txt")
    await asking.edit(other, 1, attached=False)
    await asking.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'not saved' }) vim.cmd('belowright split')")
    await _propose(asking, source)

    shown = await asking.lua("return { vim.fn.winnr('$'), text(vim.fn.winbufnr(1)), text(), vim.wo.winbar }")
    await asking.keys("ga")
    await asking.until("progress('end')")
    after = await asking.lua(
        "return { vim.deep_equal(before, layout()), text(), vim.bo[vim.fn.bufnr('notes')].modified }"
    )
    await asking.lua("vim.cmd.undo() vim.cmd.write()")

    assert shown == [2, CODE.rstrip("\n"), DONE, " proposed · ga accept · q reject · do reverts%<"]
    assert after == [True, DONE, True]
    assert source.read_bytes() == CODE.encode()


async def test_however_it_is_closed_nothing_changes(asking: Neovim, source: Path) -> None:
    for how in ("q", "<Cmd>tabclose<CR>", "<C-w>hZQ", "<Cmd>Theo reject<CR>", "dd<Cmd>quit<CR>"):
        await asking.lua("seen.progress = {}")
        await _propose(asking, source)

        await asking.keys(how)
        await asking.until("progress('end: rejected')")

        left = await asking.lua(f"return {{ {CLOSED}, vim.deep_equal(before, layout()), text() }}")
        assert left == [True, True, CODE.rstrip("\n")], how


async def test_hunks_that_were_taken_back_stay_as_they_were(
    asking: Neovim, source: Path, model_server: ModelServer
) -> None:
    old = "def one():\n    return 1\n\n\ndef two():\n    return 2"
    model_server.pieces = ("```python\n", old.replace("1", "11").replace("2", "22"), "\n```\n")
    source.write_text(f"# theo: larger numbers\n{old}\n", encoding="utf-8")
    await asking.edit(source, 1)
    await asking.command("1,7Theo refactor larger numbers")
    await asking.until(OPEN)

    await asking.keys("/return 11<CR>do<Cmd>write<CR>")
    await asking.until("progress('end: applied')")

    assert await asking.text() == old.replace("return 2", "return 22")
    assert await asking.lua(f"return {CLOSED}")


async def test_a_proposal_whose_run_is_cancelled_closes_and_says_so(asking: Neovim, source: Path) -> None:
    await _propose(asking, source)

    await asking.command("Theo cancel all")
    await asking.until("said('withdrawn')")

    assert await asking.lua(f"return {CLOSED} and vim.deep_equal(before, layout())")
    assert await asking.text() == CODE.rstrip("\n")
    assert await asking.until("progress('end')") == "end: cancelled"


async def test_a_proposal_waits_until_the_user_has_stopped_typing(asking: Neovim, source: Path) -> None:
    await asking.edit(source, 3)
    await asking.command("Theo generate")
    await asking.keys("Gotyped")
    await asking.until("said('a proposal is ready')")
    meanwhile = await asking.lua(f"return {CLOSED}")

    await asking.keys("<Esc>")
    await asking.until(OPEN)
    await asking.command("Theo accept")
    await asking.until("progress('end: applied')")

    assert meanwhile
    assert await asking.text() == DONE + "\ntyped"


async def test_line_endings_come_back_as_they_were(asking: Neovim, source: Path) -> None:
    source.write_bytes(CODE.replace("\n", "\r\n").encode())
    await _propose(asking, source)

    await asking.keys("ggcchello<Esc>ga")
    await asking.until("progress('end: applied')")
    await asking.command("write")

    assert source.read_bytes() == (DONE.replace("import os", "hello") + "\n").replace("\n", "\r\n").encode()


async def test_a_server_that_dies_takes_its_proposal_along(asking: Neovim, source: Path) -> None:
    await _propose(asking, source)

    await asking.lua("vim.uv.kill(vim.api.nvim_get_proc_children(vim.fn.getpid())[1], 'sigkill')")
    with anyio.fail_after(10):
        await asking.until("said('the server has ended')")

    assert await asking.lua(f"return {CLOSED} and vim.deep_equal(before, layout())")
    assert await asking.text() == CODE.rstrip("\n")
