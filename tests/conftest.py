"""Fixtures that start the honest fakes of `theo_mcp.testing` and connect to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from theo_mcp import Settings
from theo_mcp.engine import models
from theo_mcp.settings import BUILTIN_MODEL
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo

MakeSettings = Callable[..., Settings]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def theo_service() -> AsyncIterator[FakeTheo]:
    async with FakeTheo() as service:
        yield service


@pytest.fixture
async def getcode_service() -> AsyncIterator[FakeGetCode]:
    async with FakeGetCode() as service:
        yield service


@pytest.fixture
async def model_server() -> AsyncIterator[ModelServer]:
    async with ModelServer() as server:
        yield server


@pytest.fixture
def builtin_data(tmp_path: Path) -> Path:
    """A data folder of the test's own with the models of this machine, among them the built-in one: an answer that
    another test or an earlier run left in the cache would need no model."""
    real = Settings.load({}).data_dir
    assert models.chosen(real, BUILTIN_MODEL).builtin
    folder = tmp_path / "builtin"
    folder.mkdir()
    (folder / "models").symlink_to(real / "models")
    return folder


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    """Settings whose data folder is empty and the test's own; nothing of this machine is read, and only a test of the
    classifier starts its process."""

    def make(**fields: object) -> Settings:
        return Settings.model_validate(
            {"data_dir": tmp_path / "data", "skill_folders": (), "intent_model": False, **fields}
        )

    return make
