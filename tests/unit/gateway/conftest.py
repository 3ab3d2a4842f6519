"""One gateway for the tests of this folder; each finds its model server as new."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.gateway.world import World, world


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
async def shared(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("gateway")) as made:
        yield made


@pytest.fixture
def gateway(shared: World) -> World:
    shared.reset()
    return shared
