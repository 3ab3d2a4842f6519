"""``theo_video``: a short video as a file, as a job."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool


class VideoArguments(Arguments):
    """The documented fields of video."""

    prompt: str = Field(description='What the video should show: "waves at dawn".')
    duration: Literal["5s", "10s", "15s"] | None = Field(None, description="How long.")
    style: str | None = Field(None, description='Such as "cinematic".')


async def _run(call: Call, arguments: VideoArguments) -> Reply:
    from theo_mcp.server import jobs
    from theo_mcp.wire.jobs import VideoRequest

    request = VideoRequest(prompt=arguments.prompt, duration=arguments.duration, style=arguments.style)
    return await jobs.video(call, request)


TOOL = Tool(
    name="theo_video",
    title="Make a video",
    description=(
        "Makes a video of 5 to 15 seconds from a description and saves it as a file. "
        "Use when the result is a moving picture. "
        "Not for still pictures (theo_image) or for outlines of a video (theo_generate). "
        "Returns the absolute path, or a handle for theo_result while it is at work; the service adds a watermark. "
        "A hosted video costs many credits. Takes one to several minutes."
    ),
    arguments=VideoArguments,
    run=_run,
    icon="M3 6h12v12H3zM15 10l6-3v10l-6-3",
    api="theo",
    unary=True,
)
