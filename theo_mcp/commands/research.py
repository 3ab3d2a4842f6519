"""``theo-mcp research``: waits for a report with its sources."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what to find out; '-' or a pipe reads it from stdin")
    parser.add_argument("--depth", help="basic or advanced")
    parser.add_argument("--max-sources", type=int, metavar="N", help="1 to 50")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the report")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    return _screen.run(_research, settings, _work.given(arguments, "depth", "max_sources"), arguments.json)


async def _research(settings: Settings, given: dict[str, object], as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.more.research import TOOL

    return await _work.ask(Rooms(settings), TOOL, given, as_json=as_json, minutes=True)


COMMAND = Command(
    name="research",
    help="Research a question on the web; stdout gets the report, stderr how far it is.",
    add_arguments=_add_arguments,
    run=_run,
)
