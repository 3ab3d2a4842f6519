"""Bytes that are no messages: nobody can know where the next one begins, so the process says so and ends."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from tests.unit.lsp.client import CAPABILITIES, launched

pytestmark = pytest.mark.slow

_UNREADABLE = "The input cannot be cut into messages, because of {}. The server ends."
_NO_LENGTH = _UNREADABLE.format("a header without a length that can be believed")
_NO_END = _UNREADABLE.format("a header without an end")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"Content-Length: -5\r\n\r\nhello", [_NO_LENGTH]),
        (b"Content-Length: 0x5\r\n\r\nhello", [_NO_LENGTH]),
        (b"Content-Length: 300000000\r\n\r\n", [_NO_LENGTH]),
        (b"Content-Length: 99999999999999999999\r\n\r\n", [_NO_LENGTH]),
        (b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}", [_NO_LENGTH]),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", [_NO_LENGTH]),
        (b"X" * 20_000, [_NO_END]),
        (b"Content-Len", []),
        (b"Content-Length: 50\r\n\r\n{", []),
    ],
    ids=["negative", "hexadecimal", "300 MB", "20 digits", "no length", "HTTP", "no end", "half", "half a body"],
)
async def test_what_is_no_message_ends_the_process_after_what_came_before_is_answered(
    tmp_path: Path, sent: bytes, said: list[str]
) -> None:
    async with launched(tmp_path) as (editor, process):
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        with suppress(anyio.BrokenResourceError):  # it may end before all is sent
            for at in range(min(len(sent), 100)):
                await editor.send(sent[at : at + 1])
            await editor.send(sent[100:])
        if not said:
            assert process.stdin is not None
            await process.stdin.aclose()
        with anyio.fail_after(2):
            code = await process.wait()

    assert code == 0
    assert _logged(tmp_path) == said


async def test_a_length_that_is_too_short_costs_its_message_and_what_follows_is_not_guessed(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, process):
        await editor.request("initialize", processId=None, rootUri=None, capabilities=CAPABILITIES)
        await editor.send(b'Content-Length: 10\r\n\r\n{"jsonrpc": "2.0"}\r\n\r\n')
        refused = await editor.until(lambda message: message.get("id", "") is None)
        with anyio.fail_after(2):
            await process.wait()

    assert refused["error"] == {"code": -32700, "message": "The message is not JSON that can be read."}
    assert _logged(tmp_path) == [_NO_LENGTH]


def _logged(folder: Path) -> list[str]:
    """The lines of its log, without where they are from."""
    return [line.partition(": ")[2] for line in (folder / "stderr").read_text(encoding="utf-8").splitlines()]
