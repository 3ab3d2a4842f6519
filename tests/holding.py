"""A model server whose next answer waits in the middle, so that a test can do something meanwhile."""

from __future__ import annotations

import anyio

from theo_mcp.testing.http import Exchange, Fields
from theo_mcp.testing.model_server import ModelServer


def held(server: ModelServer, *, after: int = 2) -> anyio.Event:
    """The next answer stops after so many pieces, until the event is set."""
    go_on = anyio.Event()

    async def answer(exchange: Exchange) -> None:
        if exchange.request.method == "GET":  # asked once for the models, before the first answer
            server.next.insert(0, answer)
            await exchange.reply(200, {"object": "list", "data": [{"id": name} for name in server.models]})
            return
        await exchange.start_events()
        for number, piece in enumerate(server.pieces):
            if number == after:
                await go_on.wait()
            await exchange.event(_chunk({"content": piece}))
        await exchange.event(_chunk({}, "stop"))
        await exchange.event("[DONE]")

    server.next.append(answer)
    return go_on


def _chunk(delta: Fields, finish: str | None = None) -> Fields:
    return {"id": "c1", "model": "scripted-1b", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
