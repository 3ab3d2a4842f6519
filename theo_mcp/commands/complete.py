"""``theo-mcp complete``: a completion, streamed to stdout."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.settings import Settings

_GIVEN: Final = (
    "mode", "persona", "temperature", "conversation_id", "skills", "model_overrides", "component_library", "metadata",
    "fresh",
)  # fmt: skip


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what to answer; '-' or a pipe reads it from stdin")
    parser.add_argument("--mode", help="auto, fast, think, code, image, video, research, roast or genui")
    parser.add_argument("--persona", help="theo, none, or the text of a system prompt")
    parser.add_argument("--temperature", type=float, help="0 to 2")
    parser.add_argument("--conversation-id", help='continue this conversation; "new" begins one on this machine')
    parser.add_argument("--skill", action="append", dest="skills", metavar="SLUG", help="may be given several times")
    parser.add_argument(
        "--model-override", action="append", dest="model_overrides", metavar="MODE=ENGINE",
        help="an engine, server or model for a mode; may be given several times",
    )  # fmt: skip
    parser.add_argument("--component-library", metavar="NAME", help="for mode genui: theo or plain")
    parser.add_argument("--metadata", action="append", metavar="KEY=VALUE", help="may be given several times")
    parser.add_argument(
        "--attachment", action="append", metavar="FILE", help="an image to look at; may be given several times"
    )
    parser.add_argument("--fresh", action="store_const", const=True, help="past the cache")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    given = _work.given(arguments, *_GIVEN)
    return _screen.run(_complete, settings, given, arguments.attachment or [], arguments.json)


async def _complete(settings: Settings, given: dict[str, object], attachments: list[str], as_json: bool) -> int:
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools.complete import TOOL

    rooms = Rooms(settings)
    if attachments:
        given["attachments"] = [rooms.workspace.named(file) for file in attachments]
    return await _work.ask(rooms, TOOL, given, as_json=as_json)


COMMAND = Command(
    name="complete",
    help="Answer a prompt; the text streams to stdout.",
    add_arguments=_add_arguments,
    run=_run,
)
