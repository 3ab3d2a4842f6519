"""The meter over a scripted arm, and over the real client with the fake service."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import anyio
import pytest

from tests.conftest import MakeSettings
from tests.unit.meter.conftest import FREE, HELLO, Scripted, metered, read_all, used
from theo_mcp import (
    CodeRequest,
    CompletionRequest,
    DocumentRequest,
    GenerateRequest,
    ImagesRequest,
    ImproveRequest,
    TheoError,
    UploadRequest,
    connect,
    errors,
)
from theo_mcp.backend import Session, Used
from theo_mcp.meter import Meter
from theo_mcp.meter.ledger import MemoryLedger
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange, Handler
from theo_mcp.testing.theo import FakeTheo, completion

FOUR = ImagesRequest(prompt="x", count=4)


async def test_every_call_is_counted_with_what_it_says_of_itself(arm: Scripted) -> None:
    meter, hosted, other = metered(arm)
    arm.answer = {
        "content": "x", "improved": "x", "tokensUsed": 312,
        "usage": {"cost_cents": 0.02, "prompt_tokens": 12, "completion_tokens": 156, "total_tokens": 168},
    }  # fmt: skip

    await hosted.complete(HELLO)
    await hosted.complete(HELLO)
    await hosted.complete_openai(HELLO)
    await read_all(hosted)
    await hosted.code(CodeRequest(prompt="x"))
    await hosted.images(ImagesRequest(prompt="x"))
    await hosted.document(DocumentRequest(prompt="x"))
    await hosted.models()
    await hosted.health()
    await hosted.skills()
    await hosted.install_skill("x")
    await hosted.conversations()
    await hosted.conversation("x")
    await hosted.delete_conversation("x")
    await hosted.usage()
    await other.improve(ImproveRequest(prompt="x", output_type="pdf"))
    async with other.generate(GenerateRequest(prompt="x", output_type="pdf")) as events:
        assert len([event async for event in events]) == 2
    await other.upload(UploadRequest(file_data=b"x", mime_type="image/png", file_name="x.png", output_type="pdf"))

    cost = Decimal("0.02")
    assert (await meter.spending()).used == (
        Used("getcode", "generate", 1, 0, 0, 312, FREE, FREE),
        Used("getcode", "improve", 1, 0, 0, 312, FREE, FREE),
        Used("getcode", "upload", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "code", 1, 0, 0, 168, cost, FREE),
        Used("theo", "complete", 2, 0, 0, 336, 2 * cost, FREE),
        Used("theo", "complete_openai", 1, 0, 0, 168, FREE, cost),  # that format tells no cost
        Used("theo", "conversation", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "conversations", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "delete_conversation", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "document", 1, 0, 0, 168, cost, FREE),
        Used("theo", "health", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "images", 1, 0, 0, 168, cost, FREE),
        Used("theo", "install_skill", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "models", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "skills", 1, 0, 0, 0, FREE, FREE),
        Used("theo", "stream", 1, 0, 0, 168, cost, FREE),
        Used("theo", "usage", 1, 0, 0, 0, FREE, FREE),
    )
    assert (await meter.spending()).today_cents == Decimal("0.14")
    assert meter.session() == Session(Decimal("0.12"), cost, None)


async def test_sums_do_not_drift(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm)
    arm.answer = {"usage": {"cost_cents": 0.1}}

    for _ in range(1000):
        await hosted.complete(HELLO)

    assert (await used(meter)).cost_cents == 100


async def test_a_call_that_could_pass_the_budget_is_refused_before_it_is_sent(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "10")
    arm.answer = {"usage": {"cost_cents": 5}}
    await hosted.complete(HELLO)
    await hosted.complete(HELLO)

    with pytest.raises(errors.BudgetError) as raised:
        await hosted.complete(HELLO)

    assert arm.calls == 2
    assert raised.value.code == "budget_exceeded"
    assert raised.value.message == (
        "This call may cost 5 cents, and of today's budget of 10 cents 10 are spent or reserved."
    )
    assert "budget_cents" in raised.value.hint
    assert await used(meter) == Used("theo", "complete", 2, 0, 0, 0, Decimal(10), FREE)


async def test_a_stream_is_refused_before_it_is_sent(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "0.5")

    with pytest.raises(errors.BudgetError, match=r"may cost 1 cents, and of today's budget of 0\.5 cents 0 are"):
        await read_all(hosted)

    assert arm.calls == 0
    assert (await meter.spending()).used == ()


async def test_a_budget_of_nothing_refuses_every_paid_call_and_no_other(arm: Scripted) -> None:
    meter, hosted, other = metered(arm, "0")
    engine = meter.theo(arm, billed=False)

    with pytest.raises(errors.BudgetError):
        await hosted.complete(HELLO)
    await engine.complete(HELLO)
    await read_all(engine)
    await hosted.models()
    await other.improve(ImproveRequest(prompt="x", output_type="pdf"))

    assert arm.calls == 4


@pytest.mark.parametrize(
    ("mode", "cents"),
    [(None, 1), ("auto", 1), ("fast", 1), ("think", 3), ("code", 2), ("image", 20), ("video", 200), ("research", 100)],
)
async def test_the_first_call_of_a_mode_reserves_a_careful_guess(arm: Scripted, mode: str | None, cents: int) -> None:
    request = CompletionRequest.model_validate({"prompt": "x", "mode": mode})
    arm.answer = errors.ConnectionLostError("broke")
    meter, hosted, _ = metered(arm, str(cents))
    _, poorer, _ = metered(arm, str(Decimal(cents) - Decimal("0.000001")))

    with pytest.raises(errors.ConnectionLostError):
        await hosted.complete(request)
    with pytest.raises(errors.BudgetError):
        await poorer.complete(request)

    assert (await used(meter)).maybe_cents == cents


async def test_later_calls_reserve_the_largest_cost_seen_for_the_mode(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm)
    for cents in (0.01, 0.5, 0.02):
        arm.answer = {"usage": {"cost_cents": cents}}
        await hosted.complete(HELLO)
    arm.answer = errors.ConnectionLostError("broke")

    for request in (HELLO, CompletionRequest(prompt="x", mode="fast")):
        with pytest.raises(errors.ConnectionLostError):
            await hosted.complete(request)

    assert (await used(meter)).maybe_cents == Decimal("1.5")  # 0.5 for auto, and the guess of 1 for fast


async def test_images_reserve_for_each_of_them(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100")
    arm.answer = {"usage": {"cost_cents": 8}}
    with pytest.raises(errors.BudgetError, match="may cost 80 cents"):
        await Meter(MemoryLedger(), budget_cents=Decimal(79)).theo(arm, billed=True).images(FOUR)
    await hosted.images(ImagesRequest(prompt="x", count=2))
    arm.answer = errors.ConnectionLostError("broke")

    with pytest.raises(errors.ConnectionLostError):
        await hosted.images(FOUR)

    assert (await used(meter)).maybe_cents == 16  # 4 for each


async def test_two_calls_at_once_cannot_both_pass_a_budget_for_one(arm: Scripted) -> None:
    _, hosted, _ = metered(arm, "1.5")
    arm.go_on = anyio.Event()
    outcomes: list[str] = []

    async def call() -> None:
        try:
            await hosted.complete(HELLO)
            outcomes.append("answered")
        except errors.BudgetError:
            outcomes.append("refused")
            arm.go_on.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            tasks.start_soon(call)

    assert (outcomes, arm.calls) == (["refused", "answered"], 1)


async def test_a_new_day_has_a_new_budget_and_a_call_is_settled_in_the_day_it_began(arm: Scripted) -> None:
    days = [date(2026, 11, 21)]
    ledger = MemoryLedger()
    meter, hosted, _ = metered(arm, "5", ledger=ledger, today=lambda: days[-1])
    arm.answer, arm.go_on = {"usage": {"cost_cents": 5}}, anyio.Event()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hosted.complete, HELLO)
        await arm.reached.wait()
        days.append(date(2026, 11, 22))
        arm.go_on.set()
    await hosted.complete(HELLO)

    assert await ledger.total("day 2026-11-21") == 5_000_000
    assert (await meter.spending()).today_cents == 5
    with pytest.raises(errors.BudgetError):
        await hosted.complete(HELLO)


async def test_observers_hear_what_they_would_hear_without_the_meter(arm: Scripted) -> None:
    _, hosted, other = metered(arm)
    heard: list[str] = []

    await hosted.complete(HELLO, observe=heard.append)
    await hosted.code(CodeRequest(prompt="x"), observe=heard.append)
    await other.improve(ImproveRequest(prompt="x", output_type="pdf"), observe=heard.append)

    assert heard == ["sent", "sent", "sent"]


class Failing(MemoryLedger):
    """A ledger whose disk has gone after the reservation."""

    async def settle(self, period: str, reserved: int, cost: int) -> None:
        raise TheoError("The disk has gone.")


async def test_an_answer_that_was_paid_for_is_given_even_if_its_cost_cannot_be_noted(arm: Scripted) -> None:
    meter, hosted, _ = metered(arm, "100", ledger=Failing())

    assert (await hosted.complete(HELLO)).usage.cost_cents == 0.02
    assert (await used(meter)).cost_cents == Decimal("0.02")


async def test_connect_counts_and_refuses_with_nothing_sent(
    make_settings: MakeSettings, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    settings = make_settings(
        theo_api_key=theo.KEY, theo_base_url=theo_service.origin, getcode_api_key=getcode.KEY,
        getcode_base_url=getcode_service.origin, budget_cents="10",
    )  # fmt: skip
    theo_service.next = [_costing(5), _costing(5)]

    async with connect(settings) as backend:
        assert backend.spending is not None
        await backend.theo.complete(HELLO)
        await backend.theo.complete(HELLO)
        with pytest.raises(errors.BudgetError):
            await backend.theo.complete(HELLO)
        await backend.getcode.improve(ImproveRequest(prompt="x", output_type="pdf"))
        spending = await backend.spending()

    assert len(theo_service.requests) == 2
    assert (spending.today_cents, spending.budget_cents) == (Decimal(10), Decimal(10))
    assert [(each.method, each.calls) for each in spending.used] == [("improve", 1), ("complete", 2)]


def _costing(cents: float) -> Handler:
    async def answer(exchange: Exchange) -> None:
        await exchange.reply(200, completion(exchange.request.json) | {"usage": {"cost_cents": cents}})

    return answer
