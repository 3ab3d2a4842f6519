"""Somebody goes on typing in a long document while its answer is made an edit, in a thread."""

from __future__ import annotations

import anyio
import pytest

from tests.unit.lsp.client import Editor
from tests.unit.lsp.test_running import CODE, DONE, URI

_REST = "".join(f"value_{number} = {number}\n" for number in range(20_000))


@pytest.mark.slow
async def test_an_edit_lands_although_every_version_is_old_before_it_is_made(editor: Editor) -> None:
    typed = 0
    await editor.open(URI, CODE + _REST)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    job = answer["result"]["jobId"]

    async def type_on() -> None:
        nonlocal typed
        while True:
            row = editor.texts[URI].count("\n")
            await editor.change(URI, (row, 0), (row, 0), "#\n")
            typed += 1
            await anyio.sleep(0.02)  # faster than anybody types

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(type_on)
        ended = await editor.ended(job)
        tasks.cancel_scope.cancel()

    assert ended == "applied · scripted-1b"
    assert editor.texts[URI] == DONE + _REST + "#\n" * typed
