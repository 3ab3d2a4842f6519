"""The limit of a session: what may be spent from the start of a program to its end."""

from __future__ import annotations

from decimal import Decimal

import anyio
import pytest

from tests.conftest import MakeSettings
from tests.unit.meter.conftest import FREE, HELLO, Scripted, metered
from theo_mcp import connect, errors
from theo_mcp.backend import Session
from theo_mcp.testing import faults, theo
from theo_mcp.testing.http import Exchange, Handler
from theo_mcp.testing.theo import FakeTheo, completion


def costing(cents: float) -> Handler:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, completion(exchange.request.json) | {"usage": {"cost_cents": cents}})

    return answer


async def test_the_third_call_is_refused_with_the_numbers_and_nothing_is_sent(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, max_cents="10")
    theo_service.next = [costing(5), costing(5)]

    async with connect(settings) as backend:
        assert backend.session is not None
        assert backend.session() == Session(FREE, FREE, Decimal(10))
        await backend.theo.complete(HELLO)
        assert backend.session().cents == 5
        await backend.theo.complete(HELLO)
        with pytest.raises(errors.BudgetError) as raised:
            await backend.theo.complete(HELLO)
        assert backend.spending is not None
        spending = await backend.spending()

    assert [request.method for request in theo_service.requests] == ["POST", "POST"]
    assert raised.value.message == (
        "This call may cost 5 cents, and of this session's limit of 10 cents 10 are spent or reserved."
    )
    assert "THEO_MCP_MAX_CENTS" in raised.value.hint
    assert (spending.session_cents, spending.max_cents, spending.budget_cents) == (Decimal(10), Decimal(10), None)
    assert not settings.data_dir.exists()


async def test_the_next_program_begins_anew_and_the_days_budget_does_not(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, max_cents="5", budget_cents="8")
    theo_service.next = [costing(5), costing(2)]
    async with connect(settings) as backend:
        await backend.theo.complete(HELLO)
        with pytest.raises(errors.BudgetError, match="this session's limit of 5 cents"):
            await backend.theo.complete(HELLO)

    async with connect(settings) as backend:
        assert backend.session is not None
        await backend.theo.complete(HELLO)
        assert backend.session().cents == 2
        with pytest.raises(errors.BudgetError, match="today's budget of 8 cents 7 are"):
            await backend.theo.complete(HELLO)
        assert backend.session().cents == 2

    assert len(theo_service.requests) == 2


async def test_a_call_that_timed_out_is_sent_once_and_counts_as_it_was_reserved(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, max_cents="1.5", timeout_s=0.2)
    theo_service.next = [faults.stall()]

    async with connect(settings) as backend:
        with pytest.raises(errors.TimeoutExceededError):
            await backend.theo.complete(HELLO)
        with pytest.raises(errors.BudgetError):
            await backend.theo.complete(HELLO)
        assert backend.session is not None
        assert backend.session() == Session(FREE, Decimal(1), Decimal("1.5"))

    assert [request.method for request in theo_service.requests] == ["POST"]


async def test_what_a_cache_answers_costs_the_session_nothing(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key=theo.KEY, theo_base_url=theo_service.origin, max_cents="1.02")
    theo_service.caching = True

    async with connect(settings) as backend:
        for _ in range(5):
            await backend.theo.complete(HELLO)
        assert backend.session is not None
        assert backend.session().cents == Decimal("0.02")

    assert len(theo_service.requests) == 5


async def test_two_calls_at_once_cannot_both_pass_a_limit_for_one(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, session="1.5")
    arm.go_on = anyio.Event()
    outcomes: list[str] = []

    async def call() -> None:
        try:
            await hosted.complete(HELLO)
            outcomes.append("answered")
        except errors.BudgetError as error:
            outcomes.append(error.message.partition("session's ")[2])
            arm.go_on.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            tasks.start_soon(call)

    assert outcomes == ["limit of 1.5 cents 1 are spent or reserved.", "answered"]
    assert arm.calls == 1
    assert meter.session() == Session(Decimal("0.02"), FREE, Decimal("1.5"))


@pytest.mark.parametrize(
    ("budget", "session", "which"), [("1", "100", "today's budget"), ("100", "1", "this session's limit")]
)
async def test_a_refusal_by_one_limit_takes_nothing_from_the_other(
    arm: Scripted, budget: str, session: str, which: str
) -> None:
    meter, hosted, _ = metered(arm, budget, session=session)
    arm.answer = {"usage": {"cost_cents": 1}}
    await hosted.complete(HELLO)

    for _ in range(200):
        with pytest.raises(errors.BudgetError, match=f"{which} of 1 cents 1 are"):
            await hosted.complete(HELLO)

    assert meter.session().cents == (await meter.spending()).today_cents == 1


async def test_a_call_that_is_cancelled_before_it_is_sent_gives_its_reservation_back(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, session="1")

    for _ in range(3):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await hosted.complete(HELLO)
    await hosted.complete(HELLO)

    assert arm.calls == 1
    assert meter.session().cents == Decimal("0.02")


async def test_a_limit_of_nothing_refuses_every_paid_call_and_no_other(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, session="0")

    with pytest.raises(errors.BudgetError):
        await hosted.complete(HELLO)
    await meter.theo(arm, billed=False).complete(HELLO)
    await hosted.models()

    assert arm.calls == 2
