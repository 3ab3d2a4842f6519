"""Clients that the caller brings, whose transport is not the library's own and tells nothing of its steps."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from theo_mcp import CompletionRequest, TheoClient, errors
from theo_mcp.http.library import AsyncClient, Library, Wire
from theo_mcp.http.options import Timeouts
from theo_mcp.testing import faults, theo
from theo_mcp.wire.events import Token

pytestmark = pytest.mark.slow

HELLO = CompletionRequest(prompt="Hello")
Handle = Callable[[Any], Awaitable[Any]]


def over(library: Any, handle: Handle) -> AsyncClient:
    client: AsyncClient = library.AsyncClient(transport=library.MockTransport(handle))
    return client


_ports = count(1)


@pytest.fixture
def url() -> str:
    """Another one for each test: failures are counted per address."""
    return f"http://127.0.0.1:{next(_ports)}"


@pytest.fixture(params=[httpx2, httpx], ids=["httpx2", "httpx"])
def library(request: pytest.FixtureRequest) -> Any:
    return request.param


async def test_what_a_transport_without_a_trace_may_have_sent_is_not_sent_again(library: Any, url: str) -> None:
    """It looked like "never sent", and a paid call went out three times."""
    came = []

    async def handle(request: Any) -> Any:
        came.append(request)
        raise library.ReadError("gone")

    async with TheoClient(theo.KEY, base_url=url, http_client=over(library, handle)) as client:
        with pytest.raises(errors.ConnectionLostError, match="may have been done") as raised:
            await client.complete(HELLO)

    assert (len(came), raised.value.attempts, raised.value.retryable) == (1, 1, False)


async def test_an_answer_over_such_a_transport_may_take_longer_than_a_connect(library: Any, url: str) -> None:
    came = []

    async def handle(request: Any) -> Any:
        came.append(request)
        await anyio.sleep(0.2)
        return library.Response(200, json=theo.completion({}))

    times = Timeouts(connect=0.05)
    async with TheoClient(theo.KEY, base_url=url, http_client=over(library, handle), timeouts=times) as client:
        answer = await client.complete(HELLO)

    assert answer.content.startswith("Microservices")
    assert len(came) == 1


@pytest.mark.slow
async def test_a_connect_that_failed_over_such_a_transport_is_tried_again(library: Any, url: str) -> None:
    came = []

    async def handle(request: Any) -> Any:
        came.append(request)
        raise library.ConnectError("refused")

    async with TheoClient(theo.KEY, base_url=url, http_client=over(library, handle)) as client:
        with pytest.raises(errors.UnreachableError) as raised:
            await client.complete(HELLO)

    assert (len(came), raised.value.retryable) == (3, True)


@pytest.mark.parametrize("silent", [True, False], ids=["silence", "comments"])
async def test_a_stream_over_such_a_transport_has_its_idle_timeout(library: Any, silent: bool, url: str) -> None:
    """It had none: the timer found no socket to shut down, and the read went on for ever."""

    class Body(library.AsyncByteStream):  # type: ignore[misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield faults.token("so far")
            while True:
                await anyio.sleep(3600 if silent else 0.01)
                yield b": still here\n\n"

    async def handle(request: Any) -> Any:
        return library.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

    times = Timeouts(idle=0.1)
    async with TheoClient(theo.KEY, base_url=url, http_client=over(library, handle), timeouts=times) as client:
        with anyio.fail_after(3), pytest.raises(errors.TimeoutExceededError, match=r"for 0\.1 s") as raised:
            async with client.stream(HELLO) as events:
                async for event in events:
                    assert isinstance(event, Token)
                    await anyio.sleep(0.2)  # what the caller does meanwhile is not the stream's silence

    assert raised.value.partial == "so far"


async def test_a_reply_that_cannot_be_closed_is_still_an_answer(library: Any, url: str) -> None:
    class Body(library.AsyncByteStream):  # type: ignore[misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield json.dumps(theo.completion({})).encode()

        async def aclose(self) -> None:
            raise library.CloseError("broken pipe")

    async def handle(request: Any) -> Any:
        return library.Response(200, headers={"content-type": "application/json"}, stream=Body())

    async with TheoClient(theo.KEY, base_url=url, http_client=over(library, handle)) as client:
        answer = await client.complete(HELLO)

    assert answer.content.startswith("Microservices")


async def test_only_the_librarys_own_transports_are_believed(library: Any) -> None:
    async def handle(request: Any) -> Any:
        raise NotImplementedError

    mock = library.MockTransport(handle)
    async with library.AsyncClient() as own, library.AsyncClient(mounts={"https://": mock}) as mounted:
        assert Library(own).traces
        assert not Library(mounted).traces


async def test_a_request_over_http2_counts_as_sent() -> None:
    told = []
    wire = Wire(lambda: told.append("sent"))

    await wire.trace("http2.send_request_headers.started", {"request": httpx2.Request("POST", "https://theo.test")})

    assert wire.sent
    assert told == ["sent"]
