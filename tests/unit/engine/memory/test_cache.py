"""Answers that are given again: to the same request of the same tenant, at no cost, and marked."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

import anyio
import pytest

from tests.conftest import MakeSettings
from tests.unit.runs.work import Clock
from theo_mcp import Backend, CodeRequest, CompletionRequest, Settings, connect
from theo_mcp.backend import Caller
from theo_mcp.engine.background import Background
from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.cache import Cache, Events
from theo_mcp.engine.memory.place import Place
from theo_mcp.errors import StreamError, TimeoutExceededError
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.wire.completions import Completion
from theo_mcp.wire.events import CompletionEvent, Done, Meta, Token
from theo_mcp.wire.model import Extension

HELLO = CompletionRequest(prompt="Hello")
FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")


@pytest.fixture
def settings(model_server: ModelServer, make_settings: MakeSettings) -> Settings:
    model_server.pieces = ("An ", "answer.")
    return make_settings(engine_url=model_server.url)


async def asked(backend: Backend, **fields: object) -> Completion:
    return await backend.theo.complete(CompletionRequest.model_validate({"prompt": "Hello", **fields}))


async def within(scope: anyio.CancelScope, work: Callable[[], Awaitable[object]]) -> None:
    with scope:
        await work()


async def streamed(backend: Backend, request: CompletionRequest = HELLO) -> list[CompletionEvent]:
    async with backend.theo.stream(request) as events:
        return [event async for event in events]


async def test_the_same_request_is_answered_again_at_no_cost_as_if_it_were_made_now(
    model_server: ModelServer, settings: Settings
) -> None:
    model_server.pieces = ("```python\n", "print(1)\n```\n")
    async with connect(settings) as backend:
        first = await asked(backend, mode="code", metadata={"n": 1})
        again = await asked(backend, mode="code", metadata={"n": 2})

    assert len(model_server.chats) == 1
    assert (first.was_cached, again.was_cached, again.cached, again.usage.cached) == (False, True, True, True)
    assert (again.content, again.follow_ups, again.model) == (first.content, first.follow_ups, first.model)
    assert again.theo_mcp == first.theo_mcp
    assert (again.usage.cost_cents, again.usage.total_tokens) == (0.0, first.usage.total_tokens)
    assert (again.resolved_mode, again.metadata) == ("code", {"n": 2})
    assert len({first.id, again.id, first.request_id, again.request_id}) == 4


async def test_a_streamed_hit_comes_as_tokens_and_then_done(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        await asked(backend)
        events = await streamed(backend)

    meta, *tokens, done = events
    assert isinstance(meta, Meta)
    assert isinstance(done, Done)
    assert [event.token for event in tokens if isinstance(event, Token)] == ["An ", "answer."]
    assert (done.cached, done.content, done.id) == (True, "An answer.", meta.id)
    assert len(model_server.chats) == 1


async def test_the_other_forms_of_the_answer_say_so_too(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        await asked(backend)
        openai = await backend.theo.complete_openai(HELLO)
        codes = [await backend.theo.code(CodeRequest(prompt="Add")) for _ in range(2)]

    assert (openai.model_extra or {}).get("_cached") is True
    assert [code.usage.cached for code in codes] == [None, True]
    assert len(model_server.chats) == 2


async def test_whatever_changes_an_answer_makes_another_request(model_server: ModelServer, settings: Settings) -> None:
    others: list[dict[str, object]] = [
        {"prompt": "Hello!"},
        {"mode": "think"},
        {"persona": "none"},
        {"persona": {"system_prompt": "You are Atlas."}},
        {"temperature": 0.1},
        {"max_iterations": 2},
        {"conversation": {"messages": [{"role": "user", "content": "Hi"}]}},
        {"conversation_id": "new"},
    ]
    async with connect(settings) as backend:
        await asked(backend)
        known = [(await asked(backend, **other)).was_cached for other in others]

    assert known == [False] * 8
    assert len(model_server.chats) == 9


async def test_one_text_in_two_normal_forms_is_one_request(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        known = [(await asked(backend, prompt=unicodedata.normalize(form, "zażółć"))).was_cached for form in FORMS]

    assert known == [False, True]


@pytest.mark.slow
async def test_another_tenant_another_model_and_another_server_are_asked(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        for tenant in ("ann", "bob"):
            assert not (await asked(backend.for_caller(Caller(tenant)))).was_cached
    async with ModelServer() as elsewhere:
        for other in ({"engine_model": "scripted-7b"}, {"engine_url": elsewhere.url}):
            async with connect(make_settings(**{"engine_url": model_server.url, **other})) as backend:
                assert not (await asked(backend.for_caller(Caller("ann")))).was_cached


async def test_a_fresh_answer_is_made_anew_and_is_the_one_kept(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        await asked(backend)
        model_server.pieces = ("Another.",)
        fresh = await asked(backend.for_caller(Caller(fresh=True)))
        again = await asked(backend)

    assert (fresh.content, fresh.was_cached) == ("Another.", False)
    assert (again.content, again.was_cached) == ("Another.", True)


async def test_what_was_cut_or_broke_is_not_given_again(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        model_server.cut_after = 1
        with pytest.raises(StreamError):
            await asked(backend)
        model_server.cut_after = None
        model_server.finish = "length"
        assert not (await asked(backend)).was_cached
        assert not (await asked(backend)).was_cached

    assert len(model_server.chats) == 3


async def test_an_interface_that_came_to_nothing_is_not_given_again(
    model_server: ModelServer, settings: Settings
) -> None:
    model_server.filled = '{"title": "Page", "nodes": [{"id": "a", "parent": "", "type": "unknown"}]}'
    async with connect(settings) as backend:
        answers = [await asked(backend, mode="genui") for _ in range(2)]

    assert [bool(answer.structured_output and answer.structured_output.parse_error) for answer in answers] == [True] * 2
    assert [answer.was_cached for answer in answers] == [False, False]


async def test_an_answer_is_known_after_a_restart(model_server: ModelServer, settings: Settings) -> None:
    for _ in range(2):
        async with connect(settings) as backend:
            answer = await asked(backend)

    assert answer.was_cached
    assert answer.content == "An answer."
    assert len(model_server.chats) == 1


async def test_without_room_nothing_is_kept(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async with connect(make_settings(engine_url=model_server.url, cache_bytes=0)) as backend:
        for _ in range(2):
            assert not (await asked(backend)).was_cached


async def test_where_results_are_not_kept_the_answer_is_known_until_the_end_and_nothing_is_written(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(engine_url=model_server.url, keep_results_s=0)
    async with connect(settings) as backend:
        known = [(await asked(backend)).was_cached for _ in range(2)]
    async with connect(settings) as backend:
        known.append((await asked(backend)).was_cached)

    assert known == [False, True, False]
    assert not settings.data_dir.exists()


@pytest.mark.slow
async def test_what_was_not_asked_for_longest_gives_way(model_server: ModelServer, make_settings: MakeSettings) -> None:
    model_server.pieces = (" ".join(f"word{number}" for number in range(600)),)
    settings = make_settings(engine_url=model_server.url, cache_bytes=15_000)
    for prompt in ("one", "two", "three"):
        async with connect(settings) as backend:
            await asked(backend, prompt=prompt)

    async with connect(settings) as backend:
        known = [(await asked(backend, prompt=prompt)).was_cached for prompt in ("three", "two", "one")]

    assert known == [True, True, False]


async def test_of_twenty_at_once_one_is_carried_out(model_server: ModelServer, settings: Settings) -> None:
    answers: list[Completion] = []

    async def ask() -> None:
        answers.append(await asked(backend))

    async with connect(settings) as backend, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(ask)

    assert len(model_server.chats) == 1
    assert sorted(answer.was_cached for answer in answers) == [False] + [True] * 19
    assert {answer.content for answer in answers} == {"An answer."}


async def test_when_the_one_at_work_is_stopped_the_next_takes_its_place(
    model_server: ModelServer, settings: Settings
) -> None:
    model_server.silent_after = 1
    answers: list[Completion] = []

    async def ask() -> None:
        answers.append(await asked(backend))

    with anyio.fail_after(10):
        async with connect(settings) as backend, anyio.create_task_group() as tasks:
            leader = anyio.CancelScope()
            tasks.start_soon(within, leader, lambda: asked(backend))
            await model_server.silent.wait()
            for _ in range(3):
                tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            model_server.silent_after = None
            leader.cancel()

    assert len(model_server.chats) == 2
    assert sorted(answer.was_cached for answer in answers) == [False, True, True]


@pytest.mark.slow
async def test_when_the_one_at_work_fails_each_goes_its_own_way(model_server: ModelServer, settings: Settings) -> None:
    failed: list[str] = []

    async def ask() -> None:
        try:
            await asked(backend)
        except StreamError as error:
            failed.append(error.code)

    model_server.cut_after = 1
    async with connect(settings) as backend, anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(ask)

    assert len(failed) == len(model_server.chats) == 3


async def test_who_waits_for_another_waits_no_longer_than_its_own_time(
    model_server: ModelServer, settings: Settings
) -> None:
    model_server.silent_after = 1
    with anyio.fail_after(10):
        async with connect(settings) as backend, anyio.create_task_group() as tasks:
            tasks.start_soon(asked, backend)
            await model_server.silent.wait()
            for hurried in (asked, streamed):
                with pytest.raises(TimeoutExceededError):
                    await hurried(backend.for_caller(Caller(deadline_s=0.01)))
            tasks.cancel_scope.cancel()

    assert len(model_server.chats) == 1


@pytest.mark.parametrize(("mode", "hours"), [("fast", 1), ("roast", 1), ("code", 24), ("think", 24), ("genui", 24)])
async def test_an_answer_lives_as_long_as_its_mode_says(make_settings: MakeSettings, mode: str, hours: int) -> None:
    clock, made = Clock(), list[float]()
    cache = cache_of(make_settings(), clock)

    for passed in (0, 1, hours * 3600 - 1, hours * 3600):
        clock.now = 1000.0 + passed
        await read(cache, lambda: answer(mode, "theo", made, clock))

    assert made == [1000.0, 1000.0 + hours * 3600]


async def test_the_answer_of_a_model_that_stood_in_is_not_given_again(make_settings: MakeSettings) -> None:
    clock, made = Clock(), list[float]()
    cache = cache_of(make_settings(), clock)

    for model in ("another", "theo", "theo"):
        await read(cache, lambda model=model: answer("fast", model, made, clock))  # type: ignore[misc]

    assert len(made) == 2


def cache_of(settings: Settings, clock: Clock) -> Cache:
    place = Place(settings)
    behind = Behind(place, Background(), caps={}, keeps_sums=True, clock=clock)
    return Cache(settings, place, behind, clock=clock)


async def read(cache: Cache, make: Callable[[], Events]) -> None:
    async with cache.through("key", Caller(), make, None, model="theo") as events:
        async for _ in events:
            pass


@asynccontextmanager
async def answer(
    mode: str, model: str, made: list[float], clock: Clock
) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    async def events() -> AsyncIterator[CompletionEvent]:
        yield Meta(resolved_mode=mode)
        yield Done(content="x", theo_mcp=Extension(finish_reason="stop", model=model))

    made.append(clock())
    yield events()
