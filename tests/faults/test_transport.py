"""Faults below HTTP: names, ports, TLS, proxies, private certificates. Nothing was sent, and every error says so."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path

import anyio
import pytest
import trustme

from theo_mcp import CompletionRequest, TheoClient, errors
from theo_mcp.http.options import Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.testing import faults, theo
from theo_mcp.testing.http import HttpServer
from theo_mcp.testing.proxy import Proxy
from theo_mcp.testing.theo import FakeTheo

pytestmark = pytest.mark.slow

HELLO = CompletionRequest(prompt="Hello")
PROMPT = RetryPolicy(backoff=0.001)
ONCE = RetryPolicy(retries=0)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "*.api.test").configure_cert(context)
    return context


@pytest.fixture
async def secure(tls: ssl.SSLContext) -> AsyncIterator[FakeTheo]:
    async with FakeTheo(tls=tls) as service:
        yield service


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "private.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


async def failure(url: str, *, policy: RetryPolicy = PROMPT, connect: float = 2.0) -> errors.TheoError:
    async with TheoClient(theo.KEY, base_url=url, retries=policy, timeouts=Timeouts(connect=connect)) as client:
        with anyio.fail_after(10), pytest.raises(errors.TheoError) as raised:
            await client.complete(HELLO)
    assert raised.value.attempts == 0
    assert raised.value.retryable
    assert theo.KEY not in f"{raised.value} {raised.value!r}"
    return raised.value


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def test_a_private_authority_is_added_to_the_systems(secure: FakeTheo, trusted: None) -> None:
    async with TheoClient(theo.KEY, base_url=secure.origin) as client:
        answer = await client.complete(HELLO)
        async with client.stream(HELLO) as events:
            streamed = [event async for event in events]

    assert answer.content.startswith("Microservices")
    assert streamed[-1].event == "done"


async def test_an_unknown_authority_names_the_variable_that_adds_one(secure: FakeTheo) -> None:
    error = await failure(secure.origin)

    assert "its certificate is not trusted by this machine (SSL_CERT_FILE adds one)" in error.message
    assert secure.requests == []


async def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, trusted: None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("elsewhere.test").configure_cert(context)
    async with FakeTheo(tls=context) as service:
        error = await failure(service.origin)

    assert "certificate" in error.message


async def test_a_certificate_file_that_cannot_be_read_is_a_setting_to_look_at(
    secure: FakeTheo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))

    async with TheoClient(theo.KEY, base_url=secure.origin) as client:
        with pytest.raises(errors.ConfigError, match="SSL_CERT_FILE"):
            await client.complete(HELLO)


async def test_http_where_tls_was_due_is_told(theo_service: FakeTheo) -> None:
    theo_service.next = [faults.cut(b"HTTP/1.1 400 -\r\n\r\n")] * 3
    error = await failure(theo_service.origin.replace("http://127.0.0.1", "https://localhost"), connect=0.1)

    assert isinstance(error, errors.UnreachableError)


async def test_a_silent_handshake_ends_at_the_connect_timeout_and_leaves_no_socket() -> None:
    async with HttpServer(faults.stall()) as service:
        before = open_files()
        error = await failure(service.origin.replace("http://127.0.0.1", "https://localhost"), connect=0.05)

    assert "no connection in time" in error.message
    assert open_files() <= before


async def test_a_cancel_in_the_handshake_leaves_no_socket() -> None:
    async with HttpServer(faults.stall()) as service:
        url = service.origin.replace("http://127.0.0.1", "https://localhost")
        async with TheoClient(theo.KEY, base_url=url) as client:
            before = open_files()
            for _ in range(20):
                with anyio.move_on_after(0.01):
                    await client.complete(HELLO)
            await anyio.lowlevel.checkpoint()
            mine = open_files() - before
    # The server's ends close when it reads the end of ours; only those of this round may still be on their way.
    assert mine <= 4


async def test_a_closed_port_is_tried_again_and_told() -> None:
    async with HttpServer(faults.stall()) as service:
        url = service.origin
    error = await failure(url)

    assert error.message.endswith("the connection was refused.")


async def test_a_name_that_nobody_knows_is_told() -> None:
    error = await failure("https://theo.invalid", policy=ONCE)

    assert "theo.invalid" in error.message


async def test_five_failures_in_a_row_rest_the_host() -> None:
    async with HttpServer(faults.stall()) as service:
        url = service.origin
    async with TheoClient(theo.KEY, base_url=url, retries=ONCE) as client:
        raised = []
        for _ in range(6):
            with pytest.raises(errors.UnreachableError) as each:
                await client.complete(HELLO)
            raised.append(each.value)

    assert [error.code for error in raised] == ["unreachable"] * 5 + ["circuit_open"]
    assert 0 < (raised[5].retry_after or 0) <= 2


@pytest.fixture
async def proxy(secure: FakeTheo, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    async with Proxy(int(secure.origin.rpartition(":")[2])) as running:
        monkeypatch.setenv("HTTPS_PROXY", running.origin)
        yield running


async def test_a_proxy_of_the_environment_carries_the_call(secure: FakeTheo, trusted: None, proxy: Proxy) -> None:
    async with TheoClient(theo.KEY, base_url="https://host0.api.test") as client:
        answer = await client.complete(HELLO)

    assert answer.content.startswith("Microservices")
    assert proxy.requests[0].method == "CONNECT"
    assert "authorization" not in proxy.requests[0].headers


async def test_a_proxy_that_refuses_is_told(trusted: None, proxy: Proxy) -> None:
    proxy.next = [faults.status(407, "who are you")] * 3
    error = await failure("https://host1.api.test")

    assert error.message.endswith("the proxy refused.")


@pytest.mark.parametrize("fault", ["cut", "stall", "no TLS"])
async def test_a_tunnel_that_breaks_is_told_and_costs_no_place_in_the_pool(
    secure: FakeTheo, trusted: None, proxy: Proxy, fault: str
) -> None:
    handlers = {
        "cut": faults.cut(),
        "stall": faults.stall(),
        "no TLS": faults.cut(b"HTTP/1.1 200 -\r\n\r\nthis is no handshake"),
    }
    times = Timeouts(connect=0.05)
    before = open_files()
    async with TheoClient(theo.KEY, base_url="https://host2.api.test", retries=ONCE, timeouts=times) as client:
        for _ in range(4):
            proxy.next = [handlers[fault]]
            with anyio.fail_after(5), pytest.raises(errors.TheoError) as raised:
                await client.complete(HELLO)
            assert raised.value.attempts == 0
        patient = client.with_options(timeouts=Timeouts(connect=5.0))
        assert (await patient.complete(HELLO)).content.startswith("Microservices")
    assert open_files() <= before + 7  # the other ends: four of the proxy, three of the tunnel that worked


async def test_a_pool_of_broken_tunnels_still_serves(secure: FakeTheo, trusted: None, proxy: Proxy) -> None:
    """More broken tunnels than the pool has places."""
    times = Timeouts(connect=2)
    async with TheoClient(theo.KEY, base_url="https://host3.api.test", retries=ONCE, timeouts=times) as client:
        for _ in range(30):
            proxy.next = [faults.cut(b"HTTP/1.1 200 -\r\n\r\nthis is no handshake")] * 4
            for _ in range(4):
                with pytest.raises(errors.UnreachableError):
                    await client.complete(HELLO)
            secure.next = [faults.status(200, theo.completion({}), connection="close")]
            assert (await client.complete(HELLO)).content.startswith("Microservices")


async def test_a_proxy_setting_that_is_no_address_is_a_setting_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks9://nowhere")

    async with TheoClient(theo.KEY, base_url="https://host4.api.test") as client:
        with pytest.raises(errors.ConfigError, match="HTTPS_PROXY"):
            await client.complete(HELLO)


async def test_a_connection_that_nobody_accepts_ends_at_its_timeout_and_at_a_cancel() -> None:
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):  # the queue of a listener that accepts nobody; what comes then is not answered at all
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            with suppress(BlockingIOError):
                other.connect(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        error = await failure(url, policy=ONCE, connect=0.1)
        before = open_files()
        async with TheoClient(theo.KEY, base_url=url) as client:
            for _ in range(10):
                began = time.monotonic()
                with anyio.move_on_after(0.02) as scope:
                    await client.complete(HELLO)
                assert scope.cancelled_caught
                assert time.monotonic() - began < 0.5

    assert "no connection in time" in error.message
    assert open_files() <= before
