"""An OpenAI-compatible model server that answers at once, so that what is left is the way to it and back.

Started with ``python -m tests.benchmarks.instant_model``; prints its address, and ends when its stdin closes.
"""

from __future__ import annotations

import asyncio
import json
import sys

_PIECES = ("Tides ", "are ", "the ", "rise ", "and ", "fall ", "of ", "seas.")
_MODELS = json.dumps({"object": "list", "data": [{"id": "instant", "object": "model"}]}).encode()


def _stream() -> bytes:
    def chunk(**more: object) -> bytes:
        return (
            b"data: "
            + json.dumps({"id": "c", "object": "chat.completion.chunk", "model": "instant", **more}).encode()
            + b"\n\n"
        )

    out = b"".join(
        chunk(choices=[{"index": 0, "delta": {"content": piece}, "finish_reason": None}]) for piece in _PIECES
    )
    out += chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    out += chunk(choices=[], usage={"prompt_tokens": 8, "completion_tokens": len(_PIECES), "total_tokens": 16})
    return out + b"data: [DONE]\n\n"


_ANSWER = _stream()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            await reader.readexactly(length)
            if lines[0].startswith(b"get"):
                body, kind = _MODELS, b"application/json"
            else:
                body, kind = _ANSWER, b"text/event-stream"
            closes = b"connection: close" in lines
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\nconnection: %s\r\n\r\n%s"
                % (kind, len(body), b"close" if closes else b"keep-alive", body)
            )
            await writer.drain()
            if closes:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main())
