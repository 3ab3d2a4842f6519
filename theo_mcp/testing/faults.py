"""What services, proxies and networks do wrong, as handlers for `HttpServer.next`.

Each takes the place of one honest answer::

    service.next = [faults.status(503, retry_after="0.1"), faults.cut(faults.head(200) + b'{"id"')]
"""

from __future__ import annotations

import gzip
import json

import anyio

from theo_mcp.testing.http import Exchange, Handler

EVENTS = "text/event-stream"
JSON = "application/json"


def head(status: int, kind: str = JSON, *, length: int | None = None, **headers: str) -> bytes:
    """The head of a reply; without `length` its body ends with the connection. Names are given with underscores."""
    fields = {"content-type": kind} | ({} if length is None else {"content-length": str(length)})
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def token(text: str) -> bytes:
    """One token event of a streamed completion."""
    return f"event: token\ndata: {json.dumps({'token': text})}\n\n".encode()


def done(text: str) -> bytes:
    """The terminator of a streamed completion."""
    return f"event: done\ndata: {json.dumps({'id': 'cmpl_1', 'content': text, 'usage': {}})}\n\n".encode()


def status(code: int, body: object = "", **headers: str) -> Handler:
    """A whole reply."""

    async def handle(exchange: Exchange) -> None:
        await exchange.reply(code, body, **headers)

    return handle


def whole(data: bytes) -> Handler:
    """These bytes, on a connection that stays open for the next request."""

    async def handle(exchange: Exchange) -> None:
        await exchange.raw(data)

    return handle


def cut(data: bytes = b"") -> Handler:
    """These bytes, then the end of the connection."""

    async def handle(exchange: Exchange) -> None:
        await exchange.raw(data)
        await exchange.close()

    return handle


def reset(data: bytes = b"") -> Handler:
    """These bytes, then a broken connection."""

    async def handle(exchange: Exchange) -> None:
        await exchange.raw(data)
        await exchange.reset()

    return handle


def stall(data: bytes = b"") -> Handler:
    """These bytes, then nothing on an open connection."""

    async def handle(exchange: Exchange) -> None:
        await exchange.raw(data)
        await anyio.sleep_forever()

    return handle


def drip(first: bytes, again: bytes, every: float = 0.01) -> Handler:
    """`first`, then `again` and again for ever."""

    async def handle(exchange: Exchange) -> None:
        await exchange.raw(first)
        while not exchange.closed.is_set():
            await exchange.raw(again)
            await anyio.sleep(every)

    return handle


def bomb(unpacked: int) -> bytes:
    """A small gzip body that unpacks to so many bytes."""
    return gzip.compress(b"\0" * unpacked, 9)
