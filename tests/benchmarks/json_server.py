"""A server in a process of its own that answers every request at once, so that its time is not the client's.

``python -m tests.benchmarks.json_server`` prints its port. ``/stream/N/M`` is answered with N events, M in a chunk;
everything else with a completion of 2 kB.
"""

from __future__ import annotations

import asyncio
import json
import sys

ANSWER = json.dumps(
    {
        "id": "cmpl_abc123", "object": "completion", "created": "2026-04-10T12:00:00Z", "content": "word " * 350,
        "mode": "auto", "resolved_mode": "fast",
        "model": {"id": "theo-1-flash", "label": "Theo Flash", "engine": "theo-core"},
        "tools_used": [], "artifacts": [], "follow_ups": [],
        "usage": {"cost_cents": 0.02, "prompt_tokens": 12, "completion_tokens": 156, "total_tokens": 168},
    }
).encode()  # fmt: skip
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
EVENT = b'event: token\ndata: {"token": "hello"}\n\n'
DONE = b'event: done\ndata: {"id": "cmpl_1", "content": "x", "usage": {}}\n\n'


class Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            head, found, rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self.transport.write(_events(head) if b" /stream/" in head[:20] else REPLY)


def _events(head: bytes) -> bytes:
    count, per_chunk = (int(part) for part in head.split(b" ")[1].split(b"/")[2:])
    chunk = EVENT * per_chunk
    one = b"%x\r\n%s\r\n" % (len(chunk), chunk)
    start = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return start + one * (count // per_chunk) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(DONE), DONE)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)  # its end is ours


if __name__ == "__main__":
    asyncio.run(main())
