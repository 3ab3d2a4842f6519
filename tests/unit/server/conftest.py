"""Hosts with servers of ours over the fakes, in both eras of the protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from tests.unit.server.assistant import ERAS, AllHosted, Assistant, Era, Start, StartHosted, assistant
from theo_mcp import Settings
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> Era:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
async def assistants(
    era: Era,
    theo_service: FakeTheo,  # named here so that they end after the assistants do
    getcode_service: FakeGetCode,
    model_server: ModelServer,
) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def start(settings: Settings) -> Assistant:
            return await stack.enter_async_context(assistant(settings, era))

        yield start


@pytest.fixture
async def hosted(
    assistants: Start, theo_service: FakeTheo, getcode_service: FakeGetCode, make_settings: MakeSettings
) -> Assistant:
    return await assistants(
        make_settings(
            theo_api_key=theo.KEY,
            theo_base_url=theo_service.origin,
            getcode_api_key=getcode.KEY,
            getcode_base_url=getcode_service.origin,
            timeout_s=5,
            output_dir=make_settings().data_dir / "output",
        )
    )


@pytest.fixture
async def engine(assistants: Start, model_server: ModelServer, make_settings: MakeSettings) -> Assistant:
    return await assistants(make_settings(engine_url=model_server.url))


@pytest.fixture
def all_hosted(
    theo_service: FakeTheo, getcode_service: FakeGetCode, make_settings: MakeSettings, tmp_path: Path
) -> AllHosted:
    """Settings with both services, every tool and an open folder of the test's own, and what else is given."""

    def settings(**fields: object) -> Settings:
        (tmp_path / "project").mkdir(exist_ok=True)
        return make_settings(
            **{
                "theo_api_key": theo.KEY,
                "theo_base_url": theo_service.origin,
                "getcode_api_key": getcode.KEY,
                "getcode_base_url": getcode_service.origin,
                "timeout_s": 5,
                "tools": "all",
                "roots": (tmp_path / "project",),
                "output_dir": tmp_path / "output",
                **fields,
            }
        )

    return settings


@pytest.fixture
async def modern(
    all_hosted: AllHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> AsyncIterator[StartHosted]:
    """Starts hosts of the newer era over both services, with every tool, an open folder, and what else is given."""
    async with AsyncExitStack() as stack:

        async def start(**fields: object) -> Assistant:
            return await stack.enter_async_context(assistant(all_hosted(**fields)))

        yield start
