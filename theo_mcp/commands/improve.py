"""``theo-mcp improve``: a rough request into a detailed brief."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen
from theo_mcp.settings import Settings
from theo_mcp.wire.getcode import ImproveRequest
from theo_mcp.wire.words import OUTPUT_TYPES


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="the rough request; '-' or a pipe reads it from stdin")
    parser.add_argument("--output-type", required=True, choices=OUTPUT_TYPES, help="what the brief will be used for")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    request = ImproveRequest(prompt=_screen.prompt_of(arguments.prompt), output_type=arguments.output_type)
    return _screen.run(_improve, settings, request, arguments.json)


async def _improve(settings: Settings, request: ImproveRequest, as_json: bool) -> int:
    from theo_mcp.connection import connect
    from theo_mcp.server import results

    async with connect(settings) as backend:
        answer = await backend.getcode.improve(request, observe=_screen.phase)
    reply = results.improved(answer)
    if as_json:
        _screen.answer_json(reply.data)
    else:
        _screen.answer(answer.improved)
        _screen.say(reply.about)
    return _screen.OK


COMMAND = Command(
    name="improve",
    help="Turn a rough request into a detailed brief.",
    add_arguments=_add_arguments,
    run=_run,
)
