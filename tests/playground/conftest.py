"""One Chromium for a module, and for each test a fake gateway and its page in a tab that has nothing of any other's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.playground import chromium
from tests.playground.chromium import Browser, Page
from tests.playground.gateway import KEY, FakeGateway


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    return chromium.installed(tmp_path_factory.getbasetemp().parent / "chromium")


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as server:
        yield server


@pytest.fixture(scope="module")
async def browser(anyio_backend: str, program: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with chromium.running(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
async def blank(browser: Browser, gateway: FakeGateway) -> AsyncIterator[Page]:
    """The page without a key; at the end it has complained of nothing."""
    page = await browser.page()
    await page.open(f"{gateway.origin}/playground")
    yield page
    await page.close()
    assert page.complaints == []


@pytest.fixture
async def page(blank: Page) -> Page:
    """The page with a key that the gateway accepts."""
    await blank.set("#key", KEY)
    await blank.shows("The key works", "#key-state")
    return blank
