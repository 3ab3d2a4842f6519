"""Waiting for a job: one GET at a time until it ends, and the job's id in whatever goes wrong.

The work was paid for when it began, so a failing look is not the end of it: a few in a row are waited out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from theo_mcp import errors
from theo_mcp.backend import ObserveJob
from theo_mcp.http.envelope import error_from, word
from theo_mcp.http.envelope import parse as parse_error
from theo_mcp.wire.jobs import Job

MIN_POLL_S = 1.0
"""The documents ask for a second between two looks."""
_LOOK_S = 30.0
_FAILURES_IN_A_ROW = 4


async def wait(
    look: Callable[[float], Awaitable[Job]],
    job_id: str,
    *,
    poll_s: float,
    deadline_s: float,
    observe: ObserveJob | None,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> Job:
    """The job once it has ended well; `look` reads it within the seconds it is given.

    Raises:
        InputError: the times make no sense.
        ServiceError: the job failed.
        TimeoutExceededError: it has not ended by the deadline; it goes on without us.
        TheoError: it could not be seen, several times in a row or for a reason that will not pass.
    """
    if not (math.isfinite(poll_s) and poll_s >= MIN_POLL_S and math.isfinite(deadline_s) and deadline_s > 0):
        raise errors.InputError(f"A wait takes poll_s from {MIN_POLL_S:g} up and a deadline_s above 0.", job_id=job_id)
    end = clock() + deadline_s
    failures = 0
    with about(job_id):
        while True:
            pause = poll_s
            try:
                job = await look(min(_LOOK_S, max(end - clock(), MIN_POLL_S)))
            except errors.TheoError as error:
                failures += 1
                if failures >= _FAILURES_IN_A_ROW or not _passes(error):
                    raise
                pause = max(pause, error.retry_after or 0.0)
            else:
                failures = 0
                if observe is not None:
                    observe(job)
                if job.failed:
                    raise _failed(job)
                if job.finished:
                    return job
            if clock() + pause >= end:
                raise errors.TimeoutExceededError(
                    f"The job did not end within {deadline_s:g} s.", hint="It goes on at the service.", retryable=True
                )
            await sleep(pause)


@contextmanager
def about(job_id: str) -> Iterator[None]:
    """Puts the job's id into every error of ours that passes."""
    try:
        yield
    except errors.TheoError as error:
        if error.job_id is None and not isinstance(error, errors.InputError):
            name = word(job_id) or "the one asked for"
            error.job_id = job_id
            error.hint = f"{error.hint} The job is {name}; ask again with its id.".lstrip()
        raise


def real(job: Job) -> Job:
    """`job`, unless it is an error in the envelope of a success.

    Raises:
        APIError: it is.
    """
    if job.error and not (job.id or job.status or job.type):
        raise error_from(200, _envelope(job), request_id=None, retry_after=None)
    return job


def _envelope(job: Job) -> bytes:
    return json.dumps({"error": job.error}).encode()


def _passes(error: errors.TheoError) -> bool:
    if isinstance(error, errors.TransportError):
        return error.code != "client_closed"
    refused = error.status is not None and 400 <= error.status < 500
    return isinstance(error, errors.RateLimitError) or (isinstance(error, errors.ServiceError) and not refused)


def _failed(job: Job) -> errors.ServiceError:
    reason, code, request_id = parse_error(_envelope(job))
    return errors.ServiceError(
        f"The job ended as {word(job.status) or 'failed'}: {reason or 'the service gave no reason.'}",
        code=code or "job_failed",
        hint="The work may have been billed, so look at the usage before you start it again.",
        request_id=request_id,
        attempts=1,
        partial=job.text,
    )
