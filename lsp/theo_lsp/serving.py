"""Serves an editor that may have its answer to initialize already, and the messages that came since."""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

import anyio

from theo_lsp.session import Session
from theo_lsp.wire.ending import end_soon, stop_at_signal, stop_without
from theo_lsp.wire.input import Input
from theo_lsp.wire.output import Writer
from theo_mcp.secret import RedactingFilter

if TYPE_CHECKING:
    from theo_lsp.wire.peers import Peer

_GARBAGE = (20_000, 20, 50)
"""How many objects come between two collections: a key makes some hundred, and a pause is felt while typing."""
_TURN_S = 0.0005
"""How long a thread at work may keep the event loop waiting. A menu takes several turns, and has five milliseconds."""


def serve(peer: Peer, reading: Input, editor: int | None, *, answered: bool) -> int:
    """The exit code of the server."""
    log_to_stderr()
    return anyio.run(_serve, peer, reading, editor, answered)


async def _serve(peer: Peer, reading: Input, editor: int | None, answered: bool) -> int:
    async with anyio.create_task_group() as tasks:
        stop = tasks.cancel_scope.cancel
        tasks.start_soon(stop_at_signal, stop)
        async with Session.open(Writer(peer, end_soon), tasks, stop, answered=answered) as session:
            session.warm()
            sys.setswitchinterval(_TURN_S)
            gc.freeze()  # what was imported stays, and need not be looked through again
            gc.set_threshold(*_GARBAGE)
            tasks.start_soon(stop_without, lambda: session.editor_process or editor, stop)
            await reading.hand(session.take, lost=end_soon)
            stop()
    return session.exit_code


def log_to_stderr() -> None:
    """Warnings and errors, without what is secret; those of libraries that log bodies are left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("pygls", "httpx2", "httpcore2"):  # they log bodies and addresses, pygls also in its errors
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
