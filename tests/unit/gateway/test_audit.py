"""One row for each request that asks for work, under the id that its client was told, however it ended."""

from __future__ import annotations

from pathlib import Path

import anyio
import httpx2
import pytest
from pydantic import JsonValue

from tests.unit.gateway.world import V1, World, world
from theo_mcp.store import FILE, Store

SECRET = "a-very-secret-prompt"


async def rows(gateway: World, wanted: int) -> dict[JsonValue, dict[str, JsonValue]]:
    """The rows by id, once `wanted` are there: they are written a moment after the answer."""
    with anyio.fail_after(5):
        while True:
            newest = await gateway.store.contents.newest("audit", 0, 100)
            found = {row["request_id"]: {"tenant": owner, **row} for owner, row in newest if isinstance(row, dict)}
            if len(found) >= wanted:
                assert len(found) == len(newest)
                return found
            await anyio.lowlevel.checkpoint()


async def test_each_request_has_one_row_under_the_id_of_its_answer(tmp_path: Path) -> None:
    asked, unfit = {"prompt": SECRET}, "validation_error"
    async with world(tmp_path) as gateway:
        poor = await gateway.new_key(credits=0)
        answers: list[tuple[httpx2.Response, tuple[object, ...]]] = [
            (await gateway.post(f"{V1}completions", asked), ("completions", "ok", "", False)),
            (await gateway.post(f"{V1}completions", asked), ("completions", "ok", "", True)),
            (await gateway.post(f"{V1}chat/completions", {}), ("completions", "failed", "validation_error", False)),
            (
                await gateway.post(f"{V1}completions", {"mode": SECRET}),
                ("completions", "failed", "validation_error", False),
            ),
            (await gateway.post(f"{V1}completions", {"prompt": " "}), ("completions", "failed", unfit, False)),
            (await gateway.post(f"{V1}images", asked), ("images", "failed", "not_available_here", False)),
            (await gateway.post(f"{V1}research", asked), ("research", "failed", "not_available_here", False)),
            (await gateway.post("/api/improve", {"prompt": SECRET}), ("improve", "failed", unfit, False)),
            (await gateway.post(f"{V1}code", asked, **poor), ("code", "failed", "insufficient_credits", False)),
            (await gateway.post(f"{V1}code", asked, idempotency_key="k"), ("code", "ok", "", False)),
            (await gateway.post(f"{V1}code", asked, idempotency_key="k"), ("code", "ok", "", True)),
        ]
        noted = await rows(gateway, len(answers))

    told = ("method", "status", "code", "cached")
    assert [tuple(noted[answer.headers["x-request-id"]][name] for name in told) for answer, _ in answers] == [
        row for _, row in answers
    ]
    assert len(noted) == len(answers)
    assert answers[0][0].json()["request_id"] == answers[0][0].headers["x-request-id"]
    assert SECRET not in str(noted)


async def test_a_stream_and_one_that_is_left_have_a_row_too(gateway: World) -> None:
    held = len(await rows(gateway, 0))
    whole = await gateway.post(f"{V1}completions", gateway.hello(stream=True))
    gateway.model.silent_after = 1
    async with gateway.client.stream("POST", f"{V1}completions", json=gateway.hello(stream=True)) as left:
        await anext(left.aiter_bytes())

    noted = await rows(gateway, held + 2)
    assert noted[whole.headers["x-request-id"]]["status"] == "ok"
    assert noted[left.headers["x-request-id"]]["status"] == "cancelled"
    assert noted[left.headers["x-request-id"]]["model"] == "scripted-1b"


@pytest.mark.slow
async def test_a_flood_without_a_key_leaves_a_row_a_second(tmp_path: Path) -> None:
    async with world(tmp_path) as gateway:
        for _ in range(20):
            answer = await gateway.post(f"{V1}completions", {"prompt": SECRET}, authorization="Bearer wrong")
            assert answer.status_code == 401
        (await gateway.post(f"{V1}completions", gateway.hello())).raise_for_status()
        noted = await rows(gateway, 2)

    strangers = [row for row in noted.values() if row["tenant"] == ""]
    assert 1 <= len(strangers) <= 3
    assert strangers[0]["code"] == "invalid_api_key"


@pytest.mark.slow
async def test_a_key_without_the_scope_has_its_rows(tmp_path: Path) -> None:
    async with world(tmp_path) as gateway:
        narrow = await gateway.new_key(scopes=("skills",))
        for _ in range(3):
            assert (await gateway.post(f"{V1}completions", gateway.hello(), **narrow)).status_code == 403
        (await gateway.post(f"{V1}completions", gateway.hello())).raise_for_status()
        noted = await rows(gateway, 4)

    assert [row["code"] for row in noted.values() if row["tenant"]].count("missing_scope") == 3


@pytest.mark.slow
async def test_a_request_that_the_end_of_the_gateway_cuts_off_has_not_been_answered(tmp_path: Path) -> None:
    head = "POST {}completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\ncontent-length: 9\r\n\r\n"
    async with world(tmp_path) as gateway:
        half = await anyio.connect_tcp("127.0.0.1", int(gateway.url.rpartition(":")[2]))
        await half.send(head.format(V1, gateway.key).encode())
        (await gateway.post(f"{V1}completions", gateway.hello())).raise_for_status()
    async with half, Store.open(tmp_path / FILE) as store:
        newest = [row for _, row in await store.contents.newest("audit", 0, 10)]

    assert [(row["status"], row["cached"]) for row in newest if isinstance(row, dict)] == [
        ("cancelled", False),
        ("ok", False),
    ]
