"""Windows that slide, by a clock of the test's own; and credits that many requests take from at once."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from theo_mcp.gateway.credits import Credits
from theo_mcp.gateway.keys import Key
from theo_mcp.gateway.limits import Hours, Minutes
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.store import FILE, Store

FREE = Key("key_1", "", "free", 0.0)


class Clock:
    def __init__(self, now: float = 2_000_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(tmp_path / FILE) as opened:
        yield opened


def test_the_minute_slides_and_does_not_begin_anew() -> None:
    clock = Clock()
    minutes = Minutes(clock)
    for _ in range(30):
        minutes.take(FREE)
    clock.now += 40
    for _ in range(30):
        minutes.take(FREE)
    with pytest.raises(Refusal) as full:
        minutes.take(FREE)
    clock.now += 20
    for _ in range(30):
        minutes.take(FREE)
    with pytest.raises(Refusal) as again:
        minutes.take(FREE)
    minutes.take(replace(FREE, id="key_2"))

    assert (full.value.status, full.value.code, full.value.wait) == (429, "rate_limit_exceeded", "20")
    assert again.value.wait == "40"
    assert dict(minutes.headers(FREE))[b"x-ratelimit-reset-requests"] == b"40s"


def test_tokens_have_a_minute_of_their_own() -> None:
    clock = Clock()
    minutes = Minutes(clock)
    minutes.take(FREE)
    minutes.used(FREE, 60_000)
    clock.now += 10
    minutes.take(FREE)
    minutes.used(FREE, 50_000)
    with pytest.raises(Refusal) as full:
        minutes.take(FREE)
    headers = dict(minutes.headers(FREE))
    clock.now += 50
    minutes.take(FREE)

    assert (full.value.code, full.value.wait) == ("token_limit_exceeded", "50")
    assert headers[b"x-ratelimit-remaining-tokens"] == b"0"
    assert headers[b"x-ratelimit-reset-tokens"] == b"50s"


async def test_the_hour_rolls(store: Store) -> None:
    clock = Clock()
    hours = Hours(store, clock)
    for _ in range(5):
        await hours.take(FREE, "generate")
        clock.now += 600
    with pytest.raises(Refusal) as full:
        await hours.take(FREE, "generate")
    await hours.take(FREE, "improve")
    clock.now += 600
    await Hours(store, clock).take(FREE, "generate")  # as another process has it
    with pytest.raises(Refusal):
        await hours.take(FREE, "generate")

    assert (full.value.status, full.value.wait) == (429, "600")


async def test_a_month_of_generations_is_full_until_the_next(store: Store) -> None:
    clock = Clock(datetime(2026, 12, 30, 0, tzinfo=UTC).timestamp())
    hours = Hours(store, clock)
    for _ in range(10):
        for _ in range(5):
            await hours.take(FREE, "generate")
        clock.now += 3600
    with pytest.raises(Refusal) as full:
        await hours.take(FREE, "generate")
    clock.now = datetime(2027, 1, 1, 0, tzinfo=UTC).timestamp()
    await hours.take(FREE, "generate")

    assert full.value.message.startswith("The plan of this key allows 50 calls of generate a month.")
    assert full.value.wait == str(38 * 3600)


async def test_credits_are_taken_off_exactly_and_by_no_more_than_are_left(store: Store) -> None:
    key = replace(FREE, credits=1.0)
    one, other = Credits(store), Credits(store)  # as two processes have them
    answered = 0

    async def ask(credits: Credits) -> None:
        nonlocal answered
        async with credits.reserved(key, "completions") as spent:
            await anyio.lowlevel.checkpoint()
            spent.all(0.1, 10)
            answered += 1

    for _ in range(2):
        await ask(one)
        await ask(other)
    for _ in range(6):
        await ask(one)
    with pytest.raises(Refusal) as refused:
        await ask(other)

    assert answered == 10
    assert (refused.value.status, refused.value.code) == (402, "insufficient_credits")
    assert await one.left(key) == 0.0


async def test_what_is_reserved_keeps_a_crowd_within_the_credits(store: Store) -> None:
    key = replace(FREE, credits=0.5)
    credits = Credits(store)
    go_on = anyio.Event()
    answers: list[str] = []

    async def ask() -> None:
        try:
            async with credits.reserved(key, "completions") as spent:
                await go_on.wait()
                spent.all(0.1, 10)
                answers.append("answered")
        except Refusal:
            answers.append("refused")
            if answers.count("refused") == 6:
                go_on.set()

    async with credits.reserved(key, "completions") as spent:
        spent.all(0.1, 10)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ask)

    assert answers.count("answered") == 4
    assert await credits.left(key) == 0.0


async def test_a_request_that_breaks_pays_for_what_is_known(store: Store) -> None:
    key = replace(FREE, credits=1.0)
    credits = Credits(store)

    with pytest.raises(ValueError, match="broken"):
        async with credits.reserved(key, "completions") as spent:
            spent.cents = 0.25
            raise ValueError("broken")

    assert await credits.left(key) == 0.75


async def test_what_cannot_be_taken_off_is_taken_off_with_the_next(tmp_path: Path) -> None:
    key = replace(FREE, credits=1.0)
    async with Store.open(tmp_path / FILE, timeout_s=0.1) as store:
        credits = Credits(store)
        with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
            async with credits.reserved(key, "completions") as spent:
                other.execute("BEGIN EXCLUSIVE")
                spent.all(0.25, 10)
        async with credits.reserved(key, "completions") as spent:
            spent.all(0.25, 10)

        assert await credits.left(key) == 0.5
