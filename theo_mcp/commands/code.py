"""``theo-mcp code``: code to stdout, everything about it to stderr."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what the code should do; '-' or a pipe reads it from stdin")
    parser.add_argument("--language", help="a hint, such as typescript")
    parser.add_argument("--framework", help="a hint, such as express")
    parser.add_argument("--save-as", metavar="NAME", help="also save it under this name in the output folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of code")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    return _screen.run(_code, settings, _work.given(arguments, "language", "framework", "save_as"), arguments.json)


async def _code(settings: Settings, given: dict[str, object], as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.code import TOOL

    return await _work.ask(Rooms(settings), TOOL, given, as_json=as_json)


COMMAND = Command(
    name="code",
    help="Write code from a description; stdout gets the code alone.",
    add_arguments=_add_arguments,
    run=_run,
)
