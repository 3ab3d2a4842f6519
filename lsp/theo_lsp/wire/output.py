"""What goes out is written by a thread of its own, so that a client that reads nothing keeps nobody waiting."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theo_lsp.wire.peers import Peer


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
