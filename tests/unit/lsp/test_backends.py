"""The backend of an editor's runs: open for as long as any of them is under way, however the server ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import keyring
import pytest
from keyring.backend import KeyringBackend

from tests.conftest import MakeSettings
from theo_lsp.backends import Backends
from theo_mcp import CompletionRequest, Settings
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ModelServer


@pytest.fixture
def settings(model_server: ModelServer, make_settings: MakeSettings) -> Settings:
    return make_settings(engine_url=model_server.url)


async def rows(folder: Path) -> int:
    async with Store.open(folder / FILE) as store:
        return len(await store.contents.newest("audit", 0, 100))


async def test_a_run_that_the_end_of_the_server_stops_has_its_backend_until_it_has_left(settings: Settings) -> None:
    begun = anyio.Event()

    async def run() -> None:
        async with backends.current() as backend:
            try:
                begun.set()
                await anyio.sleep_forever()
            finally:
                with anyio.CancelScope(shield=True):
                    for _ in range(200):
                        await anyio.lowlevel.checkpoint()
                    await backend.theo.complete(CompletionRequest(prompt="Hello"))

    async with anyio.create_task_group() as server, Backends.open() as backends, anyio.create_task_group() as runs:
        await backends.use(settings)
        runs.start_soon(run)
        await begun.wait()
        server.cancel_scope.cancel()

    assert await rows(settings.data_dir) == 1


async def test_a_replaced_backend_serves_its_run_to_the_end_and_then_closes(settings: Settings) -> None:
    async with Backends.open() as backends:
        await backends.use(settings)
        async with backends.current() as backend:
            await backends.use(settings)
            async with backends.current() as other:
                assert other is not backend
            await backend.theo.complete(CompletionRequest(prompt="Hello"))
        assert await rows(settings.data_dir) == 1  # written when it closed


async def test_a_run_that_is_stopped_before_its_backend_is_open_leaves_nothing_behind(settings: Settings) -> None:
    async with Backends.open() as backends:
        await backends.use(settings)
        with anyio.CancelScope() as stopped:
            stopped.cancel()
            async with backends.current():
                raise AssertionError
        with anyio.fail_after(5):
            await backends.use(settings)
            async with backends.current() as backend:
                await backend.theo.complete(CompletionRequest(prompt="Hello"))

    assert await rows(settings.data_dir) == 1


class Asking(KeyringBackend):
    """It asks its user, who answers when the server hears of it."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.asked, self.may_answer = threading.Semaphore(0), threading.Semaphore(0)
        self.starved = False

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.release()
        self.starved |= not self.may_answer.acquire(timeout=1)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError


@pytest.fixture
def user() -> Iterator[Asking]:
    before, asking = keyring.get_keyring(), Asking()
    keyring.set_keyring(asking)
    yield asking
    keyring.set_keyring(before)


@pytest.mark.slow
async def test_the_keyring_of_settings_that_came_meanwhile_keeps_nobody_waiting(
    user: Asking, make_settings: MakeSettings
) -> None:
    async def answers() -> None:
        await anyio.to_thread.run_sync(user.asked.acquire)
        await backends.use(make_settings(keyring=True))
        user.may_answer.release()
        while True:
            await anyio.to_thread.run_sync(user.asked.acquire, abandon_on_cancel=True)
            user.may_answer.release()

    async with Backends.open() as backends, anyio.create_task_group() as tasks:
        await backends.use(make_settings(keyring=True))
        tasks.start_soon(answers)
        async with backends.current():
            tasks.cancel_scope.cancel()
    user.asked.release()  # so that no thread waits for it

    assert not user.starved
