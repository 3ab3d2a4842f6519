"""Streams and the connections they leave behind: a whole one is used again, another is closed."""

from __future__ import annotations

import anyio
import httpx2
import pytest

from theo_mcp import CompletionRequest, GenerateRequest
from theo_mcp.hosted.getcode import GetCodeClient
from theo_mcp.hosted.theo import TheoClient
from theo_mcp.testing.http import Exchange, Handler, HttpServer
from theo_mcp.wire.openai import ChatCompletionRequest, ChatMessage

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BODIES = {
    "/api/v1/completions": b'event: token\ndata: {"token": "Hi"}\n\nevent: done\ndata: {"id": "cmpl_1"}\n\n',
    "/api/v1/chat/completions": b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\ndata: [DONE]\n\n',
    "/api/generate": b'event: token\ndata: {"text": "Hi"}\n\nevent: done\ndata: {}\n\n',
}


def streaming(end: bytes) -> Handler:
    """A service that keeps its connections, as most do, and ends each stream with `end`."""

    async def answer(exchange: Exchange) -> None:
        body = BODIES[exchange.request.path]
        await exchange.raw(HEAD + f"{len(body):x}\r\n".encode() + body + b"\r\n")
        await anyio.lowlevel.checkpoint()
        await exchange.raw(end)

    return answer


async def read_each(server: HttpServer, http: httpx2.AsyncClient) -> None:
    """One stream of each kind, one after the other."""
    theo = TheoClient("theo_sk_1", base_url=server.origin, http_client=http)
    getcode = GetCodeClient("gc_1", base_url=server.origin, http_client=http)
    async with theo.stream(CompletionRequest(prompt="Hello")) as events:
        assert len([event async for event in events]) == 2
    async with theo.chat_stream(ChatCompletionRequest(messages=(ChatMessage(role="user", content="Hi"),))) as chunks:
        assert len([chunk async for chunk in chunks]) == 1
    async with getcode.generate(GenerateRequest(prompt="Hello", output_type="website")) as made:
        assert len([event async for event in made]) == 2


@pytest.mark.parametrize(
    ("end", "connections"),
    [
        (b"0\r\n\r\n", 1),
        (b"", 3),
        pytest.param(b"2\r\n: \r\n", 3, marks=pytest.mark.slow),
        pytest.param(b"junk", 3, marks=pytest.mark.slow),
    ],
)
async def test_a_connection_is_used_again_where_the_service_ended_its_reply(end: bytes, connections: int) -> None:
    server = HttpServer(streaming(end))
    server.watches = False
    async with server, httpx2.AsyncClient() as http:
        with anyio.fail_after(5):
            await read_each(server, http)

    assert len({id(exchange.socket) for exchange in server.exchanges}) == connections


async def test_a_stream_that_is_left_is_closed_at_once() -> None:
    async def silent(exchange: Exchange) -> None:
        await streaming(b"")(exchange)
        await anyio.sleep_forever()

    async with HttpServer(silent) as server, httpx2.AsyncClient() as http:
        theo = TheoClient("theo_sk_1", base_url=server.origin, http_client=http)
        with anyio.fail_after(5):
            async with theo.stream(CompletionRequest(prompt="Hello")) as events:
                await anext(events)
            await server.exchanges[0].closed.wait()
