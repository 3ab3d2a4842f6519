"""The protocol's bytes: what comes in is cut into messages, what goes out is written by a thread of its own.

Ours instead of pygls' loop, which blocks on a client that reads nothing, waits for its reader's thread at the end, dies
of a header written in lower case and of a body that is cut off. A body that is no JSON is answered and costs nothing
else; half a header is waited for.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import anyio

from theo_lsp.input import Input

if TYPE_CHECKING:
    from theo_lsp.peers import Peer

_END_GRACE_S = 1.5
"""From the end of input, or a signal, to the end of the process, whatever is still running."""
_PARENT_POLL_S = 2.0


@dataclass
class Writer:
    """Writes whole messages in the order in which they come; returns at once, also while the client reads nothing."""

    peer: Peer
    lost: Callable[[], None]
    """Called when nobody reads any more."""
    _waiting: queue.SimpleQueue[bytes | threading.Event] = field(default_factory=queue.SimpleQueue)

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True, name="output").start()

    def write(self, data: bytes) -> None:
        self._waiting.put(data)

    def close(self) -> None:
        """Returns when all that came before is written, or after a moment."""
        written = threading.Event()
        self._waiting.put(written)
        written.wait(0.5)

    def _run(self) -> None:
        while True:
            data = self._waiting.get()
            if isinstance(data, threading.Event):
                data.set()
                continue
            try:
                self.peer.write(data)
            except OSError:
                self.lost()
                return


async def read(peer: Peer, take: Callable[[bytes], None], *, lost: Callable[[], None]) -> None:
    """Hands each body to `take` in the event loop, until the input ends or cannot be cut into messages; then the
    reading thread calls `lost`, also where the loop is busy."""
    reading = Input(peer)
    reading.start()
    await reading.hand(take, lost=lost)


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
