"""``brief_image``: from an idea to an image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from theo_mcp.server.asking import Data, arguments, shown
from theo_mcp.server.prompts import Argument, Prompt
from theo_mcp.wire.words import AspectRatio


def _message(given: Mapping[str, str]) -> str:
    use = f" It is for: {given['use']}." if "use" in given else ""
    kept = {name: given[name] for name in ("style", "aspect_ratio") if name in given}
    made = f" and {arguments(kept)}" if kept else ""
    return "\n\n".join(
        [
            (
                'Call the tool theo_improve with output_type "image". Its prompt is the idea below, word for word'
                f"{', and what it is for' if use else ''}.{use}"
            ),
            shown(Data("idea", given["idea"])),
            (
                f"Then: show the brief, and call theo_image with the brief as its prompt{made}. Give the paths of the "
                "images. If the user wants something changed, change the brief and call theo_image again."
            ),
        ]
    )


PROMPT = Prompt(
    name="brief_image",
    title="Brief an image",
    description="An idea into a brief, and the brief into an image.",
    arguments=(
        Argument(
            "idea",
            "What it should show.",
            required=True,
            values=("A logo for a tea shop", "A hero image for a climbing app", "A fox that reads a newspaper"),
            text=True,
        ),
        Argument(
            "style",
            "Such as watercolour.",
            values=(
                "photorealistic", "watercolour", "flat", "line art", "isometric", "3d render", "pixel art",
                "oil painting", "pencil sketch", "minimalist", "retro poster", "comic", "paper cut", "low poly",
            ),
        ),
        Argument("aspect_ratio", "Width to height.", values=get_args(AspectRatio), closed=True),
        Argument(
            "use",
            "What for.",
            values=("logo", "icon", "website hero", "blog post", "slide", "social post", "print", "book cover"),
        ),
    ),
    message=_message,
    tools=("theo_improve", "theo_image"),
    icon="M3 4h18v16H3zM3 17l6-6 5 5 3-3 4 4",
)  # fmt: skip
