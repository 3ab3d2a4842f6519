"""Where the bytes come from and go to. It imports next to nothing, because an editor waits for the first of them."""

from __future__ import annotations

import os
from collections.abc import Callable

from theo_mcp.machine import claimed

TYPE_CHECKING = False  # `typing` takes longer to import than all of this
if TYPE_CHECKING:
    import socket
    from typing import Protocol

    class Peer(Protocol):
        """One side to read from and to write to."""

        def read(self, most: int) -> bytes: ...

        def write(self, data: bytes) -> None: ...

        def fileno(self) -> int:
            """What tells that there is something to read."""
            ...


class Descriptors:
    """Two file descriptors."""

    def __init__(self, input: int, output: int) -> None:
        self._input, self._output = input, output

    def read(self, most: int) -> bytes:
        return os.read(self._input, most)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._output, view) :]

    def fileno(self) -> int:
        return self._input


class Connection:
    """One TCP connection."""

    def __init__(self, socket: socket.socket) -> None:
        self._socket = socket

    def read(self, most: int) -> bytes:
        return self._socket.recv(most)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def fileno(self) -> int:
        return self._socket.fileno()


def claim() -> Descriptors:
    """Takes stdin and stdout for the protocol."""
    return Descriptors(*claimed())


def accept(host: str, port: int, *, listening: Callable[[int], None]) -> Connection:
    """The first connection to `host`; `listening` is told the port."""
    import socket

    with socket.create_server((host, port)) as server:
        listening(server.getsockname()[1])
        return Connection(server.accept()[0])
