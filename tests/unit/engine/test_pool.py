"""Several servers of one model: who is asked, when another is, and who waits."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial

import anyio
import anyio.lowlevel
import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect, errors
from theo_mcp.backend import Backend, Caller
from theo_mcp.engine.providers.openai_compatible import OpenAICompatible
from theo_mcp.engine.providers.slots import Server, Slots, queued, waiting_behind
from theo_mcp.settings import Settings
from theo_mcp.testing.http import Exchange, Handler
from theo_mcp.testing.model_server import ModelServer

HELLO = CompletionRequest(prompt="Hello", mode="fast")
PRICE = {"input_cents_per_million": 15, "output_cents_per_million": 60}


@pytest.fixture
async def other() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def pair(make_settings: MakeSettings, model_server: ModelServer, other: ModelServer) -> Settings:
    """Both servers, for one model; the first is asked first."""
    return settings_of(make_settings, model_server, other)


def settings_of(make: MakeSettings, *servers: ModelServer, **fields: object) -> Settings:
    """A table of `servers`; `fields` of the table, and other settings."""
    table = {name: fields.pop(name) for name in ("parallel", *PRICE) if name in fields}
    urls = [server.url for server in servers]
    fields = {"cache_bytes": 0, **fields}  # each request is to reach a server
    return make(servers={"pair": {"urls": urls, "model": "scripted-1b", **table}}, **fields)


class Heard:
    """An observer, and what it was told."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self._changed = anyio.Event()

    def __call__(self, news: str) -> None:
        self.news.append(news)
        self._changed.set()

    async def until(self, news: str, times: int = 1) -> None:
        with anyio.fail_after(5):
            while self.news.count(news) < times:
                self._changed = anyio.Event()
                await self._changed.wait()


async def cut(exchange: Exchange) -> None:
    """Nothing but the role comes, and then the end."""
    await exchange.start_events()
    await exchange.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})


async def busy(exchange: Exchange) -> None:
    await exchange.reply(503, {"error": {"message": "loading the model"}})


async def limited(exchange: Exchange) -> None:
    await exchange.reply(429, {"error": {"message": "slow down"}}, retry_after="30")


async def broken(exchange: Exchange) -> None:
    await exchange.reply(500, {"error": {"message": "out of memory"}})


async def failing(exchange: Exchange) -> None:
    await exchange.start_events()
    await exchange.event({"error": {"message": "out of memory", "code": 500}})


async def reset(exchange: Exchange) -> None:
    await exchange.reset()


@pytest.mark.parametrize("fault", [cut, busy, limited, broken, failing, reset])
async def test_what_fails_before_the_first_token_is_asked_of_another_server(
    pair: Settings, model_server: ModelServer, other: ModelServer, fault: Handler
) -> None:
    model_server.next = [fault]
    told: list[str] = []

    async with connect(pair) as backend:
        answers = [await backend.theo.complete(HELLO, observe=told.append) for _ in range(2)]

    assert [answer.routing and answer.routing["server"] for answer in answers] == ["pair#2", "pair#2"]
    assert len(model_server.requests) == 1  # it rests
    assert len(other.chats) == 2
    assert "pair#1 could not answer, asking another server" in told


async def test_a_server_that_is_not_there_is_passed_over(make_settings: MakeSettings, other: ModelServer) -> None:
    settings = make_settings(servers={"pair": {"urls": ["http://127.0.0.1:9/v1", other.url]}})

    async with connect(settings) as backend:
        answer = await backend.theo.complete(HELLO)

    assert answer.routing is not None
    assert answer.routing["server"] == "pair#2"


async def test_after_the_first_token_no_other_server_is_asked(
    pair: Settings, model_server: ModelServer, other: ModelServer
) -> None:
    model_server.pieces, model_server.cut_after = ("so ", "far", " and more"), 2

    async with connect(pair) as backend:
        with pytest.raises(errors.StreamError) as raised:
            await backend.theo.complete(HELLO)

    assert raised.value.partial == "so far"
    assert other.requests == []


@pytest.mark.parametrize(("fault", "asked"), [(cut, 0), (broken, 0), (reset, 0), (busy, 1), (limited, 1)])
async def test_where_it_costs_money_only_what_was_not_begun_is_asked_of_another(
    make_settings: MakeSettings, model_server: ModelServer, other: ModelServer, fault: Handler, asked: int
) -> None:
    model_server.next = [fault]

    async with connect(settings_of(make_settings, model_server, other, **PRICE)) as backend:
        with suppress(errors.TheoError):
            await backend.theo.complete(HELLO)

    assert len(other.chats) == asked


async def test_what_the_request_lacks_is_asked_of_nobody_else(
    pair: Settings, model_server: ModelServer, other: ModelServer
) -> None:
    model_server.refused_fields = {"temperature"}

    async with connect(pair) as backend:
        with pytest.raises(errors.BadRequestError):
            await backend.theo.complete(CompletionRequest(prompt="Hello", mode="fast", temperature=0.5))

    assert other.requests == []


async def test_where_all_are_down_one_error_names_each(make_settings: MakeSettings, other: ModelServer) -> None:
    other.next = [busy]
    settings = make_settings(servers={"pair": {"urls": ["http://127.0.0.1:9/v1", other.url], "model": "scripted-1b"}})

    async with connect(settings) as backend:
        with pytest.raises(errors.ServiceError) as raised:
            await backend.theo.complete(HELLO)

    assert raised.value.retryable
    for said in ("No server of pair could answer", "pair#1: ", "127.0.0.1:9", "pair#2: ", "loading the model"):
        assert said in str(raised.value)


async def test_a_server_that_was_killed_is_asked_again_when_it_is_back(
    make_settings: MakeSettings, other: ModelServer
) -> None:
    async with ModelServer() as first:  # for a port that is free
        settings = settings_of(make_settings, first, other)
    port = int(first.origin.rpartition(":")[2])
    async with connect(settings) as backend:
        async with ModelServer(port=port):
            before = await server_of(backend)
        meanwhile = await server_of(backend)
        async with ModelServer(port=port) as again:
            await backend.theo.health()  # which finds it there: it need not rest any longer
            afterwards = await server_of(backend)

    assert (before, meanwhile, afterwards) == ("pair#1", "pair#2", "pair#1")
    assert len(again.chats) == 1


async def server_of(backend: Backend) -> object:
    answer = await backend.theo.complete(HELLO)
    assert answer.routing is not None
    return answer.routing["server"]


async def test_the_least_busy_server_is_asked(pair: Settings, model_server: ModelServer, other: ModelServer) -> None:
    model_server.gate = other.gate = anyio.Event()

    async with connect(pair) as backend, anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(backend.theo.complete, HELLO)
        with anyio.fail_after(5):
            await model_server.until_at_work(3)
            await other.until_at_work(3)
        model_server.gate.set()

    assert (len(model_server.chats), len(other.chats)) == (3, 3)


async def test_more_than_a_server_takes_wait_in_their_order_and_are_told_their_place(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    heard = [Heard() for _ in range(4)]
    ended: list[int] = []

    async def ask(backend: Backend, number: int) -> None:
        await backend.theo.complete(HELLO, observe=heard[number])
        ended.append(number)

    async with connect(settings_of(make_settings, model_server, parallel=1)) as backend:
        gate = model_server.gate = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(ask, backend, number)
            await heard[3].until(queued(2))
            gate.set()

    assert model_server.most_at_work == 1
    assert ended == [0, 1, 2, 3]
    assert [news for news in heard[3].news if waiting_behind(news) is not None] == [
        "queued, 2 before you",
        "queued, 1 before you",
        "queued, next in line",
    ]


async def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    gate = model_server.gate = anyio.Event()
    heard = Heard()
    settings = settings_of(make_settings, model_server, parallel=1, engine_queue=1)

    async with connect(settings) as backend, anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(partial(backend.theo.complete, HELLO, observe=heard))
        await heard.until(queued(0))
        with pytest.raises(errors.ServiceError, match="The queue of pair is full: 1 at work, 1 waiting") as full:
            await backend.theo.complete(HELLO)
        gate.set()

    assert (full.value.code, full.value.status, full.value.retryable) == ("queue_unavailable", 503, True)
    assert full.value.retry_after
    assert len(model_server.chats) == 2


async def test_one_caller_with_many_requests_does_not_hold_up_another(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    ended: list[str] = []
    heard = Heard()

    async def ask(backend: Backend, tenant: str) -> None:
        await backend.for_caller(Caller(tenant)).theo.complete(HELLO, observe=heard)
        ended.append(tenant)

    async with connect(settings_of(make_settings, model_server, parallel=1)) as backend:
        gate = model_server.gate = anyio.Event()
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(ask, backend, "many")
            await heard.until(queued(2))
            tasks.start_soon(ask, backend, "one")
            await heard.until(queued(3))  # the last of the many has moved back
            gate.set()

    assert ended == ["many", "many", "one", "many", "many"]


async def test_a_storm_of_cancels_leaves_no_place_taken() -> None:
    chance = random.Random(5)
    server = Server("only", OpenAICompatible("http://127.0.0.1:9"), parallel=3, billed=False)
    slots = Slots("only", [server], waiting=300, idle=60)
    most = 0

    async def ask(patience: int) -> None:
        nonlocal most
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel_after, patience, scope)
                async with slots.taken(caller=Caller(str(patience % 4))):
                    most = max(most, server.at_work)
                    for _ in range(chance.randrange(6)):
                        await anyio.lowlevel.checkpoint()
                    if chance.random() < 0.2:
                        scope.cancel()
                tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as storm:
        for _ in range(200):
            storm.start_soon(ask, chance.randrange(80))

    assert most == 3
    assert server.at_work == 0
    with anyio.fail_after(1):
        async with slots.taken():
            assert server.at_work == 1


async def cancel_after(steps: int, scope: anyio.CancelScope) -> None:
    for _ in range(steps):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


@pytest.mark.slow
async def test_an_answer_that_nobody_reads_loses_its_place_to_one_who_waits(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    settings = settings_of(make_settings, model_server, parallel=1, idle_timeout_s=0.5)

    async with connect(settings) as backend:
        with pytest.raises(errors.TimeoutExceededError, match="Nobody read the answer"):
            async with backend.theo.stream(HELLO) as unread:
                await anext(unread)
                await anext(unread)
                with anyio.fail_after(5):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(backend.theo.complete, HELLO)
                async for _ in unread:
                    pass

    assert len(model_server.chats) == 2


async def test_a_task_never_waits_for_its_own_place(make_settings: MakeSettings, model_server: ModelServer) -> None:
    async with connect(settings_of(make_settings, model_server, parallel=1)) as backend:
        with anyio.fail_after(5):
            async with backend.theo.stream(HELLO) as events:
                await anext(events)
                inside = await backend.theo.complete(HELLO)
                async for _ in events:
                    pass

    assert inside.content


async def test_a_place_is_free_when_the_answer_has_been_read(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    async with connect(settings_of(make_settings, model_server, parallel=1)) as backend:
        with anyio.fail_after(5):
            async with backend.theo.stream(HELLO) as events, anyio.create_task_group() as tasks:
                async for _ in events:
                    pass
                tasks.start_soon(backend.theo.complete, HELLO)

    assert len(model_server.chats) == 2


async def test_a_caller_waits_no_longer_than_it_has_time(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    gate = model_server.gate = anyio.Event()

    async with connect(settings_of(make_settings, model_server, parallel=1)) as backend:
        hasty = backend.for_caller(Caller("hasty", deadline_s=0.02))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(backend.theo.complete, HELLO)
            await model_server.until_at_work(1)
            with pytest.raises(errors.TimeoutExceededError, match=r"within 0\.02 s"):
                await hasty.theo.stream(HELLO).__aenter__()
            gate.set()

    assert len(model_server.chats) == 1


@pytest.mark.slow
async def test_a_storm_of_cancelled_requests_leaves_the_server_to_others(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    chance = random.Random(6)
    model_server.pieces = ("word ",) * 20
    settings = settings_of(make_settings, model_server, parallel=3, engine_queue=200)

    async with connect(settings) as backend:

        async def ask(patience: float) -> None:
            with anyio.move_on_after(patience):
                await backend.theo.complete(HELLO)

        async with anyio.create_task_group() as storm:
            for _ in range(200):
                storm.start_soon(ask, chance.random())
        with anyio.fail_after(5):
            await model_server.until_at_work(0)
            answer = await backend.theo.complete(HELLO)

    assert answer.content
    assert model_server.most_at_work <= 4  # a place is free a moment before the server sees that its client has gone
