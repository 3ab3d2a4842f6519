"""``theo-mcp generate``: any of GetCode's output types; the text streams to stdout and is saved as a file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings
from theo_mcp.wire.words import CODE_LANGUAGES, OUTPUT_TYPES


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what to make; '-' or a pipe reads it from stdin")
    parser.add_argument("--output-type", required=True, choices=OUTPUT_TYPES, help="the kind of output")
    parser.add_argument("--language", choices=CODE_LANGUAGES, help="for website and api only")
    parser.add_argument("--original-prompt", help="what was typed, where the prompt is an improved text")
    parser.add_argument(
        "--improve", action="store_const", const=True, help="first turn the prompt into a detailed brief"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    given = _work.given(arguments, "output_type", "language", "original_prompt", "improve")
    return _screen.run(_generate, settings, given, arguments.json)


async def _generate(settings: Settings, given: dict[str, object], as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.generate import TOOL

    return await _work.ask(Rooms(settings), TOOL, given, as_json=as_json)


COMMAND = Command(
    name="generate",
    help="Make a website, chart, document or other output; stdout gets its text, a file keeps it.",
    add_arguments=_add_arguments,
    run=_run,
)
