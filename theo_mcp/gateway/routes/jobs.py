"""``POST /api/v1/research`` and ``/video``, which begin a job, and ``GET /api/v1/jobs/{id}``, which tells of it."""

from __future__ import annotations

from theo_mcp.gateway.call import Answer, Call, Endpoint
from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest, VideoRequest


async def _research(call: Call) -> Answer:
    return call.whole(await call.backend.theo.research(call.read(ResearchRequest)))


async def _video(call: Call) -> Answer:
    return call.whole(await call.backend.theo.video(call.read(VideoRequest)))


async def _job(call: Call) -> Answer:
    job = await call.backend.theo.job(call.path["id"])
    await call.gateway.credits.delivered(call.key, job.id, job.usage.cost_cents)
    return call.whole(job)


ENDPOINTS = (
    Endpoint(
        "POST", "/api/v1/research", "Begin a research", _research, ResearchRequest, JobStarted, 202,
        scope="completions", mode="research", no_prompt="missing_prompt", works=True, refuses=(400, 402, 503),
    ),
    Endpoint(
        "POST", "/api/v1/video", "Begin a video", _video, VideoRequest, JobStarted, 202,
        scope="completions", mode="video", no_prompt="missing_prompt", works=True, refuses=(400, 402, 503),
    ),
    Endpoint("GET", "/api/v1/jobs/{id}", "Look at a job", _job, None, Job, refuses=(404,)),
)  # fmt: skip
