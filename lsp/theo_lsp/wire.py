"""The protocol's bytes: what comes in is cut into messages, what goes out is written by a thread of its own.

Ours instead of pygls' loop, which blocks on a client that reads nothing, waits for its reader's thread at the end, dies
of a header written in lower case and of a body that is cut off. A body that is no JSON is answered and costs nothing
else; half a header is waited for.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import anyio
import anyio.from_thread
from anyio.lowlevel import EventLoopToken, current_token

from theo_mcp.machine import claimed

log = logging.getLogger(__name__)
_END_GRACE_S = 1.5
"""From the end of input, or a signal, to the end of the process, whatever is still running."""
_PARENT_POLL_S = 2.0
_READ = 2**16
_LONGEST_HEADER = 2**14
_LONGEST_BODY = 256 * 2**20
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,10})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")


class Peer(Protocol):
    """Where the bytes come from and go to."""

    def read(self, most: int) -> bytes: ...

    def write(self, data: bytes) -> None: ...


@dataclass(frozen=True)
class Descriptors:
    """Two file descriptors."""

    input: int
    output: int

    def read(self, most: int) -> bytes:
        return os.read(self.input, most)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.output, view) :]


@dataclass(frozen=True)
class Connection:
    """One TCP connection."""

    socket: socket.socket

    def read(self, most: int) -> bytes:
        return self.socket.recv(most)

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)


def claim() -> Descriptors:
    """Takes stdin and stdout for the protocol."""
    return Descriptors(*claimed())


def accept(host: str, port: int, *, listening: Callable[[int], None]) -> Connection:
    """The first connection to `host`; `listening` is told the port."""
    with socket.create_server((host, port)) as server:
        listening(server.getsockname()[1])
        return Connection(server.accept()[0])


class Frames:
    """Bytes in, bodies out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are complete now.

        Raises:
            ValueError: what came has no length that can be believed, so nobody knows where the next message begins.
        """
        self._buffer += data
        while True:
            if self._length is None:
                end = _END_OF_HEADER.search(self._buffer, 0, _LONGEST_HEADER)
                if end is None:
                    if len(self._buffer) >= _LONGEST_HEADER:
                        raise ValueError("a header without an end")
                    return
                length = _LENGTH.search(self._buffer, 0, end.start() + 1)
                if length is None or int(length[1]) > _LONGEST_BODY:
                    raise ValueError("a header without a length that can be believed")
                self._length = int(length[1])
                del self._buffer[: end.end()]
            if len(self._buffer) < self._length:
                return
            body = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = None
            yield body


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
    ended = anyio.Event()
    _Reader(peer, current_token(), take, ended, lost).start()
    await ended.wait()


class _Reader(threading.Thread):
    """A thread, because no event loop can wait for every kind of stdin (files, consoles)."""

    def __init__(
        self,
        peer: Peer,
        token: EventLoopToken,
        take: Callable[[bytes], None],
        ended: anyio.Event,
        lost: Callable[[], None],
    ) -> None:
        super().__init__(daemon=True, name="input")
        self._peer, self._token, self._take, self._ended, self._lost = peer, token, take, ended, lost

    def run(self) -> None:
        frames = Frames()
        try:
            with suppress(RuntimeError, OSError):
                while data := self._peer.read(_READ):
                    anyio.from_thread.run_sync(self._feed, frames, data, token=self._token)
        except ValueError as error:
            log.error("The input cannot be cut into messages, because of %s. The server ends.", error)
        finally:
            self._lost()
            with suppress(RuntimeError):  # the loop is gone
                anyio.from_thread.run_sync(self._ended.set, token=self._token)

    def _feed(self, frames: Frames, data: bytes) -> None:
        for body in frames.feed(data):
            self._take(body)


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
    except OSError:  # it is someone else's, or the number is none
        return True
    return True
