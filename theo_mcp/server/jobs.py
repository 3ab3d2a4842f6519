"""Theo's jobs, research and video, from their request to their result as a reply.

A job goes on at the service without us and is paid for when it begins; so its run is kept from then on, and whatever
goes wrong names the job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

import anyio
from pydantic import JsonValue

from theo_mcp.errors import (
    NotFoundError,
    RateLimitError,
    ServiceError,
    TheoError,
    TimeoutExceededError,
    TransportError,
)
from theo_mcp.server import results
from theo_mcp.server.call import Call
from theo_mcp.server.files import fetch, not_saved, shown_url, stem_of
from theo_mcp.server.reply import Reply, SavedFile, one_line
from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest, VideoRequest

if TYPE_CHECKING:
    from theo_mcp.wire.model import Extension


_FIRST_PAUSE_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_UNKNOWN_S: Final = 20.0


async def research(call: Call, request: ResearchRequest, notes: Sequence[str] = ()) -> Reply:
    """A report with its sources."""
    _bill(call)
    started = await call.backend.theo.research(request, observe=call.observe)
    job = await _ended(call, started, "researching")
    return _reply(job, started, "report", job.text, notes)


async def video(call: Call, request: VideoRequest, notes: Sequence[str] = ()) -> Reply:
    """A video as a file."""
    _bill(call)
    started = await call.backend.theo.video(request, observe=call.observe)
    job = await _ended(call, started, "making the video")
    files: list[SavedFile] = []
    said = list(notes)
    if job.url is not None:
        call.phase("fetching the video")
        try:
            files.append(await fetch(call.backend, call.rooms, job.url, stem_of(request.prompt, "video")))
        except TheoError as error:
            said.append(not_saved("The video", job.url, error))
    made = "The video is made, and could not be saved." if job.url else "The job has ended."
    body = "The video is ready." if files else job.text or made
    return _reply(job, started, "video", body, said, files)


def _bill(call: Call) -> None:
    """A job is paid for once its request is sent, also where it is a completion's mode, which else streams."""
    if call.report is not None and call.backend.theo_choice.answers == "hosted":
        call.report.bill()


async def _ended(call: Call, started: JobStarted, doing: str) -> Job:
    """The job once it has ended well.

    Raises:
        TheoError: it failed, or has not ended in time; the error names the job.
    """
    if call.report is not None:
        call.report.sent(job_id=started.job_id)
    call.phase(f"{doing}: {started.status or 'queued'}")

    def observe(job: Job) -> None:
        share = "" if job.progress is None else f", {job.progress:.0f} %"
        call.phase(f"{doing}: {job.status or 'active'}{share}")
        if call.report is not None and job.progress is not None:
            call.report.fraction(job.progress / 100)

    theo, id = call.backend.theo, started.job_id
    try:
        return await patiently(
            lambda seconds: theo.wait_for_job(id, deadline_s=seconds, observe=observe),
            within=call.rooms.settings.job_timeout_s,
            tell=call.phase,
        )
    except TheoError as error:
        if call.report is not None and not _of_the_job(error):
            error.hint = (
                f'{error.hint} theo_result with handle "{call.report.handle}" looks at it again, free.'.lstrip()
            )
        raise


async def patiently(
    wait: Callable[[float], Awaitable[Job]],
    *,
    within: float,
    tell: Callable[[str], None],
    clock: Callable[[], float] = anyio.current_time,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> Job:
    """The job that `wait` waits for, given seconds. It is paid for, so a service that cannot be asked for a while is
    asked again, less and less often, until the time is up.

    Raises:
        TheoError: the job failed, or what `wait` said last.
    """
    end, pause, began = clock() + within, _FIRST_PAUSE_S, clock()
    while True:
        try:
            return await wait(max(end - clock(), 1.0))
        except TheoError as error:
            early = isinstance(error, NotFoundError) and clock() - began < _UNKNOWN_S  # it is not everywhere yet
            if not (early or _passes(error)) or clock() + pause >= end:
                raise
        tell(f"the service cannot be asked just now; again in {pause:g} s")
        await sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


async def picked_up(call: Call, job_id: str, seconds: float) -> Reply | None:
    """What a job has made whose run ended without it; None while it goes on. It only reads: nothing is saved."""
    try:
        job = await call.backend.theo.wait_for_job(
            job_id, deadline_s=max(seconds, 1.0), observe=lambda job: call.phase(job.status or "active")
        )
    except TimeoutExceededError:
        return None
    notes = ["The job was begun before, and has ended since."]
    notes += [f"Its file is not saved. It is at:\n{job.url}"] if job.url and shown_url(job.url) else []
    what: Literal["report", "video"] = "video" if job.type == "video" else "report"
    return _reply(job, JobStarted(job_id=job_id), what, job.text or "The job has ended.", notes)


def _passes(error: TheoError) -> bool:
    """Whether the service may answer later: it could not be reached, or failed, but said nothing of the job."""
    if isinstance(error, RateLimitError | TransportError):
        return error.code != "client_closed"
    return isinstance(error, ServiceError) and not _of_the_job(error)


def _of_the_job(error: TheoError) -> bool:
    """Whether the job itself failed: that is an answer, without a status of its own."""
    return isinstance(error, ServiceError) and error.status is None


def _reply(
    job: Job,
    started: JobStarted,
    what: Literal["report", "video"],
    body: str,
    notes: Sequence[str],
    files: Sequence[SavedFile] = (),
) -> Reply:
    about: Extension = job.theo_mcp if job.theo_mcp.backend else started.theo_mcp
    facts: dict[str, JsonValue] = {
        **results.who(about),
        **results.usage_facts(job.usage),
        "id": started.id,
        "job_id": started.job_id,
    }
    extra: dict[str, JsonValue] = {}
    if isinstance(job.result, dict):
        for name, value in job.result.items():
            if isinstance(value, str | int | float) and not isinstance(value, bool) and value not in (body, job.url):
                extra[name] = value
            elif name.lower() in ("sources", "citations") and isinstance(value, list):
                extra["sources"] = [source for source in map(_source, value) if source]
    sources = extra.pop("sources", None)
    data: dict[str, JsonValue] = {"result": extra} if extra else {}  # apart: its names are the service's
    if isinstance(sources, list):
        body = "\n".join([body, "", "Sources:", *(one_line(f"- {source}") for source in sources)])
        data["sources"] = sources
    told = [one_line(f"{name}: {value}") for name, value in extra.items() if str(value) not in body]
    reply = results.reply_of(
        body or "(The answer is empty.)", {what: body, **data}, facts, about, files=files, notes=notes
    )
    return replace(reply, lines=(*told, *reply.lines))


def _source(value: JsonValue) -> str:
    """A source in one line, in whatever form it came."""
    if isinstance(value, dict):
        parts = (value.get(name) for name in ("title", "url", "href"))
        return " · ".join(part for part in parts if isinstance(part, str) and part)
    return value if isinstance(value, str) else ""
