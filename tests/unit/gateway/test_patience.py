"""Clients that are slow, silent or stop reading, and what the gateway does meanwhile."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from tests.unit.gateway.world import V1, World, world
from theo_mcp.gateway.patience import Patience

pytestmark = pytest.mark.slow
STREAM = {"prompt": "Hello", "stream": True}


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, Patience(head=0.3, body=0.3, first=0.1, silent=0.1, stalled=0.3)) as made:
        yield made


def request_of(gateway: World, body: bytes, *, length: int | None = None) -> bytes:
    head = (
        f"POST {V1}completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {gateway.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body


async def test_a_head_that_does_not_come_is_not_waited_for(hasty: World) -> None:
    assert await hasty.raw(b"") == b""
    assert await hasty.raw(b"GET / HTTP/1.1\r\nhost: loc") == b""


async def test_nor_is_the_next_head_on_a_connection_that_was_kept(hasty: World) -> None:
    answered = await hasty.raw(b"GET /api/v1/models HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HT")

    assert answered.count(b"HTTP/1.1 ") == 1
    assert answered.startswith(b"HTTP/1.1 401 ")


async def test_a_body_that_does_not_come_gets_408(hasty: World) -> None:
    answer = await hasty.raw(request_of(hasty, b'{"prompt"', length=99))

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "request_timeout"


async def test_a_long_body_is_refused_before_it_is_sent_where_the_client_asks_first(hasty: World) -> None:
    head = request_of(hasty, b"", length=3 * 2**20).replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n")

    answer = await hasty.raw(head)

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_silent_stream_begins_with_its_heartbeat_and_keeps_it(hasty: World) -> None:
    hasty.model.silent_after = 0
    told: list[str] = []

    with anyio.fail_after(5):
        async with hasty.client.stream("POST", f"{V1}completions", json=STREAM) as answer:
            async for line in answer.aiter_lines():
                told.append(line)
                if told.count("event: thinking") == 3:
                    break
            await hasty.model.until_at_work(1)
        await hasty.model.exchanges[-1].closed.wait()

    assert answer.status_code == 200


async def test_a_reader_that_stops_reading_stops_the_model(hasty: World) -> None:
    hasty.model.pieces = ("x" * 100_000,) * 400  # more than all buffers between here and there hold

    with anyio.fail_after(10):
        async with await anyio.connect_tcp("127.0.0.1", int(hasty.url.rpartition(":")[2])) as socket:
            await socket.send(request_of(hasty, json.dumps(STREAM).encode()))
            while not hasty.model.exchanges or hasty.model.exchanges[-1].request.method == "GET":
                await socket.receive(1)
            await hasty.model.exchanges[-1].closed.wait()


async def test_a_store_that_is_locked_fails_what_needs_it_and_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path, store_timeout_s=0.2) as gateway:
        limited, plain = await gateway.new_key(credits=1), await gateway.new_key("free")
        with closing(sqlite3.connect(gateway.store.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            free = await gateway.get(f"{V1}models")
            paid = await gateway.post(f"{V1}completions", {"prompt": "Hello"}, **limited)
            counted = await gateway.post("/api/improve", {"prompt": "x", "outputType": "api"}, **plain)
            with anyio.fail_after(4):  # its key was never used before, and nothing of the cache was read
                owners = await gateway.post(f"{V1}completions", {"prompt": "Hello"})

    assert free.status_code == owners.status_code == 200
    assert (paid.status_code, paid.json()["error"]["code"]) == (503, "server_error")
    assert paid.headers["retry-after"] == "1"
    assert counted.json() == {"error": "Another program holds what this machine keeps between calls."}


async def test_pages_elsewhere_call_it_only_where_the_owner_lets_them(tmp_path: Path) -> None:
    asks = {"origin": "https://example.com", "access-control-request-method": "POST"}
    asks["access-control-request-headers"] = "authorization"
    async with world(tmp_path / "open", allow_origins=["https://example.com"]) as gateway:
        allowed = await gateway.client.options(f"{V1}completions", headers=asks)
        other = await gateway.client.options(f"{V1}completions", headers=asks | {"origin": "https://evil.example"})
        answered = await gateway.get(f"{V1}models", origin="https://example.com")
    async with world(tmp_path / "closed") as gateway:
        closed = await gateway.client.options(f"{V1}completions", headers=asks)

    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://example.com"
    assert "access-control-allow-origin" not in other.headers
    assert "X-Request-Id" in answered.headers["access-control-expose-headers"]
    assert (closed.status_code, "access-control-allow-origin" in closed.headers) == (405, False)


async def test_a_further_name_is_answered_where_the_owner_gave_it(tmp_path: Path) -> None:
    async with world(tmp_path, allow_hosts=["Box.local"]) as gateway:
        answers = [await gateway.get(f"{V1}health", host=host) for host in ("box.local:8484", "localhost", "other")]

    assert [answer.status_code for answer in answers] == [200, 200, 421]
