"""What both hosted clients can do beside their endpoints: options, raw replies, files, callers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from theo_mcp import CompletionRequest, GetCodeClient, ImproveRequest, RetryPolicy, TheoClient, Timeouts, errors
from theo_mcp.backend import Caller
from theo_mcp.http.options import RawReply
from theo_mcp.testing import faults, getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import HttpServer
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.wire.events import Done

HELLO = CompletionRequest(prompt="Hello")


@pytest.fixture
async def client(theo_service: FakeTheo) -> AsyncIterator[TheoClient]:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as connected:
        yield connected


async def test_each_logical_call_has_one_idempotency_key_of_its_own(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [faults.status(503, "", retry_after="0")]

    await client.complete(HELLO)
    await client.complete(HELLO)
    await client.models()

    keys = [request.headers.get("idempotency-key") for request in theo_service.requests]
    assert keys[0] == keys[1], "a second try of the same call"
    assert keys[1] != keys[2]
    assert keys[3] is None, "a GET costs nothing"
    assert all(len(key or "") == 32 for key in keys[:3])


@pytest.mark.parametrize("streams", [False, True])
async def test_a_draft_of_a_gateway_of_ours_stays_one_and_who_answered_is_not_its_to_say(
    theo_service: FakeTheo, client: TheoClient, streams: bool
) -> None:
    said = {"backend": "engine", "engine": "embedded", "model": "other", "draft": True, "notice": "Read it first."}
    answer = {"id": "cmpl_1", "content": "Hi", "model": {"id": "small", "engine": "embedded"}, "theo_mcp": said}
    theo_service.next = [faults.status(200, answer)]

    if streams:
        async with client.stream(HELLO) as events:
            about = await anext(event.theo_mcp async for event in events if isinstance(event, Done))
    else:
        about = (await client.complete(HELLO)).theo_mcp

    assert (about.draft, about.notice) == (True, "Read it first.")
    assert (about.backend, about.engine, about.model) == ("hosted", "embedded", "small")


async def test_options_hold_for_the_copy_alone(theo_service: FakeTheo, client: TheoClient) -> None:
    once = client.with_options(retries=RetryPolicy(retries=0), idempotency_key="order-7")
    theo_service.next = [faults.status(503)]

    with pytest.raises(errors.ServiceError):
        await once.complete(HELLO)
    theo_service.next = [faults.status(503, "", retry_after="0")]
    await client.complete(HELLO)

    keys = [request.headers["idempotency-key"] for request in theo_service.requests]
    assert keys[0] == "order-7"
    assert "order-7" not in keys[1:]


async def test_a_raw_reply_has_what_the_typed_answer_does_not_show(theo_service: FakeTheo, client: TheoClient) -> None:
    replies: list[RawReply] = []
    limits = {"x_ratelimit_remaining_requests": "59", "x_ratelimit_reset_requests": "58s", "x_request_id": "req_9"}
    theo_service.next = [
        faults.status(503, "", retry_after="0"),
        faults.status(200, theo.completion({}), **limits),
    ]

    await client.with_options(on_reply=replies.append).complete(HELLO)
    async with client.with_options(on_reply=replies.append).stream(HELLO) as events:
        async for _ in events:
            pass

    assert [reply.status for reply in replies] == [503, 200, 200]
    assert replies[1].headers["x-ratelimit-reset-requests"] == "58s"
    assert replies[1].request_id == "req_9"
    assert b"Microservices" in replies[1].body
    assert replies[2].body == b""
    assert "Microservices" not in repr(replies[1])


async def test_the_headers_request_id_stands_in_where_the_body_has_none(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.next = [faults.status(200, theo.completion({}), x_request_id="req_9")]

    answer = await client.complete(HELLO)

    assert answer.request_id == "req_9"


async def test_an_endpoint_without_a_method_is_called_with_all_that_a_call_has(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.next = [faults.status(503, "", retry_after="0"), faults.status(200, '{"window": "24h"}')]

    body = await client.request("GET", "/api/v1/benchmarks?window=24h")

    assert body == b'{"window": "24h"}'
    assert theo_service.requests[1].path == "/api/v1/benchmarks?window=24h"
    assert theo_service.requests[1].headers["authorization"] == f"Bearer {theo.KEY}"
    with pytest.raises(errors.NotFoundError):
        await client.request("POST", "api/v1/nothing", b"{}")


async def test_a_file_of_the_service_is_opened_without_the_key(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [faults.status(200, b"\x89PNG", content_type="image/png")]

    opened = await client.open(f"{theo_service.origin}/files/logo.png?sig=1")

    assert (opened.data, opened.mime, opened.name) == (b"\x89PNG", "image/png", "logo.png")
    assert "authorization" not in theo_service.requests[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/logo.png",
        "http://artifacts.hitheo.ai/logo.png",
        "https://artifacts.hitheo.ai:8443/logo.png",
        "https://artifacts.hitheo.ai.evil.example/logo.png",
        "https://www.hitheo.ai@evil.example/logo.png",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ],
)
async def test_a_file_elsewhere_is_not_opened(theo_service: FakeTheo, client: TheoClient, url: str) -> None:
    with pytest.raises(errors.InputError) as raised:
        await client.open(url)

    assert raised.value.code == "address_not_allowed"
    assert theo_service.requests == []


async def test_a_file_that_redirects_elsewhere_is_not_followed(theo_service: FakeTheo, client: TheoClient) -> None:
    async with HttpServer(faults.status(200, b"secret")) as inside:
        theo_service.next = [faults.status(302, "", location=f"{inside.origin}/latest/meta-data")]
        with pytest.raises(errors.InputError, match="not fetched"):
            await client.open(f"{theo_service.origin}/logo.png")

        assert inside.requests == []


async def test_a_caller_has_a_deadline_over_all_tries_and_a_key(theo_service: FakeTheo, client: TheoClient) -> None:
    scoped = client.for_caller(Caller(tenant="a", deadline_s=0.2, idempotency_key="order-7"))
    theo_service.next = [faults.status(503, "", retry_after="0.05"), faults.stall()]

    with anyio.fail_after(2), pytest.raises(errors.TimeoutExceededError) as raised:
        await scoped.complete(HELLO)

    assert raised.value.attempts == 2
    assert {request.headers["idempotency-key"] for request in theo_service.requests} == {"order-7"}


async def test_a_callers_deadline_ends_a_stream_that_goes_on(theo_service: FakeTheo, client: TheoClient) -> None:
    scoped = client.for_caller(Caller(deadline_s=0.2))
    theo_service.next = [faults.drip(faults.head(200, faults.EVENTS), faults.token("x"))]

    with (
        anyio.fail_after(2),
        pytest.raises(errors.TimeoutExceededError, match="did not finish within") as raised,
    ):
        async with scoped.stream(HELLO) as events:
            async for _ in events:
                pass

    assert raised.value.partial.startswith("xxx")


async def test_getcode_counts_its_limits_per_endpoint(getcode_service: FakeGetCode) -> None:
    """A full hour of one endpoint does not hold back another."""
    getcode_service.next = [faults.status(429, {"error": "slow down"}, retry_after="3600")]
    async with GetCodeClient(getcode.KEY, base_url=getcode_service.origin) as client:
        with pytest.raises(errors.RateLimitError) as refused:
            await client.improve(ImproveRequest(prompt="a bakery", output_type="website"))
        with pytest.raises(errors.RateLimitError) as held:
            await client.improve(ImproveRequest(prompt="a bakery", output_type="website"))
        with pytest.raises(errors.NotFoundError):
            await client.request("POST", "/api/other", b"{}")

    assert (refused.value.attempts, held.value.attempts) == (1, 0)
    assert (held.value.retry_after or 0) > 3590
    assert refused.value.hint.startswith("Come back in 3,600 s.")
    assert len(getcode_service.requests) == 2


async def test_health_is_asked_without_the_key_and_waits_for_no_pause_of_it(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.next = [faults.status(429, "", retry_after="3600")]
    with pytest.raises(errors.RateLimitError):
        await client.complete(HELLO)

    assert (await client.health()).status == "healthy"
    with pytest.raises(errors.RateLimitError, match="Nothing was sent"):
        await client.models()


async def test_a_closed_copy_closes_all_and_says_so(theo_service: FakeTheo, client: TheoClient) -> None:
    await client.with_options(timeouts=Timeouts()).aclose()

    with pytest.raises(errors.TransportError) as raised:
        await client.complete(HELLO)

    assert raised.value.code == "client_closed"
