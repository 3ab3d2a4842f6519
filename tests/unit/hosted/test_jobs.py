"""Waiting for a job, with a clock and a sleep that are the test's own."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from theo_mcp import Job, errors
from theo_mcp.hosted.jobs import wait

QUEUED = Job(id="job_1", status="queued")
ACTIVE = Job(id="job_1", status="active", progress=40)
DONE = Job(id="job_1", status="completed", progress=100, result={"report": "# Findings"})


class Service:
    """Gives `states` one after the other, the last one again and again; time passes only by sleeping."""

    def __init__(self, *states: Job | errors.TheoError) -> None:
        self.states = list(states)
        self.now = 100.0
        self.slept: list[float] = []
        self.given: list[float] = []

    async def look(self, seconds: float) -> Job:
        self.given.append(seconds)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, errors.TheoError):
            raise state
        return state

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def wait(
        self, *, poll_s: float = 2, deadline_s: float = 300, observe: Callable[[Job], None] | None = None
    ) -> Job:
        return await wait(
            self.look, "job_1", poll_s=poll_s, deadline_s=deadline_s, observe=observe, clock=lambda: self.now,
            sleep=self.sleep,
        )  # fmt: skip


def lost() -> errors.ConnectionLostError:
    return errors.ConnectionLostError("The connection broke.", hint="Call again.", attempts=1)


async def test_every_state_is_told_and_the_last_is_returned() -> None:
    seen: list[Job] = []
    service = Service(QUEUED, ACTIVE, DONE)

    job = await service.wait(observe=seen.append)

    assert job is DONE
    assert [state.progress for state in seen] == [None, 40, 100]
    assert service.slept == [2, 2]


async def test_a_job_that_is_done_is_not_waited_for() -> None:
    service = Service(DONE)

    await service.wait()

    assert service.slept == []


@pytest.mark.parametrize(("poll_s", "deadline_s"), [(0.5, 300), (0, 300), (float("nan"), 300), (2, 0), (2, -1)])
async def test_times_that_make_no_sense_are_refused_and_nothing_is_asked(poll_s: float, deadline_s: float) -> None:
    service = Service(DONE)

    with pytest.raises(errors.InputError) as raised:
        await service.wait(poll_s=poll_s, deadline_s=deadline_s)

    assert raised.value.job_id == "job_1"
    assert service.given == []


async def test_the_deadline_ends_the_wait_and_says_that_the_job_goes_on() -> None:
    service = Service(ACTIVE)

    with pytest.raises(errors.TimeoutExceededError, match="within 9 s") as raised:
        await service.wait(deadline_s=9)

    assert service.slept == [2, 2, 2, 2]
    assert raised.value.job_id == "job_1"
    assert raised.value.retryable
    assert raised.value.hint == "It goes on at the service. The job is job_1; ask again with its id."


async def test_a_look_may_take_no_longer_than_what_is_left() -> None:
    service = Service(ACTIVE)

    with pytest.raises(errors.TimeoutExceededError):
        await service.wait(deadline_s=5, poll_s=2)

    assert service.given == [5, 3, 1]


@pytest.mark.parametrize(
    "passing",
    [
        lost(),
        errors.UnreachableError("No connection."),
        errors.TimeoutExceededError("Too slow."),
        errors.ProtocolError("HTML."),
        errors.ServiceError("Down.", status=503),
        errors.RateLimitError("Slow down.", status=429),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_three_failing_looks_in_a_row_are_waited_out(passing: errors.TheoError) -> None:
    service = Service(passing, passing, passing, ACTIVE, passing, DONE)

    assert await service.wait() is DONE
    assert service.slept == [2, 2, 2, 2, 2]


async def test_the_fourth_failing_look_ends_the_wait_with_the_jobs_id() -> None:
    service = Service(lost())

    with pytest.raises(errors.ConnectionLostError) as raised:
        await service.wait()

    assert len(service.given) == 4
    assert raised.value.job_id == "job_1"
    assert raised.value.hint == "Call again. The job is job_1; ask again with its id."


@pytest.mark.parametrize(
    "final",
    [
        errors.AuthenticationError("No.", status=401),
        errors.CreditsError("No.", status=402),
        errors.PermissionDeniedError("No.", status=403),
        errors.NotFoundError("No.", status=404),
        errors.TransportError("Closed.", code="client_closed"),
        errors.ServiceError("Teapot.", status=418),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_that_will_not_pass_ends_the_wait_at_once(final: errors.TheoError) -> None:
    service = Service(final)

    with pytest.raises(type(final)) as raised:
        await service.wait()

    assert len(service.given) == 1
    assert raised.value.job_id == "job_1"


async def test_a_rate_limit_is_waited_for_as_told() -> None:
    service = Service(errors.RateLimitError("Slow down.", status=429, retry_after=17), DONE)

    await service.wait()

    assert service.slept == [17]


async def test_a_rate_limit_that_outlasts_the_deadline_ends_the_wait_at_once() -> None:
    service = Service(errors.RateLimitError("Slow down.", status=429, retry_after=3600))

    with pytest.raises(errors.TimeoutExceededError):
        await service.wait()

    assert service.slept == []


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        ("Quota used up", "The job ended as failed: Quota used up.", "job_failed"),
        ({"message": "No sources", "code": "no_sources"}, "The job ended as failed: No sources.", "no_sources"),
        (None, "The job ended as failed: the service gave no reason.", "job_failed"),
        (["odd"], "The job ended as failed: the service gave no reason.", "job_failed"),
        (5, "The job ended as failed: the service gave no reason.", "job_failed"),
    ],
)
async def test_a_failed_job_is_an_error_with_its_reason_and_what_it_made(
    error: object, message: str, code: str
) -> None:
    failed = Job.model_validate({"id": "job_1", "status": "failed", "error": error, "result": {"report": "half"}})

    with pytest.raises(errors.ServiceError) as raised:
        await Service(failed).wait()

    assert raised.value.message == message
    assert raised.value.code == code
    assert raised.value.job_id == "job_1"
    assert raised.value.partial == "half"


@pytest.mark.parametrize(
    ("fields", "finished", "failed"),
    [
        ({"status": "queued"}, False, False),
        ({"status": "active", "result": "early"}, False, False),
        ({"status": "completed"}, True, False),
        ({"status": "COMPLETED"}, True, False),
        ({"status": "failed"}, True, True),
        ({"status": "running"}, False, False),
        ({"status": "succeeded", "completed_at": "2026-04-10T12:00:00Z", "result": "x"}, True, False),
        ({"status": "cancelled", "completed_at": "2026-04-10T12:00:00Z"}, True, True),
        ({"status": "expired", "error": "too old"}, True, True),
        ({}, False, False),
        ({"result": "x"}, True, False),
    ],
)
def test_when_a_job_has_ended_and_how(fields: dict[str, object], finished: bool, failed: bool) -> None:
    job = Job.model_validate(fields)

    assert (job.finished, job.failed) == (finished, failed)


async def test_cancelling_ends_the_wait_at_once() -> None:
    entered = anyio.Event()

    async def never(_: float) -> None:
        entered.set()
        await anyio.sleep_forever()

    service = Service(ACTIVE)
    with anyio.fail_after(2):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(
                lambda: wait(
                    service.look, "job_1", poll_s=2, deadline_s=300, observe=None, clock=lambda: 0.0, sleep=never
                )
            )
            await entered.wait()
            tasks.cancel_scope.cancel()

    assert len(service.given) == 1
