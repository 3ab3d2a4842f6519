"""What was paid for is not lost, and what may have been paid for is not called unpaid."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal

import anyio
import pytest

from theo_mcp import CompletionRequest, TheoClient, errors
from theo_mcp.backend import Caller
from theo_mcp.http.call import Call
from theo_mcp.http.options import RawReply, Timeouts
from theo_mcp.http.retry import RetryPolicy, Traffic
from theo_mcp.http.telemetry import Report
from theo_mcp.meter import Meter
from theo_mcp.meter.ledger import MemoryLedger
from theo_mcp.testing import faults, theo
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import FakeTheo

HELLO = CompletionRequest(prompt="canary-prompt")


def fails(news: object) -> None:
    raise RuntimeError("the caller's own")


async def test_callbacks_that_fail_cost_no_answer(theo_service: FakeTheo, caplog: pytest.LogCaptureFixture) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        watched = client.with_options(on_reply=fails)
        answer = await watched.complete(HELLO, observe=fails)
        async with watched.stream(HELLO) as events:
            streamed = [event async for event in events]

    assert answer.content.startswith("Microservices")
    assert streamed
    assert len(theo_service.requests) == 2
    assert caplog.messages.count("A callback failed; the call goes on.") == 3


@pytest.mark.parametrize("then", [429, 401, None], ids=["refused", "wrong key", "gone"])
async def test_a_refusal_after_a_try_that_may_be_billed_is_no_proof_that_nothing_was(
    theo_service: FakeTheo, then: int | None
) -> None:
    """The first try got no verdict; that the second was refused says nothing about it."""
    theo_service.next = [faults.cut(), faults.cut() if then is None else faults.status(then)]
    policy = RetryPolicy(retries=1, backoff=0.001, retry_ambiguous=True)
    meter = Meter(MemoryLedger(), budget_cents=Decimal(100))
    async with TheoClient(theo.KEY, base_url=theo_service.origin, retries=policy) as client:
        with pytest.raises(errors.TheoError, match="may have been done and billed") as raised:
            await meter.theo(client, billed=True).complete(HELLO)

    assert (raised.value.maybe_billed, raised.value.retryable, raised.value.attempts) == (True, False, 2)
    assert (await meter.spending()).today_cents == 1


async def test_a_plain_refusal_is_not_billed(theo_service: FakeTheo) -> None:
    theo_service.next = [faults.status(429)]
    meter = Meter(MemoryLedger(), budget_cents=Decimal(100))
    async with TheoClient(theo.KEY, base_url=theo_service.origin, retries=RetryPolicy(retries=0)) as client:
        with pytest.raises(errors.RateLimitError) as raised:
            await meter.theo(client, billed=True).complete(HELLO)

    assert (raised.value.maybe_billed, raised.value.retryable) == (False, True)
    assert (await meter.spending()).today_cents == 0


@pytest.mark.parametrize("how", ["whole", "stream", "job"])
async def test_a_callers_deadline_holds_also_when_it_is_past(theo_service: FakeTheo, how: str) -> None:
    """None left was read as none given, and a look at a job brought its own."""
    theo_service.next = [faults.stall()]
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        limited = client.for_caller(Caller(deadline_s=0.1 if how == "job" else 0.0))
        with anyio.fail_after(2), pytest.raises(errors.TimeoutExceededError):
            if how == "whole":
                await limited.complete(HELLO)
            elif how == "job":
                await limited.job("job_1", timeout=30)
            else:
                async with limited.stream(HELLO):
                    pass


@pytest.mark.parametrize("key", ["a\nAuthorization: x", "ä☃", " padded"])
async def test_an_idempotency_key_that_cannot_be_sent_is_refused_before_anything_is(
    theo_service: FakeTheo, key: str
) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        with pytest.raises(errors.InputError, match="idempotency key"):
            await client.for_caller(Caller(idempotency_key=key)).complete(HELLO)

    assert theo_service.requests == []


async def test_a_method_is_a_word_and_a_post_by_any_case_has_its_key(theo_service: FakeTheo) -> None:
    theo_service.next = [faults.status(200, {})]
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        with pytest.raises(errors.InputError, match="method"):
            await client.request("GET /x HTTP/1.1\r\nX: y", "/x")
        await client.request("post", "/api/v1/new", b"{}")

    (sent,) = theo_service.requests
    assert sent.method == "POST"
    assert sent.headers["idempotency-key"]


async def test_a_pause_that_is_prolonged_meanwhile_is_waited_out(theo_service: FakeTheo) -> None:
    times: list[float] = []

    async def answer(exchange: Exchange) -> None:
        times.append(time.monotonic())
        await exchange.reply(200, theo.completion({}))

    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        traffic = client._http._pool.traffic
        began = time.monotonic()
        traffic.pause("", began, 0.1, 60)
        theo_service.next = [answer]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.complete, HELLO)
            await anyio.sleep(0.05)
            traffic.pause("", began, 0.4, 60)

    assert times[0] - began >= 0.4


async def test_a_pause_longer_than_the_call_says_that_it_may_come_again(theo_service: FakeTheo) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin, timeouts=Timeouts(whole=1)) as client:
        client._http._pool.traffic.pause("", time.monotonic(), 30, 60)
        with pytest.raises(errors.RateLimitError, match="Nothing was sent") as raised:
            await client.complete(HELLO)

    assert raised.value.retryable
    assert theo_service.requests == []


async def test_a_retry_after_of_a_million_years_is_told_in_few_digits(theo_service: FakeTheo) -> None:
    theo_service.next = [faults.status(429, "", retry_after="1e300")]
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        with pytest.raises(errors.RateLimitError) as raised:
            await client.complete(HELLO)

    assert raised.value.retry_after == 1e9
    assert len(str(raised.value)) < 250


async def test_the_prompt_is_not_in_a_calls_repr() -> None:
    """A traceback with locals shows it."""
    report = Report("Theo", "http://127.0.0.1", "POST", "/x", None)
    call = Call(
        "Theo", "POST", "/x", b"canary-prompt", 1, 1, RetryPolicy(), Traffic(), report, billed=True, key=None
    )  # fmt: skip

    assert "canary" not in repr(call)


async def test_replies_are_told_as_they_come(theo_service: FakeTheo) -> None:
    told: list[RawReply] = []
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        await client.with_options(on_reply=told.append).complete(HELLO)

    assert [reply.status for reply in told] == [200]


@pytest.mark.slow
async def test_a_reader_past_the_deadline_is_not_looked_after_in_a_loop(
    theo_service: FakeTheo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand timers a second ran until it read on."""
    loop, timers = asyncio.get_running_loop(), 0
    call_later = loop.call_later

    def counted(*args: object) -> object:
        nonlocal timers
        timers += "Silence" in repr(args)
        return call_later(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_later", counted)
    times = Timeouts(total=0.4)
    async with (
        TheoClient(theo.KEY, base_url=theo_service.origin, timeouts=times) as client,
        client.stream(HELLO) as events,
    ):
        await anext(events)
        await anyio.sleep(1)

    assert 1 < timers < 20
