"""A small HTTP/1.1 server whose every byte a test can decide."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup
from anyio.streams.tls import TLSListener, TLSStream

Fields = dict[str, Any]


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Fields:
        fields: Fields = json.loads(self.body)
        return fields


@dataclass
class Exchange:
    """One request, and the means to answer it. `closed` is set when the client closes the socket meanwhile."""

    request: Received
    socket: SocketStream | TLSStream
    closed: anyio.Event = field(default_factory=anyio.Event)
    ended: bool = False

    async def reply(self, status: int, body: object, **headers: str) -> None:
        """A whole reply: JSON for anything but bytes and str. Header names are given with underscores."""
        data = (
            body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        )
        fields = {"content-type": "application/json", "content-length": str(len(data))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        await self.raw(_head(status, fields) + data)

    async def start_events(self) -> None:
        """The head of an event stream that ends when the socket does."""
        await self.raw(_head(200, {"content-type": "text/event-stream; charset=utf-8", "connection": "close"}))
        self.ended = True

    async def event(self, data: object, name: str | None = None) -> None:
        """One event; JSON for anything but a str."""
        text = data if isinstance(data, str) else json.dumps(data)
        await self.raw((f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode())

    async def close(self) -> None:
        """Ends the connection in order, wherever the reply stands."""
        self.ended = True
        await self.socket.aclose()

    async def reset(self) -> None:
        """Breaks the connection: the client sees a reset."""
        raw_socket = self.socket.extra(SocketAttribute.raw_socket)
        raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self.close()

    async def raw(self, data: bytes) -> None:
        """Bytes as they are. A client that has gone is no error here."""
        try:
            await self.socket.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError):
            self.closed.set()


Handler = Callable[[Exchange], Awaitable[None]]


class HttpServer:
    """Listens on a free port of 127.0.0.1 or on `port`, with TLS if given a context. Queue handlers in `next` to answer
    the coming requests in another way."""

    def __init__(self, handle: Handler, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._handle = handle
        self._tls = tls
        self._port = port
        self.watches = True
        """Whether handlers are stopped when the client closes; that reads from the socket."""
        self.next: list[Handler] = []
        self.requests: list[Received] = []
        self.exchanges: list[Exchange] = []
        self.origin = ""

    async def __aenter__(self) -> Self:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=self._port)
        scheme, host = ("http", "127.0.0.1") if self._tls is None else ("https", "localhost")
        self.origin = f"{scheme}://{host}:{listener.extra(SocketAttribute.local_port)}"
        self._tasks: TaskGroup = anyio.create_task_group()
        await self._tasks.__aenter__()
        self._listener = listener
        accepting = listener if self._tls is None else TLSListener(listener, self._tls, standard_compatible=False)
        self._tasks.start_soon(accepting.serve, self._connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self._listener.aclose()

    async def _connection(self, socket: SocketStream | TLSStream) -> None:
        buffer = b""
        async with socket:
            while True:
                try:
                    while b"\r\n\r\n" not in buffer:
                        buffer += await socket.receive()
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    lines = head.decode("latin-1").split("\r\n")
                    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines[1:])}
                    length = int(headers.get("content-length", 0))
                    while len(buffer) < length:
                        buffer += await socket.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
                    return
                method, path, _ = lines[0].split(" ", 2)
                exchange = Exchange(Received(method, path, headers, buffer[:length]), socket)
                buffer = buffer[length:]
                self.requests.append(exchange.request)
                self.exchanges.append(exchange)
                handler = self.next.pop(0) if self.next else self._handle
                async with anyio.create_task_group() as tasks:
                    if self.watches:
                        tasks.start_soon(_watch, exchange, tasks)
                    await handler(exchange)
                    tasks.cancel_scope.cancel()
                if exchange.ended or exchange.closed.is_set() or headers.get("connection") == "close":
                    return


async def _watch(exchange: Exchange, tasks: TaskGroup) -> None:
    """Sees the client close, and stops the handler as a real server's would be."""
    try:
        await exchange.socket.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError):
        exchange.closed.set()
        tasks.cancel_scope.cancel()


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
