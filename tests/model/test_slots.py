"""Models on this machine, by name: each in one process, which makes one answer at a time."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, Settings, connect
from theo_mcp.engine import models
from theo_mcp.settings import BUILTIN_MODEL

pytestmark = pytest.mark.model
SEA = CompletionRequest(prompt="What is the sea?", mode="fast", temperature=0)


@pytest.fixture
def two_models(tmp_path: Path) -> Path:
    """A data folder with the built-in model under two names."""
    found = models.chosen(Settings.load({}).data_dir, BUILTIN_MODEL)
    for name in (BUILTIN_MODEL, "second"):
        home = tmp_path / "models" / name
        home.mkdir(parents=True)
        (home / models.FILE).symlink_to(found.path)
        fields = json.loads(found.path.with_name("manifest.json").read_text(encoding="utf-8")) | {"name": name}
        (home / "manifest.json").write_text(json.dumps(fields), encoding="utf-8")
    return tmp_path


async def test_two_requests_of_one_model_are_answered_one_after_the_other(
    make_settings: MakeSettings, two_models: Path
) -> None:
    told: list[str] = []
    began = anyio.Event()
    settings = make_settings(data_dir=two_models, engine_model=BUILTIN_MODEL, max_output_tokens=16, cache_bytes=0)

    async with connect(settings) as backend, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(backend.theo.complete, SEA, observe=lambda _: began.set()))
        await began.wait()
        answer = await backend.theo.complete(SEA, observe=told.append)

    assert answer.content
    assert told[0] == "queued, next in line"


async def test_a_mode_and_an_override_name_models_on_this_machine(
    make_settings: MakeSettings, two_models: Path
) -> None:
    settings = make_settings(
        data_dir=two_models, engine_model=BUILTIN_MODEL, max_output_tokens=8, modes={"think": "second"}
    )

    async with connect(settings) as backend:
        fast = await backend.theo.complete(SEA)
        think = await backend.theo.complete(SEA.model_copy(update={"mode": "think"}))
        named = await backend.theo.complete(SEA.model_copy(update={"model_overrides": {"fast": "second"}}))
        health = await backend.theo.health()

    assert [answer.model.id for answer in (fast, think, named)] == [BUILTIN_MODEL, "second", "second"]
    assert [answer.routing and answer.routing["server"] for answer in (fast, think)] == ["local", "local/second"]
    assert [answer.usage.cost_cents for answer in (fast, think)] == [0, 0]
    assert {name: each.status for name, each in health.providers.items()} == {
        "engine": "healthy",
        "local/second": "healthy",
    }
