"""Neovim with the plug-in, from the menu to the edit and back."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.editors.conftest import CODE
from tests.editors.neovim import Neovim
from tests.holding import held
from theo_mcp.testing.model_server import ModelServer

pytestmark = [pytest.mark.editors, pytest.mark.anyio]

DONE = "import os\n\n# Add two numbers — ☕ 🧮.\ndef add(a, b):\n    return a + b\n\nprint(os.name)"
GENERATE = "Theo: Generate"


async def test_the_menu_offers_what_makes_sense_at_the_cursor(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3)

    titles = await neovim.lua("""
        local params = vim.lsp.util.make_range_params(0, client().offset_encoding)
        params.context = { diagnostics = {}, triggerKind = 1 }
        local answer = client():request_sync('textDocument/codeAction', params, 5000, 0)
        return vim.tbl_map(function(action) return action.title end, answer.result)""")

    assert titles == [
        "Theo: Generate code: Add two numbers — ☕ 🧮.",
        "Theo: Show the exact prompt of “Generate code from this comment”",
    ]


async def test_an_action_is_applied_with_progress_and_undone_byte_for_byte(neovim: Neovim, source: Path) -> None:
    await neovim.edit(source, 3)

    await neovim.choose(GENERATE)
    ended = await neovim.until("progress('end')")
    applied = await neovim.text()
    await neovim.lua("vim.cmd.undo() vim.cmd.write()")

    assert applied == DONE
    assert ended.startswith("end: applied")
    assert await neovim.lua("return seen.progress[1]") == "begin: starting"
    assert source.read_bytes() == CODE.encode()


async def test_cancel_closes_the_stream_and_no_edit_follows(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    model_server.silent_after = 2
    await neovim.edit(source, 3)
    await neovim.choose(GENERATE)
    await model_server.silent.wait()

    await neovim.lua("client():notify('window/workDoneProgress/cancel', { token = seen.tokens[1] })")
    with anyio.fail_after(1):
        await model_server.exchanges[-1].closed.wait()
    ended = await neovim.until("progress('end')")

    assert ended == "end: cancelled"
    assert await neovim.text() == CODE.rstrip("\n")


async def test_an_answer_is_withheld_when_its_place_was_changed_meanwhile(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    typed = held(model_server)
    await neovim.edit(source, 3)
    await neovim.choose(GENERATE)
    await neovim.until("progress('report: writing')")

    await neovim.lua("vim.api.nvim_buf_set_text(0, 2, #vim.fn.getline(3), 2, #vim.fn.getline(3), { ' Fast.' })")
    typed.set()
    ended = await neovim.until("progress('end')")

    assert ended.startswith("end: discarded")
    assert await neovim.text() == CODE.rstrip("\n").replace("🧮.", "🧮. Fast.")
    assert "this place was changed meanwhile" in (await neovim.lua("return seen.messages[1]"))


async def test_a_question_waits_until_the_user_has_stopped_typing(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    typed = held(model_server)
    await neovim.edit(source, 3)
    await neovim.choose(GENERATE)
    await neovim.until("progress('report: writing')")

    await neovim.keys("A Fast")
    typed.set()
    await neovim.until("said('there is a question')")
    await neovim.keys(" enough.")
    await neovim.until("text():find('🧮. Fast enough.', 1, true)")
    asked = await neovim.lua("return said('this place was changed meanwhile')")
    await neovim.keys("<Esc>")
    await neovim.until("said('this place was changed meanwhile')")
    ended = await neovim.until("progress('end')")

    assert asked is None
    assert ended.startswith("end: discarded")
    assert await neovim.text() == CODE.rstrip("\n").replace("🧮.", "🧮. Fast enough.")


async def test_an_answer_is_moved_with_what_was_typed_above_it(
    neovim: Neovim, source: Path, model_server: ModelServer
) -> None:
    typed = held(model_server)
    await neovim.edit(source, 3)
    await neovim.choose(GENERATE)
    await neovim.until("progress('report: writing')")

    await neovim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, true, { '# 🎈', '' })")
    typed.set()
    await neovim.until("progress('end: applied')")

    assert await neovim.text() == "# 🎈\n\n" + DONE


async def test_an_error_is_one_sentence(neovim: Neovim, source: Path, model_server: ModelServer) -> None:
    model_server.key = "another"
    await neovim.edit(source, 3)

    await neovim.choose(GENERATE)
    await neovim.until("progress('end')")

    assert await neovim.lua("return seen.messages") == [
        "Theo: Incorrect API key provided. Check the key: `theo-mcp config show --origin` names its source."
    ]


async def test_code_at_the_end_of_a_document_is_applied_once(neovim: Neovim, source: Path) -> None:
    source.write_bytes(b"# Add two numbers.\n")
    await neovim.edit(source, 1)

    await neovim.choose(GENERATE)
    await neovim.until("progress('end: applied')")
    applied = await neovim.text()
    await neovim.lua("vim.cmd.undo() vim.cmd.write()")

    assert applied == "# Add two numbers.\ndef add(a, b):\n    return a + b"
    assert source.read_bytes() == b"# Add two numbers.\n"
