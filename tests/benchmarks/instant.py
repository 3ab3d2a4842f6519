"""A model server that answers every chat at once with the same two words, so that only what is around it takes time."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

_HEAD_LIMIT = 65_536


@asynccontextmanager
async def instant_model() -> AsyncIterator[str]:
    """Its address on loopback, for as long as the context lasts."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, _answer)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/v1"
        tasks.cancel_scope.cancel()


async def _answer(connection: SocketStream) -> None:
    async with connection:
        asked = BufferedByteReceiveStream(connection)
        head = await asked.receive_until(b"\r\n\r\n", _HEAD_LIMIT)
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
        await asked.receive_exactly(int(length[1]) if length else 0)
        await connection.send(_REPLY)


def _event(**fields: object) -> str:
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [], **fields})}\n\n"


def _choice(delta: dict[str, str], finish: str | None = None) -> list[dict[str, object]]:
    return [{"index": 0, "delta": delta, "finish_reason": finish}]


_REPLY = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    + _event(choices=_choice({"role": "assistant", "content": "All"}))
    + _event(choices=_choice({"content": " done."}))
    + _event(choices=_choice({}, "stop"))
    + _event(usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
    + "data: [DONE]\n\n"
).encode()
