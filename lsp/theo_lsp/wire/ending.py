"""The end of the process: at a signal, when the input ends, or when the editor has died."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial

import anyio

_END_GRACE_S = 1.5
"""From the end of input, or a signal, to the end of the process, whatever is still running."""
_PARENT_POLL_S = 2.0


def end_soon() -> None:
    """Ends the process after a grace period. Children end with us, because their stdin closes."""
    timer = threading.Timer(_END_GRACE_S, partial(os._exit, 0))
    timer.daemon = True
    timer.start()


async def stop_at_signal(stop: Callable[[], None]) -> None:
    """Calls `stop` at SIGINT, SIGTERM or SIGHUP."""
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async for _ in signals:
            end_soon()
            stop()
            return


async def stop_without(editor: Callable[[], int | None], stop: Callable[[], None]) -> None:
    """Calls `stop` when our parent has died, or the process that `editor` names: an editor that is killed may leave
    our input open in another child of its own."""
    if sys.platform == "win32":
        return
    parent = os.getppid()
    while os.getppid() == parent and _lives(editor()):  # noqa: ASYNC110 - nothing tells when a process dies
        await anyio.sleep(_PARENT_POLL_S)
    end_soon()
    stop()


def _lives(process: int | None) -> bool:
    if process is None or process <= 0:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is someone else's, or the number is none
        return True
    return True
