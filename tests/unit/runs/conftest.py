"""A clock that stands still, and a registry in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tests.unit.runs.work import FOREVER, Clock
from theo_mcp.runs import Runs


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def runs(clock: Clock) -> AsyncIterator[Runs]:
    with anyio.fail_after(FOREVER):
        async with Runs.open(clock=clock) as runs:
            yield runs
