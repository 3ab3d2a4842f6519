"""Load on an HTTP server: so many connections at once, each sending one request after the other.

It writes and reads sockets itself, because a client library would take more of the processor than the server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

_HEAD_BYTES = 65_536


@dataclass
class Load:
    """What was measured: each request's seconds, and the seconds of all together."""

    seconds: list[float] = field(default_factory=list)
    whole_s: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.seconds) / self.whole_s

    def percentile_ms(self, share: float) -> float:
        """The time that `share` of the requests did not take longer than."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


async def load(
    origin: str, path: str, body_of: Callable[[int], object], *, connections: int, requests: int, key: str = ""
) -> Load:
    """`requests` POSTs in all; `body_of` makes the JSON of each by its number. Any answer but 200 is an error."""
    measured = Load()
    numbers = iter(range(requests))
    address = urlsplit(origin)

    async def one() -> None:
        async with await anyio.connect_tcp(address.hostname or "", address.port or 80) as stream:
            reader = BufferedByteReceiveStream(stream)
            for number in numbers:
                body = json.dumps(body_of(number)).encode()
                head = (
                    f"POST {path} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-type: application/json\r\n"
                    f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
                )
                began = time.perf_counter()
                await stream.send(head.encode() + body)
                await _read(reader)
                measured.seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(connections):
            tasks.start_soon(one)
    measured.whole_s = time.perf_counter() - began
    return measured


async def _read(reader: BufferedByteReceiveStream) -> bytes:
    head = (await reader.receive_until(b"\r\n\r\n", _HEAD_BYTES)).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"The server answered {head[:40]!r}.")
    lengths = [line[15:] for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    if lengths:
        return await reader.receive_exactly(int(lengths[0]))
    return await _chunked(reader)


async def _chunked(reader: BufferedByteReceiveStream) -> bytes:
    whole = b""
    while True:
        size = int(await reader.receive_until(b"\r\n", 32), 16)
        data = await reader.receive_exactly(size + 2)
        if not size:
            return whole
        whole += data[:-2]
