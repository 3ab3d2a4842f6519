"""``theo-mcp improve``: a rough request into a detailed brief."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings
from theo_mcp.wire.words import OUTPUT_TYPES


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="the rough request; '-' or a pipe reads it from stdin")
    parser.add_argument("--output-type", required=True, choices=OUTPUT_TYPES, help="what the brief will be used for")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    return _screen.run(_improve, settings, _work.given(arguments, "output_type"), arguments.json)


async def _improve(settings: Settings, given: dict[str, object], as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.improve import TOOL

    return await _work.ask(Rooms(settings), TOOL, given, as_json=as_json)


COMMAND = Command(
    name="improve",
    help="Turn a rough request into a detailed brief.",
    add_arguments=_add_arguments,
    run=_run,
)
