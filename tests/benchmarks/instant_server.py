"""Our server over a backend that answers at once in the same process: what is left is the way of a tool call.

Started with ``python -m tests.benchmarks.instant_server FOLDER``; the data and output folders are made there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import anyio

from theo_mcp.backend import Backend, Choice, GetCode, Observe, Theo
from theo_mcp.server import stdio
from theo_mcp.server.app import build
from theo_mcp.settings import Settings
from theo_mcp.wire.completions import Code, CodeRequest, CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Done, Token

SLOW = "slow"
"""A prompt whose code never comes; the call ends at the soft deadline or with the server."""
PID = "server.pid"
"""The file in the folder that has its process id."""
_PIECE = "0123456789abcde\n" * 64
_PIECES_IN_20_MB = 20 * 2**20 // len(_PIECE)
_CODE = Code(id="code_1", content="x = 1\n")


class _Instant:
    """Theo without a service or a model."""

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        if request.prompt == SLOW:
            await anyio.sleep_forever()
        return _CODE

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        pieces = int(request.prompt) if request.prompt.isdigit() else 1

        async def events() -> AsyncIterator[CompletionEvent]:
            for number in range(pieces):
                yield Token(token=f"{number:016}" + _PIECE[16:])
                if number % 100 == 0:
                    await anyio.lowlevel.checkpoint()
            yield Done(id="cmpl_1")

        yield events()


LONG = str(_PIECES_IN_20_MB)
"""The prompt for a completion of 20 MB."""


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / PID).write_text(str(os.getpid()))
    wire = stdio.claim()
    settings = Settings(data_dir=folder / "data", output_dir=folder / "output", soft_deadline_s=600)
    choice = Choice("engine", "a benchmark")
    backend = Backend(cast(Theo, _Instant()), cast(GetCode, _Instant()), choice, choice)

    async def serve() -> None:
        await stdio.serve(build(backend, settings), wire)

    anyio.run(serve)


if __name__ == "__main__":
    main()
