"""Leaving and cancelling, on both arms: the server sees its socket closed, and the client stays usable."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import Backend, CompletionRequest, connect
from theo_mcp.backend import Caller
from theo_mcp.errors import InputError, TimeoutExceededError
from theo_mcp.testing import theo
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.wire.events import Token

HELLO = CompletionRequest(prompt="Hello")
Server = FakeTheo | ModelServer


@pytest.fixture(params=["hosted", "engine"])
def server(request: pytest.FixtureRequest, theo_service: FakeTheo, model_server: ModelServer) -> Server:
    chosen: Server = theo_service if request.param == "hosted" else model_server
    chosen.silent_after = 2
    return chosen


@pytest.fixture
async def backend(server: Server, make_settings: MakeSettings) -> AsyncIterator[Backend]:
    hosted = {"theo_api_key": theo.KEY, "theo_base_url": server.origin}
    engine = {"engine_url": server.origin}
    async with connect(make_settings(**(hosted if isinstance(server, FakeTheo) else engine))) as connected:
        yield connected


async def test_leaving_a_stream_closes_the_socket(backend: Backend, server: Server) -> None:
    with anyio.fail_after(5):
        async with backend.theo.stream(HELLO) as events:
            async for event in events:
                if isinstance(event, Token):
                    break

        await server.exchanges[-1].closed.wait()


@pytest.mark.parametrize("streamed", [True, False])
async def test_cancelling_a_call_closes_the_socket_and_leaves_the_client_usable(
    backend: Backend, server: Server, streamed: bool
) -> None:
    if not streamed and isinstance(server, FakeTheo):
        server.next = [_silent(server)]

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read_all, backend) if streamed else tasks.start_soon(backend.theo.complete, HELLO)
            await server.silent.wait()
            tasks.cancel_scope.cancel()
        await server.exchanges[-1].closed.wait()
        server.silent_after = None
        assert (await backend.theo.complete(HELLO)).content


async def _read_all(backend: Backend) -> None:
    async with backend.theo.stream(HELLO) as events:
        async for _ in events:
            pass


def _silent(server: Server):  # type: ignore[no-untyped-def]
    async def handle(_: object) -> None:
        server.silent.set()
        await anyio.sleep_forever()

    return handle


async def test_a_callers_deadline_ends_the_work_and_closes_the_socket(backend: Backend, server: Server) -> None:
    hurried = backend.for_caller(Caller(tenant="a", deadline_s=0.2))
    if isinstance(server, FakeTheo):
        server.next = [_silent(server)]

    with anyio.fail_after(5):
        with pytest.raises(TimeoutExceededError):
            await hurried.theo.complete(HELLO)
        await server.exchanges[-1].closed.wait()
        with pytest.raises(TimeoutExceededError) as raised:
            async with hurried.theo.stream(HELLO) as events:
                async for _ in events:
                    pass
        await server.exchanges[-1].closed.wait()
    assert raised.value.partial


async def test_a_callers_deadline_counts_from_the_call_also_before_the_first_word(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.gate = anyio.Event()

    with anyio.fail_after(5):
        async with connect(make_settings(engine_url=model_server.url)) as backend:
            hurried = backend.for_caller(Caller(deadline_s=0.2))
            with pytest.raises(TimeoutExceededError, match=r"within 0\.2 s"):
                async with hurried.theo.stream(HELLO) as events:
                    assert [event async for event in events]
        await model_server.exchanges[-1].closed.wait()


async def test_a_callers_deadline_does_not_count_what_the_caller_does_after(backend: Backend, server: Server) -> None:
    server.silent_after = None
    unhurried = backend.for_caller(Caller(deadline_s=5))

    async with unhurried.theo.stream(HELLO) as events:
        read = [event async for event in events]

    assert read[-1].event == "done"


async def test_a_file_inside_an_answer_is_opened_and_a_strangers_is_not(backend: Backend) -> None:
    opened = await backend.open("data:image/png;base64,iVBORw==", max_bytes=10)

    assert (opened.data, opened.mime) == (b"\x89PNG", "image/png")
    with pytest.raises(InputError) as raised:
        await backend.open("https://elsewhere.example/x.png")
    assert raised.value.code == "address_not_allowed"
