"""What a call costs in the end: answered, failed, cancelled, left early, cached, or with a cost that cannot be."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from tests.unit.meter.conftest import FREE, HELLO, Scripted, metered, read_all, used
from theo_mcp import InputError, errors
from theo_mcp.backend import Used
from theo_mcp.wire.events import Done, Token

NOTHING_DONE = [
    errors.ConfigError, errors.InputError, errors.NotAvailableError, errors.UnreachableError, errors.BadRequestError,
    errors.AuthenticationError, errors.PermissionDeniedError, errors.CreditsError, errors.NotFoundError,
    errors.RateLimitError,
]  # fmt: skip
MAYBE_DONE = [
    errors.ServiceError, errors.TimeoutExceededError, errors.ConnectionLostError, errors.ProtocolError,
    errors.StreamError, errors.ModelError,
]  # fmt: skip


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    ("kind", "maybe"), [(kind, 0) for kind in NOTHING_DONE] + [(kind, 1) for kind in MAYBE_DONE] + [(ValueError, 1)]
)
async def test_a_failure_gives_the_reservation_back_only_if_nothing_was_done(
    arm: Scripted, streamed: bool, kind: type[Exception], maybe: int
) -> None:
    meter, hosted, _ = metered(arm, "100")
    arm.answer = kind("failed")

    with pytest.raises(kind, match="failed"):
        await (read_all(hosted) if streamed else hosted.complete(HELLO))

    tally = await used(meter)
    assert (tally.calls, tally.failures, tally.cost_cents, tally.maybe_cents) == (1, 1, FREE, Decimal(maybe))
    assert (await meter.spending()).today_cents == maybe


@pytest.mark.parametrize(("says_sent", "maybe"), [(True, 1), (False, 0)])
async def test_a_cancelled_call_is_given_back_only_if_it_was_not_sent(
    arm: Scripted, says_sent: bool, maybe: int
) -> None:
    meter, hosted, _ = metered(arm, "100")
    arm.says_sent, arm.go_on = says_sent, anyio.Event()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hosted.complete, HELLO)
        await arm.reached.wait()
        tasks.cancel_scope.cancel()

    assert (await used(meter)).failures == 0
    assert (await meter.spending()).today_cents == maybe


async def test_a_call_that_is_cancelled_before_it_begins_is_neither_sent_nor_counted_as_spent(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100")

    with anyio.CancelScope() as scope:
        scope.cancel()
        await hosted.complete(HELLO)

    assert (arm.calls, (await meter.spending()).today_cents) == (0, FREE)


async def test_a_stream_that_is_left_early_may_have_been_billed(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100")

    async with hosted.stream(HELLO) as events:
        async for event in events:
            assert isinstance(event, Token)
            break

    assert await used(meter) == Used("theo", "stream", 1, 0, 0, 0, FREE, Decimal(1))


async def test_a_stream_that_is_left_at_its_end_costs_what_it_said(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100")

    async with hosted.stream(HELLO) as events:
        async for event in events:
            if isinstance(event, Done):
                break

    assert (await meter.spending()).today_cents == Decimal("0.02")


async def test_what_a_reader_raises_says_nothing_about_the_call(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100")

    with pytest.raises(InputError, match="the caller's own"):
        async with hosted.stream(HELLO):
            raise InputError("the caller's own")

    assert (await meter.spending()).today_cents == 1


async def test_what_fails_after_the_answer_does_not_take_its_cost_away(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100")

    with pytest.raises(InputError, match="the caller's own"):
        async with hosted.stream(HELLO) as events:
            assert [event async for event in events]
            raise InputError("the caller's own")

    assert (await meter.spending()).today_cents == Decimal("0.02")


@pytest.mark.parametrize(
    "flag", [{"_cached": True}, {"usage": {"cost_cents": 0.02, "cached": True}}, {"metadata": {"cached": True}}]
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_what_a_cache_answered_costs_nothing(arm: Scripted, flag: dict[str, object], streamed: bool) -> None:
    meter, hosted, _ = metered(arm, "1")
    arm.answer = {"usage": {"cost_cents": 0.02}, **flag}

    for _ in range(3):
        await (read_all(hosted) if streamed else hosted.complete(HELLO))

    tally = await used(meter)
    assert (tally.cached, tally.cost_cents, (await meter.spending()).today_cents) == (3, FREE, FREE)


async def test_a_cached_answer_in_the_openai_format_costs_nothing(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "1")
    arm.answer = {"choices": [], "_cached": True}

    await hosted.complete_openai(HELLO)

    assert (await meter.spending()).today_cents == FREE


@pytest.mark.parametrize(
    "cost", [float("nan"), float("inf"), -5, -0.0001, 1e300, 100_001, "five cents", None, [], 10**400]
)
async def test_a_cost_that_cannot_be_true_counts_as_not_said(arm: Scripted, cost: object) -> None:
    meter, hosted, _ = metered(arm, "100")
    arm.answer = {"usage": {"cost_cents": cost, "total_tokens": -5}}

    await hosted.complete(HELLO)

    assert await used(meter) == Used("theo", "complete", 1, 0, 0, 0, FREE, Decimal(1))
    assert (await meter.spending()).today_cents == 1


async def test_a_cost_far_below_a_cent_is_kept(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm)
    arm.answer = {"usage": {"cost_cents": 0.0000123}}

    await hosted.complete(HELLO)

    assert (await used(meter)).cost_cents == Decimal("0.000012")
