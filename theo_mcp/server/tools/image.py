"""``theo_image``: one to four images as files, with small previews."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.project import project_of
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import AspectRatio


class ImageArguments(Arguments):
    """The documented fields of image generation."""

    prompt: str = Field(description='What the image should show: "A logo for a tea shop".')
    style: str | None = Field(None, description='Such as "photorealistic", "watercolour" or "flat".')
    aspect_ratio: AspectRatio | None = Field(None, description="Width to height.")
    count: int | None = Field(None, ge=1, le=4, description="How many: 1 to 4, unsaid 1.")


async def _run(call: Call, arguments: ImageArguments) -> Reply:
    from theo_mcp.server.images import made
    from theo_mcp.wire.images import ImagesRequest

    style = arguments.style or (await project_of(call.rooms)).style
    request = ImagesRequest(
        prompt=arguments.prompt, style=style, aspect_ratio=arguments.aspect_ratio, count=arguments.count
    )
    answer = await call.backend.theo.images(request, observe=call.observe)
    call.phase("fetching the images")
    return await made(call.backend, call.rooms, answer, arguments.prompt)


TOOL = Tool(
    name="theo_image",
    title="Generate images",
    description=(
        "Makes one to four images from a description and saves them as files. "
        "Use when the result is a picture: an illustration, a logo, a photo. "
        "Not for charts or documents (theo_generate), and not for describing an image (theo_complete, attachments). "
        "Returns the absolute path of each file, small previews, the prompt as it was expanded, and the cost in cents. "
        "A hosted image costs credits. Takes 5 to 30 seconds."
    ),
    arguments=ImageArguments,
    run=_run,
    icon="M3 4h18v16H3zM3 17l6-6 5 5 3-3 4 4",
    api="theo",
    unary=True,
    media=True,
)
