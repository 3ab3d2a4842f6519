"""Which model answers: the user's tables, what a request overrides, and what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect, errors
from theo_mcp.engine.routing import Router
from theo_mcp.settings import Settings
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.wire.events import Done, Meta

HELLO = CompletionRequest(prompt="Hello", mode="fast")
THINK = CompletionRequest(prompt="Hello", mode="think")


@pytest.fixture
async def big() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        server.models = ["big-70b"]
        yield server


@pytest.fixture
def settings(make_settings: MakeSettings, model_server: ModelServer, big: ModelServer) -> Settings:
    """Two servers; the first answers where nothing else is said."""
    return make_settings(
        servers={
            "small": {"urls": [model_server.url], "model": "scripted-1b"},
            "big": {"urls": [big.url], "input_cents_per_million": 15, "output_cents_per_million": 60},
        },
        engines={"theo-1-reason": "big", "mine": "big"},
        modes={"code": "theo-1-reason"},
    )


async def test_the_tables_lead_each_mode_to_its_server_and_the_answer_says_so(settings: Settings) -> None:
    ran = {}
    async with connect(settings) as backend:
        for mode in ("fast", "think", "code", "roast"):
            answer = await backend.theo.complete(CompletionRequest.model_validate({"prompt": "Hello", "mode": mode}))
            assert answer.routing is not None
            ran[mode] = (answer.routing["engine_id"], answer.routing["server"], answer.model.id)

    assert ran == {
        "fast": ("theo-1-flash", "small", "scripted-1b"),
        "think": ("theo-1-reason", "big", "big-70b"),
        "code": ("theo-1-reason", "big", "big-70b"),
        "roast": ("theo-1-flash", "small", "scripted-1b"),
    }


async def test_a_stream_says_at_its_beginning_and_end_how_it_was_routed(settings: Settings) -> None:
    async with connect(settings) as backend, backend.theo.stream(THINK) as events:
        told = [event.routing async for event in events if isinstance(event, Meta | Done)]

    assert told == 2 * [
        {
            "engine_id": "theo-1-reason",
            "mode": "think",
            "confidence": 1.0,
            "reason": "the request names it",
            "server": "big",
        }
    ]


@pytest.mark.parametrize(
    ("overrides", "model"),
    [
        ({"fast": "theo-1-reason"}, "big-70b"),
        ({"fast": "mine"}, "big-70b"),
        ({"fast": "big"}, "big-70b"),
        ({"fast": "theo-1-auto"}, "scripted-1b"),
        ({"fast": "scripted-7b"}, "scripted-7b"),  # which the first server lists beside its own
        ({"code": "big", "auto": "big"}, "scripted-1b"),
    ],
)
async def test_an_override_of_the_mode_wins_over_the_tables(
    settings: Settings, overrides: dict[str, str], model: str
) -> None:
    async with connect(settings) as backend:
        answer = await backend.theo.complete(HELLO.model_copy(update={"model_overrides": overrides}))

    assert answer.model.id == model


async def test_an_override_of_auto_counts_where_auto_was_asked(settings: Settings) -> None:
    async with connect(settings) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Hello", model_overrides={"auto": "big"}))

    assert (answer.resolved_mode, answer.model.id) == ("fast", "big-70b")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"fast": "theo-9"}, "There is no engine 'theo-9'. The engines are: theo-1-auto, theo-1-flash"),
        ({"quick": "big"}, "model_overrides names 'quick', which is not a mode. The modes are: auto, fast"),
    ],
)
async def test_what_no_engine_or_mode_is_called_is_refused_and_nothing_is_generated(
    settings: Settings, model_server: ModelServer, overrides: dict[str, str], said: str
) -> None:
    async with connect(settings) as backend:
        with pytest.raises(errors.InputError) as refused:
            await backend.theo.complete(HELLO.model_copy(update={"model_overrides": overrides}))

    assert refused.value.code == "validation_error"
    assert said in str(refused.value)
    assert model_server.chats == []


async def test_what_a_skill_prefers_is_used_where_it_exists_and_missed_aloud_where_not(settings: Settings) -> None:
    router = Router(settings)

    preferred = await router.route("fast", preferred="theo-1-reason")
    overridden = await router.route("fast", override="small", preferred="theo-1-reason")
    nowhere = await router.route("fast", preferred="gpt-99")
    await router.aclose()

    assert (preferred.model.id, preferred.notices) == ("big-70b", ())
    assert overridden.model.id == "scripted-1b"
    assert nowhere.model.id == "scripted-1b"
    assert nowhere.notices == ("A skill prefers the engine 'gpt-99', which is not here.",)


async def test_with_one_server_an_engine_may_be_any_of_its_models(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    settings = make_settings(engine_url=model_server.url, engines={"theo-1-reason": "scripted-7b"})

    async with connect(settings) as backend:
        answers = [await backend.theo.complete(each) for each in (HELLO, THINK)]

    assert [answer.model.id for answer in answers] == ["scripted-1b", "scripted-7b"]


@pytest.mark.parametrize(
    ("tables", "place"),
    [
        ({"engines": {"theo-1-flash": "fst"}}, "engines.theo-1-flash names 'fst'"),
        ({"modes": {"fast": "fst"}}, "modes.fast names 'fst'"),
        ({"engines": {"theo-1-flash": "theo-1-code"}}, "engines.theo-1-flash names 'theo-1-code'"),
    ],
)
async def test_a_table_that_names_nothing_is_told_by_its_place(
    make_settings: MakeSettings, tables: dict[str, object], place: str
) -> None:
    async with connect(make_settings(**tables)) as backend:
        with pytest.raises(errors.ConfigError, match=place):
            await backend.theo.complete(HELLO)
        health = await backend.theo.health()

    assert (health.status, health.providers["engine"].status) == ("down", "unconfigured")
    assert place in health.theo_mcp.notice


async def test_an_answer_costs_what_the_settings_say(settings: Settings) -> None:
    async with connect(settings) as backend:
        priced = await backend.theo.complete(THINK)
        unpriced = await backend.theo.complete(HELLO)

    assert priced.usage.cost_cents == pytest.approx((7 * 15 + 6 * 60) / 1_000_000)
    assert unpriced.usage.cost_cents == 0  # on this machine


async def test_models_are_told_by_engine_with_the_real_model_as_label(settings: Settings) -> None:
    async with connect(settings) as backend:
        models = await backend.theo.models()

    assert [(row.mode, row.model_id, row.label) for row in models.models if row.mode in ("fast", "think", "code")] == [
        ("fast", "theo-1-flash", "scripted-1b"),
        ("think", "theo-1-reason", "big-70b"),
        ("code", "theo-1-reason", "big-70b"),
    ]
    assert {row.engine for row in models.models} == {"openai-compatible"}


async def test_each_server_gets_its_own_key(
    make_settings: MakeSettings, model_server: ModelServer, big: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_server.key, big.key = "key-of-the-small-one", "key-of-the-big-one"
    monkeypatch.setenv("BIG_API_KEY", big.key)
    settings = make_settings(
        servers={
            "small": {"urls": [model_server.url], "api_key": model_server.key},
            "big": {"urls": [big.url], "api_key_env": "BIG_API_KEY"},
        },
        modes={"think": "big"},
    )

    async with connect(settings) as backend:
        answers = [await backend.theo.complete(each) for each in (HELLO, THINK)]

    assert [answer.model.id for answer in answers] == ["scripted-1b", "big-70b"]
    assert "key-of" not in repr(settings)


async def test_health_names_every_server_and_one_that_is_gone_degrades_it(
    make_settings: MakeSettings, model_server: ModelServer
) -> None:
    settings = make_settings(servers={"pair": {"urls": ["http://127.0.0.1:9/v1", model_server.url]}})

    async with connect(settings) as backend:
        health = await backend.theo.health()
        asked = len(model_server.requests)
        again = await backend.theo.health()

    assert health.status == "degraded"
    assert {name: each.status for name, each in health.providers.items()} == {"pair#1": "down", "pair#2": "healthy"}
    assert "127.0.0.1:9" in health.theo_mcp.notice
    assert again == health
    assert len(model_server.requests) == asked
