"""Rate limits that a service told of: remembered for each endpoint and key, and shown."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import (
    CompletionRequest,
    GenerateRequest,
    GetCodeClient,
    ImproveRequest,
    TheoClient,
    UploadRequest,
    connect,
    errors,
)
from theo_mcp.backend import Limited
from theo_mcp.testing import faults, getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Handler
from theo_mcp.testing.theo import FakeTheo

BAKERY = GenerateRequest(prompt="A bakery", output_type="website")
BRIEF = ImproveRequest(prompt="A bakery", output_type="website")
UPLOAD = UploadRequest(file_data=b"%PDF", mime_type="application/pdf", file_name="a.pdf", output_type="website")


@pytest.fixture
async def code(getcode_service: FakeGetCode) -> AsyncIterator[GetCodeClient]:
    async with GetCodeClient(getcode.KEY, base_url=getcode_service.origin) as connected:
        yield connected


def limited(seconds: str) -> list[Handler]:
    return [faults.status(429, {"error": "Rate limit exceeded"}, retry_after=seconds)]


async def generate(client: GetCodeClient) -> list[str]:
    with anyio.fail_after(5):  # a stream has no deadline that would end a wait
        async with client.generate(BAKERY) as events:
            return [event.type async for event in events]


async def test_an_hourly_limit_is_kept_for_its_endpoint_without_a_request(
    getcode_service: FakeGetCode, code: GetCodeClient
) -> None:
    getcode_service.next = limited("2040")
    with pytest.raises(errors.RateLimitError) as told:
        await generate(code)

    for _ in range(3):
        with pytest.raises(errors.RateLimitError) as raised:
            await generate(code)

    assert [request.path for request in getcode_service.requests] == ["/api/generate"]
    assert told.value.retry_after == 2040
    assert raised.value.retry_after == pytest.approx(2040, abs=5)
    half_an_hour_later = time.monotonic() + 1800
    assert code._http._pool.traffic.paused_for("/api/generate", half_an_hour_later)[0] == pytest.approx(240, abs=5)
    assert raised.value.message == "GetCode asked for a pause of /api/generate that lasts another 34 min."
    assert "Nothing was sent" in raised.value.hint
    await code.improve(BRIEF)
    await code.upload(UPLOAD)
    assert len(getcode_service.requests) == 3


async def test_what_is_limited_is_shown_until_it_is_over(getcode_service: FakeGetCode, code: GetCodeClient) -> None:
    assert code.limits() == ()
    getcode_service.next = limited("3600")
    with pytest.raises(errors.RateLimitError):
        await code.improve(BRIEF)

    (shown,) = code.limits()

    assert (shown.api, shown.what) == ("getcode", "improve")
    assert shown.seconds == pytest.approx(3600, abs=5)


async def test_another_key_has_its_own_limits_and_the_same_key_shares_them(
    getcode_service: FakeGetCode, code: GetCodeClient
) -> None:
    getcode_service.next = limited("600")
    with pytest.raises(errors.RateLimitError):
        await code.improve(BRIEF)

    async with (
        GetCodeClient(getcode.KEY, base_url=getcode_service.origin) as same,
        GetCodeClient("gc_another_key_0123456789abcdef", base_url=getcode_service.origin) as other,
    ):
        with pytest.raises(errors.RateLimitError):
            await same.improve(BRIEF)
        assert len(getcode_service.requests) == 1
        with pytest.raises(errors.AuthenticationError):
            await other.improve(BRIEF)
        assert other.limits() == ()


async def test_without_a_time_none_is_invented(getcode_service: FakeGetCode, code: GetCodeClient) -> None:
    getcode_service.next = [faults.status(429, {"error": "Rate limit exceeded"})]

    await code.improve(BRIEF)

    assert code.limits() == ()
    assert len(getcode_service.requests) == 2


async def test_a_time_beyond_the_hour_is_told_whole(getcode_service: FakeGetCode, code: GetCodeClient) -> None:
    getcode_service.next = limited("86400")
    with pytest.raises(errors.RateLimitError):
        await code.improve(BRIEF)

    with pytest.raises(errors.RateLimitError, match="lasts another 1,440 min"):
        await code.improve(BRIEF)

    assert len(getcode_service.requests) == 1


async def test_a_theo_that_names_an_hour_is_asked_again_after_a_minute(theo_service: FakeTheo) -> None:
    theo_service.next = limited("3600")
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        with pytest.raises(errors.RateLimitError):
            await client.complete(CompletionRequest(prompt="Hello"))
        (shown,) = client.limits()
        assert client._http._pool.traffic.paused_for("", time.monotonic() + 61) == (0, 0)

    assert (shown.api, shown.what) == ("theo", "")


async def test_the_backend_tells_the_limits_of_both_apis(
    make_settings: MakeSettings, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    settings = make_settings(
        theo_api_key=theo.KEY, theo_base_url=theo_service.origin, getcode_api_key=getcode.KEY,
        getcode_base_url=getcode_service.origin,
    )  # fmt: skip
    getcode_service.next = limited("120")

    async with connect(settings) as backend:
        assert backend.limits is not None
        assert backend.limits() == ()
        await backend.theo.complete(CompletionRequest(prompt="Hello"))
        with pytest.raises(errors.RateLimitError):
            await backend.getcode.improve(BRIEF)
        (shown,) = backend.limits()

    assert shown == Limited("getcode", "improve", shown.seconds)
