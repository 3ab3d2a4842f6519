"""Work that outlives its call: handles, what a host's cancel stops, and what is left when the server ends."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from mcp_types import CallToolResult

from tests.unit.server.answers import of_images, of_job
from tests.unit.server.assistant import AllHosted, Assistant, StartHosted, assistant, data_of, handle_in, words_of
from tests.unit.server.test_schemas import CALLS
from theo_mcp.errors import AuthenticationError, ServiceError, TheoError
from theo_mcp.server.jobs import patiently
from theo_mcp.server.tools import all_tools
from theo_mcp.testing import faults
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import CODE, FakeTheo
from theo_mcp.wire.jobs import Job

UNKNOWN = "not_found: There is no run with this handle. It may have expired. Check the handle, or start the work again."


class Held:
    """An answer that waits until it is let go."""

    def __init__(self) -> None:
        self.came, self.let_go = anyio.Event(), anyio.Event()
        self.exchange: Exchange | None = None

    async def __call__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.came.set()
        await self.let_go.wait()
        await exchange.reply(200, {"id": "code_9", "content": CODE, "usage": {"cost_cents": 7.5}})


class HeldJob(Held):
    """A job that begins at once, and ends when it is let go."""

    def __init__(self, service: FakeTheo) -> None:
        super().__init__()
        self._service = service

    async def __call__(self, exchange: Exchange) -> None:
        await of_job(self._service, {"report": "R"})(exchange)
        self._service.next = [self.state]

    async def state(self, exchange: Exchange) -> None:
        self.came.set()
        await self.let_go.wait()
        await exchange.reply(200, self._service.jobs["job_9"][0])


async def ended(host: Assistant, handle: str) -> CallToolResult:
    """The result behind a handle, once there is one."""
    with anyio.fail_after(5):
        while True:
            result = await host.call("theo_result", handle=handle)
            if result.is_error or data_of(result)["status"] != "running":
                return result


async def states(host: Assistant) -> list[tuple[str, str]]:
    """The tools and states of the handles that theo_status lists."""
    return [(entry["tool"], entry["state"]) for entry in data_of(await host.call("theo_status"))["handles"]]


@pytest.mark.slow
async def test_after_the_soft_deadline_a_handle_is_the_answer(modern: StartHosted, theo_service: FakeTheo) -> None:
    host = await modern(soft_deadline_s=0.5)
    theo_service.next = [held := Held()]

    with anyio.fail_after(3):
        running = await host.call("theo_code", prompt="x")

    handle = data_of(running)["handle"]
    assert not running.is_error
    assert words_of(running) == (
        f"Still running (sent).\nhandle: {handle}\n"
        f'Next: call theo_result with handle "{handle}"; it waits for the result. Do not start the work again.'
    )
    assert data_of(running) == {
        "status": "running", "handle": handle, "phase": "sent", "chars": 0, "next": "theo_result",
    }  # fmt: skip
    waiting = await host.call("theo_result", handle=handle)
    assert (data_of(waiting)["status"], data_of(waiting)["handle"]) == ("running", handle)
    assert handle in words_of(waiting)
    assert await states(host) == [("theo_code", "running")]

    held.let_go.set()
    result = await ended(host, handle)

    assert (data_of(result)["status"], data_of(result)["code"]) == ("done", CODE)
    assert "cost 7.5 cents" in words_of(result)
    assert [request.path for request in theo_service.requests if request.method == "POST"] == ["/api/v1/code"]


async def test_every_paid_tool_has_a_handle_after_the_soft_deadline(
    modern: StartHosted, all_hosted: AllHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    (all_hosted().roots[0] / "brief.pdf").write_bytes(b"%PDF-1.7\n")
    host = await modern(soft_deadline_s=0.02)

    for tool in (tool.name for tool in all_tools("all") if tool.paid):
        theo_service.next, getcode_service.next = [Held()], [Held()]
        result = await host.call(tool, **CALLS[tool])
        assert not result.is_error, words_of(result)
        assert handle_in(words_of(result))


async def test_a_stream_says_how_far_it_is(modern: StartHosted, theo_service: FakeTheo) -> None:
    host = await modern(soft_deadline_s=0.1)
    theo_service.silent_after = 2

    handle = data_of(await host.call("theo_complete", prompt="x"))["handle"]
    await theo_service.silent.wait()
    with anyio.fail_after(5):
        while data_of(running := await host.call("theo_result", handle=handle, wait_s=0))["chars"] < 27:
            pass

    assert data_of(running)["chars"] == len("Microservices architecture ")
    assert "theo_complete, running, 27 characters" in words_of(running)


async def test_a_result_outlives_its_server(all_hosted: AllHosted, theo_service: FakeTheo) -> None:
    settings = all_hosted(soft_deadline_s=0.05)
    theo_service.next = [held := Held()]
    async with assistant(settings) as host:
        handle = data_of(await host.call("theo_code", prompt="x"))["handle"]
        held.let_go.set()
        first = await ended(host, handle)

    async with assistant(settings, "legacy") as host:
        again = await host.call("theo_result", handle=handle)

    assert words_of(again) == words_of(first)
    assert data_of(again) == data_of(first)
    assert [request.path for request in theo_service.requests] == ["/api/v1/code"]


async def test_what_the_servers_end_interrupts_is_recorded(all_hosted: AllHosted, theo_service: FakeTheo) -> None:
    settings = all_hosted(soft_deadline_s=0.05)
    theo_service.next = [held := Held()]
    async with assistant(settings) as host:
        handle = data_of(await host.call("theo_code", prompt="x"))["handle"]
    assert held.exchange is not None
    with anyio.fail_after(5):
        await held.exchange.closed.wait()

    async with assistant(settings) as host:
        result = await host.call("theo_result", handle=handle)
        assert await states(host) == [("theo_code", "interrupted")]

    assert result.is_error
    assert words_of(result) == (
        "interrupted: The program ended while the run was under way; its request may have gone out, so the work may "
        "have been done and billed. Look at your account before you start it again."
    )


async def test_a_handle_expires(all_hosted: AllHosted) -> None:
    settings = all_hosted(keep_results_s=0.3)
    async with assistant(settings) as host:
        await host.call("theo_code", prompt="x")
        (entry,) = data_of(await host.call("theo_status"))["handles"]
        with anyio.fail_after(5):
            while not (result := await host.call("theo_result", handle=entry["handle"])).is_error:
                pass
        assert words_of(result) == UNKNOWN
    async with assistant(settings) as host:
        assert words_of(await host.call("theo_result", handle=entry["handle"])) == UNKNOWN


async def test_results_that_are_not_kept_end_with_their_server(all_hosted: AllHosted) -> None:
    settings = all_hosted(keep_results_s=0)
    async with assistant(settings) as host:
        await host.call("theo_code", prompt="x")
        (entry,) = data_of(await host.call("theo_status"))["handles"]
        assert data_of(await host.call("theo_result", handle=entry["handle"]))["code"] == CODE

    async with assistant(settings) as host:
        assert words_of(await host.call("theo_result", handle=entry["handle"])) == UNKNOWN


@pytest.mark.parametrize("tool", ["theo_complete", "theo_generate"])
async def test_a_hosts_cancel_stops_a_stream(
    tool: str, modern: StartHosted, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    host = await modern()
    service = theo_service if tool == "theo_complete" else getcode_service
    service.silent_after = 2

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: host.call(tool, **CALLS[tool]))
            await service.silent.wait()
            tasks.cancel_scope.cancel()
        await service.exchanges[0].closed.wait()

    assert await states(host) == [(tool, "cancelled")]
    service.silent_after = None
    assert not (await host.call(tool, **CALLS[tool])).is_error


async def test_a_hosts_cancel_does_not_lose_what_is_paid_for(modern: StartHosted, theo_service: FakeTheo) -> None:
    host = await modern()
    theo_service.next = [held := Held()]

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: host.call("theo_code", prompt="x"))
            await held.came.wait()
            tasks.cancel_scope.cancel()
    assert held.exchange is not None
    assert await states(host) == [("theo_code", "running")]
    assert not held.exchange.closed.is_set()

    held.let_go.set()
    (entry,) = data_of(await host.call("theo_status"))["handles"]
    result = await ended(host, entry["handle"])

    assert data_of(result)["code"] == CODE
    assert await states(host) == [("theo_code", "done")]


async def test_a_result_with_images_is_whole_behind_its_handle(modern: StartHosted, theo_service: FakeTheo) -> None:
    host = await modern()
    theo_service.next = [of_images("https://elsewhere.example/x.png")]
    first = await host.call("theo_image", prompt="x")
    (entry,) = data_of(await host.call("theo_status"))["handles"]

    again = await host.call("theo_result", handle=entry["handle"])

    assert words_of(again) == words_of(first)


@pytest.mark.parametrize(("tool", "mode"), [("theo_research", {}), ("theo_complete", {"mode": "research"})])
async def test_a_hosts_cancel_does_not_lose_a_job_that_has_begun(
    tool: str, mode: dict[str, str], modern: StartHosted, theo_service: FakeTheo
) -> None:
    host = await modern()
    theo_service.next = [held := HeldJob(theo_service)]

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: host.call(tool, prompt="x", **mode))
            await held.came.wait()
            tasks.cancel_scope.cancel()
    assert await states(host) == [(tool, "running")]

    held.let_go.set()
    (entry,) = data_of(await host.call("theo_status"))["handles"]
    assert data_of(await ended(host, entry["handle"]))["report"] == "R"


async def test_a_job_that_a_server_left_is_picked_up_under_its_handle(
    all_hosted: AllHosted, theo_service: FakeTheo
) -> None:
    theo_service.next = [held := HeldJob(theo_service)]
    async with assistant(all_hosted(soft_deadline_s=0.2)) as host:
        handle = data_of(await host.call("theo_research", prompt="x"))["handle"]
        await held.came.wait()

    async with assistant(all_hosted()) as host:
        result = await host.call("theo_result", handle=handle)
        part = await host.call("theo_result", handle=handle, offset=0, limit=1)

    assert (data_of(result)["report"], data_of(result)["job_id"]) == ("R", "job_9")
    assert "The job was begun before, and has ended since." in words_of(result)
    assert (data_of(part)["text"], data_of(part)["has_more"]) == ("R", False)
    assert [request.path for request in theo_service.requests if request.method == "POST"] == ["/api/v1/research"]


async def test_a_job_that_failed_is_not_asked_for_again(all_hosted: AllHosted, theo_service: FakeTheo) -> None:
    theo_service.next = [of_job(theo_service, None, status="failed", error={"message": "No sources."})]
    async with assistant(all_hosted()) as host:
        failed = await host.call("theo_research", prompt="x")
        ((_, state),) = await states(host)

    assert failed.is_error
    assert "No sources." in words_of(failed)
    assert "theo_result" not in words_of(failed)
    assert state == "failed"


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_a_service_that_cannot_be_asked_costs_no_job() -> None:
    clock, told, failures = Clock(), list[str](), iter([ServiceError("Down.", status=502)] * 5)

    async def wait(seconds: float) -> Job:
        if (failure := next(failures, None)) is not None:
            raise failure
        return Job(id="job_9")

    job = await patiently(wait, within=1800, tell=told.append, clock=lambda: clock.now, sleep=clock.sleep)

    assert job.id == "job_9"
    assert clock.slept == [5, 10, 20, 40, 60]
    assert told[0] == "the service cannot be asked just now; again in 5 s"


@pytest.mark.parametrize(
    ("error", "within"),
    [
        (ServiceError("The job ended as failed."), 1800),  # an answer, without a status of its own
        (AuthenticationError("No.", status=401), 1800),
        (ServiceError("Down.", status=502), 4),  # no time for another look
    ],
)
async def test_what_will_not_pass_ends_the_wait(error: TheoError, within: float) -> None:
    clock = Clock()

    async def wait(seconds: float) -> Job:
        raise error

    with pytest.raises(type(error)) as raised:
        await patiently(wait, within=within, tell=lambda words: None, clock=lambda: clock.now, sleep=clock.sleep)

    assert raised.value is error
    assert clock.slept == []


async def test_work_that_never_ends_is_ended_and_its_text_kept(all_hosted: AllHosted, theo_service: FakeTheo) -> None:
    theo_service.silent_after = 2
    async with assistant(all_hosted(job_timeout_s=0.3)) as host:
        result = await host.call("theo_complete", prompt="x")

    assert words_of(result).startswith("timeout: The work did not end within 0.3 s.")


async def test_a_result_is_not_read_from_another_projects_file_of_the_same_name(
    all_hosted: AllHosted, theo_service: FakeTheo, tmp_path: Path
) -> None:
    theo_service.next = [faults.status(200, {"id": "code_9", "content": letter * 50_000}) for letter in "ab"]
    async with assistant(all_hosted(output_dir=tmp_path / "a")) as host:
        handle = data_of(await host.call("theo_code", prompt="x", save_as="app.py"))["handle"]

    async with assistant(all_hosted(output_dir=tmp_path / "b", resource_links="on")) as host:
        await host.call("theo_code", prompt="x", save_as="app.py")
        head = await host.call("theo_result", handle=handle)
        rest = await host.call("theo_result", handle=handle, offset=40_000)

    assert data_of(head)["code"][:5] == "aaaaa"
    assert [block.type for block in head.content] == ["text"]
    assert rest.is_error
    assert words_of(rest).startswith("not_found: The file that held this text lies in another output folder")
    assert f"\n{tmp_path}/a/app.py\n" in words_of(rest)


async def test_a_text_is_not_read_on_in_a_file_that_was_changed(
    modern: StartHosted, theo_service: FakeTheo, tmp_path: Path
) -> None:
    host = await modern()
    theo_service.next = [faults.status(200, {"id": "code_9", "content": "a" * 50_000})]
    made = data_of(await host.call("theo_code", prompt="x", save_as="app.py"))
    assert [file["path"] for file in made["files"]] == [str(tmp_path / "output" / "app.py")]
    again = await host.call("theo_result", handle=made["handle"], offset=49_995)
    assert data_of(again)["text"] == "aaaaa"

    (tmp_path / "output" / "app.py").write_text("b" * 60_000, encoding="utf-8")
    rest = await host.call("theo_result", handle=made["handle"], offset=49_995)

    assert rest.is_error
    assert words_of(rest).startswith("not_found: The file that held this text was changed since it was saved.")
