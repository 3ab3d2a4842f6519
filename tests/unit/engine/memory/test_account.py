"""What the engine has done for each tenant: sums, and one audit row a request without what was asked or answered."""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.conftest import MakeSettings
from theo_mcp import (
    Backend,
    CodeRequest,
    CompletionRequest,
    GenerateRequest,
    ImagesRequest,
    ImproveRequest,
    ResearchRequest,
    Settings,
    connect,
)
from theo_mcp.backend import Caller
from theo_mcp.errors import (
    InputError,
    PermissionDeniedError,
    StreamError,
    TheoError,
    TimeoutExceededError,
    TransportError,
)
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ModelServer


@pytest.fixture
def settings(model_server: ModelServer, make_settings: MakeSettings) -> Settings:
    model_server.pieces = ("A secret ", "answer.")
    return make_settings(engine_url=model_server.url)


async def ask(backend: Backend, prompt: str = "A secret wish", **fields: object) -> None:
    await backend.theo.complete(CompletionRequest.model_validate({"prompt": prompt, **fields}))


async def rows(folder: Path, tenant: str = "") -> list[dict[str, JsonValue]]:
    """The audit of a tenant, the oldest first."""
    async with Store.open(folder / FILE) as store:
        values = [entry.value for entry in await store.entries("audit", owner=tenant)]
    return [value for value in reversed(values) if isinstance(value, dict)]


async def test_what_was_used_is_summed_up_by_mode_and_model(settings: Settings) -> None:
    async with connect(settings) as backend:
        await ask(backend)
        await ask(backend)  # which is given again, and used nothing
        await ask(backend, mode="think")
        await backend.getcode.improve(ImproveRequest(prompt="todo list", output_type="api"))
    async with connect(settings) as backend:
        report = await backend.theo.usage()
        other = await backend.for_caller(Caller("bob")).theo.usage()

    today = datetime.now(UTC).date()
    assert (report.period.start, report.period.end) == ((today - timedelta(days=29)).isoformat(), today.isoformat())
    assert report.totals.requests == 4
    assert (report.totals.prompt_tokens, report.totals.completion_tokens) == (21, 5)
    assert report.totals.cost_cents == 0
    assert {mode: (used.requests, used.total_tokens) for mode, used in report.by_mode.items()} == {
        "fast": (2, 9), "think": (1, 9), "improve": (1, 8),
    }  # fmt: skip
    assert {model: used.requests for model, used in report.by_model.items()} == {"scripted-1b": 4}
    assert report.theo_mcp.backend == "engine"
    assert (other.totals.requests, other.by_mode) == (0, {})


async def test_a_brief_costs_by_the_prices_of_the_settings(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    dear = {"urls": [model_server.url], "input_cents_per_million": 1_000_000, "output_cents_per_million": 2_000_000}
    async with connect(make_settings(servers={"dear": dear})) as backend:
        await backend.getcode.improve(ImproveRequest(prompt="todo list", output_type="api"))
        report = await backend.theo.usage()

    assert report.totals.cost_cents == 9.0  # seven tokens in, one out


@pytest.mark.slow
async def test_a_period_is_days_and_a_wrong_one_is_told(settings: Settings) -> None:
    today = datetime.now(UTC).date()
    async with connect(settings) as backend:
        await ask(backend)
        assert (await backend.theo.usage(start=today, end=today.isoformat(), scope="user")).totals.requests == 1
        assert (await backend.theo.usage(end=today - timedelta(days=1))).totals.requests == 0
        for wrong in ({"start": "yesterday"}, {"start": "2026-02-30"}, {"start": "2026-02-02", "end": "2026-02-01"}):
            with pytest.raises(InputError):
                await backend.theo.usage(**wrong)  # type: ignore[arg-type]
        with pytest.raises(PermissionDeniedError, match="knows no organisations"):
            await backend.theo.usage(scope="org")


async def test_each_request_leaves_one_row_without_what_was_asked_or_answered(
    model_server: ModelServer, settings: Settings
) -> None:
    async with connect(settings.model_copy(update={"cache_bytes": 0})) as backend:
        await ask(backend.for_caller(Caller("ann")), metadata={"team": "web"})
        await backend.for_caller(Caller("ann")).theo.code(CodeRequest(prompt="A secret wish"))
        await ask(backend.for_caller(Caller("bob")))

    one, code = await rows(settings.data_dir, "ann")
    assert {name: one[name] for name in one if name not in ("time", "request_id", "ms")} == {
        "method": "completions", "mode": "auto", "resolved_mode": "fast", "model": "scripted-1b",
        "engine": "openai-compatible", "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "cost_cents": 0.0,
        "cached": False, "status": "ok", "code": "", "metadata": {"team": "web"},
    }  # fmt: skip
    assert str(one["request_id"]).startswith("req_")
    assert (code["method"], code["resolved_mode"]) == ("code", "code")
    assert len(await rows(settings.data_dir, "bob")) == 1
    assert b"secret" not in b"".join(path.read_bytes() for path in settings.data_dir.iterdir())


async def test_a_row_says_how_a_request_failed(
    model_server: ModelServer, settings: Settings, make_settings: MakeSettings
) -> None:
    model_server.cut_after = 1
    async with connect(settings) as backend:
        with pytest.raises(StreamError):
            await ask(backend)
        async with backend.theo.stream(CompletionRequest(prompt="A secret wish")):
            pass
    async with connect(make_settings(engine_url="http://127.0.0.1:9/v1")) as backend:
        with pytest.raises(TransportError):
            await ask(backend)
        used = await backend.theo.usage()

    told = [(row["status"], row["code"]) for row in await rows(settings.data_dir)]
    assert told == [("failed", "stream_failed"), ("cancelled", ""), ("failed", "unreachable")]
    assert used.totals.requests == 0


async def test_a_request_whose_time_was_over_has_failed(model_server: ModelServer, settings: Settings) -> None:
    model_server.silent_after = 1
    wish = CompletionRequest(prompt="A secret wish")
    async with connect(settings) as backend:
        hasty = backend.for_caller(Caller(deadline_s=0.05))
        with pytest.raises(TimeoutExceededError):
            await hasty.theo.complete(wish)
        with pytest.raises(TimeoutExceededError):
            async with hasty.getcode.generate(GenerateRequest(prompt="A secret wish", output_type="api")) as made:
                assert [event async for event in made]
        model_server.silent_after = 0
        with pytest.raises(TimeoutExceededError):
            async with hasty.theo.stream(wish) as told:
                assert [event async for event in told]

    noted = [(row["method"], row["status"], row["code"]) for row in await rows(settings.data_dir)]
    assert noted == [(method, "failed", "timeout") for method in ("completions", "generate", "completions")]


async def test_an_answer_that_was_told_is_no_failure_of_its_reader(settings: Settings) -> None:
    async with connect(settings) as backend:
        with pytest.raises(InputError):
            async with backend.theo.stream(CompletionRequest(prompt="A secret wish")) as told:
                assert [event async for event in told]
                raise InputError("The reader's own.")

    assert [row["status"] for row in await rows(settings.data_dir)] == ["ok"]


async def test_metadata_that_is_no_json_costs_no_row(settings: Settings) -> None:
    async with connect(settings) as backend:
        await ask(backend, metadata={"share": math.nan})

    (row,) = await rows(settings.data_dir)
    assert row["metadata"] == ["share"]


@pytest.mark.slow
async def test_long_metadata_is_noted_by_its_names(settings: Settings) -> None:
    async with connect(settings) as backend:
        await ask(backend, metadata={"team": "web", "long": "x" * 5000})

    (row,) = await rows(settings.data_dir)
    assert row["metadata"] == ["team", "long"]


async def refuse(backend: Backend) -> None:
    """Requests that end before any model is asked: one of each method, with its prompt where it has one."""
    image = CompletionRequest(prompt="A secret wish", mode="image")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "empty": lambda: ask(backend, " "),
        "serve": lambda: backend.theo.complete(image),
        "no conversation": lambda: ask(backend, conversation_id="conv_none"),
        "is empty": lambda: backend.theo.code(CodeRequest(prompt=" ")),
        "prompt is empty": lambda: backend.getcode.improve(ImproveRequest(prompt=" ", output_type="api")),
        "has none to ask": lambda: backend.theo.research(ResearchRequest(prompt="A secret wish")),
        "serve images": lambda: backend.theo.images(ImagesRequest(prompt="A secret wish")),
    }
    for told, call in calls.items():
        with pytest.raises(TheoError, match=told):
            await call()
    with pytest.raises(TheoError, match="does not make the output type"):
        async with backend.getcode.generate(GenerateRequest(prompt="A secret wish", output_type="pdf")):
            pass


async def test_what_is_refused_makes_no_file(settings: Settings) -> None:
    async with connect(settings) as backend:
        await refuse(backend)

    assert not settings.data_dir.exists()


async def test_what_is_refused_is_noted_where_anything_is_kept(settings: Settings) -> None:
    async with connect(settings) as backend:
        await ask(backend)
        await refuse(backend)

    first, *refused = await rows(settings.data_dir)
    assert first["status"] == "ok"
    assert [(row["method"], row["status"], row["code"]) for row in refused] == [
        ("completions", "failed", "missing_prompt"),
        ("completions", "failed", "not_available_here"),
        ("completions", "failed", "not_found"),
        ("code", "failed", "missing_prompt"),
        ("improve", "failed", "missing_prompt"),
        ("research", "failed", "not_available_here"),
        ("images", "failed", "not_available_here"),
        ("generate", "failed", "not_available_here"),
    ]


@pytest.mark.slow
async def test_the_audit_can_be_turned_off(model_server: ModelServer, make_settings: MakeSettings) -> None:
    settings = make_settings(engine_url=model_server.url, audit_days=0)
    async with connect(settings) as backend:
        await ask(backend)

    assert await rows(settings.data_dir) == []


async def test_where_nothing_is_kept_on_disk_the_sums_last_until_the_end(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(engine_url=model_server.url, keep_results_s=0)
    async with connect(settings) as backend:
        await ask(backend)
        assert json.loads((await backend.theo.usage()).model_dump_json())["totals"]["requests"] == 1

    assert not settings.data_dir.exists()
