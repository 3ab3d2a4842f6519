"""Clients that leave at every stage of a request: nothing of it stays behind."""

from __future__ import annotations

import json
import random
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.unit.gateway.world import V1, World, world
from theo_mcp.testing.http import Exchange

pytestmark = pytest.mark.slow
_CLIENTS = 300


def _is_over(exchange: Exchange) -> bool:
    """Whether the model has ended, or was stopped."""
    return exchange.request.method == "GET" or exchange.ended or exchange.closed.is_set()


def _request(gateway: World, key: str, chance: random.Random) -> bytes:
    path, body = chance.choice(
        [
            (f"{V1}completions", gateway.hello(stream=True)),
            (f"{V1}completions", gateway.hello()),
            (f"{V1}completions", gateway.hello(conversation_id="new", stream=True)),
            (f"{V1}chat/completions", {"messages": [{"role": "user", "content": "Hello"}], "stream": True}),
            ("/api/generate", {"prompt": "A list", "outputType": "website"}),
            ("/api/improve", {"prompt": "A list", "outputType": "api"}),
        ]
    )
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
    once = f"idempotency-key: {chance.randrange(20)}\r\n" if chance.random() < 0.3 else ""
    return f"{head}{once}content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


async def test_clients_that_leave_at_any_time_leave_nothing_behind(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with world(tmp_path) as gateway:
        key = await gateway.new_key(credits=1000)
        text = key["authorization"].removeprefix("Bearer ")
        gateway.model.pieces = ("word ",) * 50
        at_once = anyio.Semaphore(20)

        async def leave() -> None:
            data = _request(gateway, text, chance)
            sent = chance.choice([len(data), len(data), chance.randrange(len(data))])
            received = chance.choice([0, 1, 200, 2000])
            async with at_once, await anyio.connect_tcp("127.0.0.1", int(gateway.url.rpartition(":")[2])) as socket:
                await socket.send(data[:sent])
                with anyio.move_on_after(0.5):
                    got = 0
                    while got < received:
                        got += len(await socket.receive())

        with anyio.fail_after(40):
            async with anyio.create_task_group() as tasks:
                for _ in range(_CLIENTS):
                    tasks.start_soon(leave)
            while not all(map(_is_over, gateway.model.exchanges)):
                await anyio.lowlevel.checkpoint()
            answer = await gateway.post(f"{V1}completions", gateway.hello(), **key)
            again = [
                await gateway.post(f"{V1}completions", gateway.hello(), idempotency_key=str(number), **key)
                for number in range(20)
            ]
            left = await gateway.get(f"{V1}rate-limits", **key)

    assert answer.status_code == 200
    assert {each.status_code for each in again} <= {200, 409}  # what was answered is kept; no claim stands in the way
    assert left.json()["credits"]["left_cents"] == 1000
