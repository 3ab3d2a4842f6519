"""One Chromium for a test, and the page of a fake gateway in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.playground import chromium
from tests.playground.chromium import Page
from tests.playground.gateway import KEY, FakeGateway


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    return chromium.installed(tmp_path_factory.getbasetemp().parent / "chromium")


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as server:
        yield server


@pytest.fixture
async def blank(program: str, tmp_path: Path, gateway: FakeGateway) -> AsyncIterator[Page]:
    """The page without a key; at the end it has complained of nothing."""
    async with chromium.running(program, tmp_path / "profile") as browser:
        page = await browser.page()
        await page.open(f"{gateway.origin}/playground")
        yield page
        assert page.complaints == []


@pytest.fixture
async def page(blank: Page) -> Page:
    """The page with a key that the gateway accepts."""
    await blank.set("#key", KEY)
    await blank.shows("The key works", "#key-state")
    return blank
