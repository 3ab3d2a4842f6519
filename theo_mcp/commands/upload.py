"""``theo-mcp upload``: a PDF or an image into a prompt to generate from.

The user names the file, so it may lie anywhere that they can read; keys and secrets are refused all the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings
from theo_mcp.wire.words import OUTPUT_TYPES


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a PDF, PNG, JPEG, WebP or GIF; its bytes are sent to whoever answers")
    parser.add_argument("--output-type", required=True, choices=OUTPUT_TYPES, help="what will be made from it")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    return _screen.run(_upload, Settings.load(flags), arguments.file, arguments.output_type, arguments.json)


async def _upload(settings: Settings, file: str, output_type: str, as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.analyze_upload import TOOL

    rooms = Rooms(settings)
    given = {"path": rooms.workspace.named(file), "output_type": output_type}
    return await _work.ask(rooms, TOOL, given, as_json=as_json)


COMMAND = Command(
    name="upload",
    help="Read a PDF or an image and write a prompt from it; stdout gets the prompt.",
    add_arguments=_add_arguments,
    run=_run,
)
