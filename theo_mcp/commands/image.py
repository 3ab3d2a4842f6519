"""``theo-mcp image``: the paths of the images to stdout, one a line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what the image should show; '-' or a pipe reads it from stdin")
    parser.add_argument("--style", help="such as photorealistic, watercolour or flat")
    parser.add_argument("--aspect-ratio", metavar="W:H", help="1:1, 16:9, 9:16, 4:3 or 3:4")
    parser.add_argument("--count", type=int, help="how many, 1 to 4")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of paths")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    given = _work.given(arguments, "style", "aspect_ratio", "count")
    return _screen.run(_image, settings, given, arguments.json)


async def _image(settings: Settings, given: dict[str, object], as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.image import TOOL

    return await _work.ask(Rooms(settings), TOOL, given, as_json=as_json)


COMMAND = Command(
    name="image",
    help="Make images and save them as files; stdout gets their paths.",
    add_arguments=_add_arguments,
    run=_run,
)
