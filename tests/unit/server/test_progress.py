"""Progress: soon, rising, not too often, and the streamed text piece by piece."""

from __future__ import annotations

import itertools

import anyio
from mcp import Client
from mcp_types import ProgressNotification

from tests.unit.server.assistant import AllHosted, StartHosted, assistant, data_of
from theo_mcp import connect
from theo_mcp.server.app import build
from theo_mcp.server.progress import Pace, Progress
from theo_mcp.testing import faults
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import CODE, FakeTheo

QUICK = Pace(first_s=0.02, beat_s=0.06, gap_s=0.03)
_LATE = 0.005
"""A timer may fire a little before its time."""


class Seen:
    """What was sent, and when."""

    def __init__(self) -> None:
        self.messages: list[tuple[float, str | None]] = []
        self.at: list[float] = []
        self._news = anyio.Event()

    async def send(self, progress: float, message: str | None) -> None:
        self.messages.append((progress, message))
        self.at.append(anyio.current_time())
        self._news.set()
        self._news = anyio.Event()

    async def until(self, count: int) -> None:
        with anyio.fail_after(5):
            while len(self.messages) < count:
                await self._news.wait()

    @property
    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in itertools.pairwise(self.at)]


def test_the_first_comes_within_a_second_then_every_ten_and_at_most_ten_a_second_of_text() -> None:
    pace = Pace()

    assert pace.first_s < 1
    assert pace.beat_s == 10
    assert pace.gap_s > 0.1


async def test_without_text_there_is_a_beat_with_the_latest_phase() -> None:
    seen = Seen()
    progress = Progress(seen.send, QUICK)

    async def work() -> str:
        progress.phase("waiting")
        progress.phase("sent")
        await seen.until(2)
        progress.phase("reading")
        await seen.until(4)
        return "done"

    began = anyio.current_time()
    assert await progress.during(work) == "done"

    assert seen.messages == [(1, "sent"), (2, None), (3, "reading"), (4, None)]
    assert QUICK.first_s - _LATE <= seen.at[0] - began < 1
    assert min(seen.gaps) >= QUICK.beat_s - _LATE


async def test_text_comes_in_pieces_with_a_gap_and_is_exactly_the_text() -> None:
    seen = Seen()
    progress = Progress(seen.send, QUICK)
    pieces = [f"piece {number} 🧩\n" for number in range(60)]

    async def work() -> None:
        progress.phase("waiting in the queue")
        for number, piece in enumerate(pieces):
            progress.text(piece)
            progress.phase("no phase between two pieces of text")
            if number % 10 == 0:
                await seen.until(1 + number // 10)

    await progress.during(work)

    assert "".join(message or "" for _, message in seen.messages) == "".join(pieces)
    assert [number for number, _ in seen.messages] == list(range(1, len(seen.messages) + 1))
    assert min(seen.gaps[:-1]) >= QUICK.gap_s - _LATE


async def test_a_call_that_is_over_tells_nothing() -> None:
    seen = Seen()
    progress = Progress(seen.send, QUICK)
    progress.close()

    progress.text("late")
    progress.phase("late")
    await progress.during(anyio.lowlevel.checkpoint)

    assert seen.messages == []


async def test_a_silent_call_is_told_of_within_a_second(modern: StartHosted, theo_service: FakeTheo) -> None:
    host = await modern()

    async def held(exchange: Exchange) -> None:
        await host.told.wait()
        await exchange.reply(200, {"content": CODE})

    theo_service.next = [held]
    began = anyio.current_time()
    result = await host.call("theo_code", prompt="x")

    assert data_of(result)["code"] == CODE
    assert host.told_at[0] - began < 1
    assert host.progress == [(1.0, "sent")]


async def test_a_generation_is_told_of_from_its_brief_to_its_text(
    all_hosted: AllHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    getcode_service.pieces = [f"<p>{number} 🧩</p>\n" for number in range(50)]
    async with assistant(all_hosted(), pace=QUICK) as host:

        async def brief(exchange: Exchange) -> None:
            await host.told.wait()
            await exchange.reply(200, {"improved": "A bakery in detail", "tokensUsed": 3})

        async def generation(exchange: Exchange) -> None:
            await exchange.start_events()
            await exchange.event({"type": "queue", "message": "You are third."})
            await host.told.wait()
            for piece in getcode_service.pieces:
                await exchange.event({"type": "token", "text": piece})
            await exchange.event({"type": "done", "tokensUsed": 3})

        getcode_service.next = [brief, generation]
        result = await host.call("theo_generate", prompt="a bakery", output_type="website", improve=True)

        numbers = [number for number, _ in host.progress]
        said = [message for _, message in host.progress if message]
        first = next(number for number, message in enumerate(said) if message.startswith("<p>"))
        assert said[0] == "improving the prompt: sent"
        assert said[first - 1] == "You are third."
        assert "".join(said[first:]) == data_of(result)["text"] == "".join(getcode_service.pieces)
        assert numbers == sorted(set(numbers))


async def test_who_asks_for_no_progress_gets_none(all_hosted: AllHosted, theo_service: FakeTheo) -> None:
    came: list[object] = []
    settings = all_hosted()

    async def see(message: object) -> None:
        came.append(message)

    async with (
        connect(settings) as backend,
        Client(build(backend, settings, pace=QUICK), mode="legacy", message_handler=see) as client,
    ):
        theo_service.next = [faults.drip(faults.head(200), b" ", 0.01)]
        with anyio.move_on_after(0.2):
            await client.call_tool("theo_code", {"prompt": "x"})
        await client.call_tool("theo_complete", {"prompt": "x"})

    assert [message for message in came if isinstance(message, ProgressNotification)] == []


def test_the_sdk_keeps_the_token_where_it_is_looked_for() -> None:
    from mcp.server import runner
    from mcp.shared import jsonrpc_dispatcher

    holders = [
        each for each in vars(jsonrpc_dispatcher).values() if "_progress_token" in getattr(each, "__annotations__", {})
    ]
    wrapper = runner._NoServerRequestsDispatchContext

    assert len(holders) == 1  # where it is gone, every call pays for reporting that nobody hears
    assert "_inner" in wrapper.__annotations__
