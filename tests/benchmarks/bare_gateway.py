"""The least that a gateway can be: one Starlette handler that asks the model server and answers as Theo does.

Started with ``python -m tests.benchmarks.bare_gateway MODEL_URL``; prints its address, and ends when its stdin closes.
No keys, limits, checks, pipeline, cache or store: what those cost is what the comparison shows.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


def app(model_url: str) -> Starlette:
    """The handler, over one client that makes a connection for each request, as our engine does on loopback."""
    client = httpx2.AsyncClient(limits=httpx2.Limits(max_keepalive_connections=0), trust_env=False, timeout=60)

    async def pieces(prompt: str) -> AsyncIterator[str]:
        body = {"model": "instant", "messages": [{"role": "user", "content": prompt}], "stream": True}
        async with client.stream("POST", f"{model_url}/chat/completions", json=body) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        if text := choice["delta"].get("content"):
                            yield text

    async def completions(request: Request) -> Response:
        fields = await request.json()
        if fields.get("stream"):
            return StreamingResponse(events(fields["prompt"]), media_type="text/event-stream")
        text = "".join([piece async for piece in pieces(fields["prompt"])])
        return JSONResponse({"id": "cmpl_1", "object": "completion", "content": text})

    async def events(prompt: str) -> AsyncIterator[str]:
        async for piece in pieces(prompt):
            yield f"event: token\ndata: {json.dumps({'token': piece})}\n\n"
        yield "event: done\ndata: {}\n\n"

    return Starlette(routes=[Route("/api/v1/completions", completions, methods=["POST"])])


class _Server(uvicorn.Server):
    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        port = self.servers[0].sockets[0].getsockname()[1]
        sys.stdout.write(f"http://127.0.0.1:{port}\n")
        sys.stdout.flush()


async def _main() -> None:
    server = _Server(uvicorn.Config(app(sys.argv[1]), port=0, log_level="error", access_log=False))
    running = asyncio.create_task(server.serve())
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.should_exit = True
    await running


if __name__ == "__main__":
    asyncio.run(_main())
