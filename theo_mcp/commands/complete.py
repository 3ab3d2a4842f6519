"""``theo-mcp complete``: a completion, streamed to stdout."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import TheoError
from theo_mcp.settings import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what to answer; '-' or a pipe reads it from stdin")
    parser.add_argument("--mode", help="auto, fast, think, code, image, video, research, roast or genui")
    parser.add_argument("--persona", help="theo, none, or the text of a system prompt")
    parser.add_argument("--temperature", type=float, help="0 to 2")
    parser.add_argument("--conversation-id", help="continue this conversation")
    parser.add_argument("--skill", action="append", dest="skills", metavar="SLUG", help="may be given several times")
    parser.add_argument("--metadata", action="append", metavar="KEY=VALUE", help="may be given several times")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    names = ("mode", "persona", "temperature", "conversation_id", "skills", "metadata")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return _screen.run(_complete, settings, given | {"prompt": _screen.prompt_of(arguments.prompt)}, arguments.json)


async def _complete(settings: Settings, given: dict[str, object], as_json: bool) -> int:
    from theo_mcp.connection import connect
    from theo_mcp.server import results
    from theo_mcp.server.arguments import parse
    from theo_mcp.server.tools.complete import CompleteArguments, request_of
    from theo_mcp.wire.events import Gathered, Token
    from theo_mcp.wire.parts import now

    request = request_of(parse(CompleteArguments, given))
    gathered = Gathered(request)
    try:
        async with connect(settings) as backend, backend.theo.stream(request) as events:
            async for event in events:
                gathered.add(event)
                if isinstance(event, Token) and not as_json:
                    _screen.answer(event.token, end="")
    except TheoError as error:
        if gathered.text and not as_json:
            _screen.answer("")  # what came so far stands there already
            error.partial = ""
        raise
    reply = results.completion(gathered.completion(created=now()))
    if as_json:
        _screen.answer_json(reply.data)
    else:
        _screen.answer(reply.body.removeprefix(gathered.text))
        _screen.say(reply.about)
    return _screen.OK


COMMAND = Command(
    name="complete",
    help="Answer a prompt; the text streams to stdout.",
    add_arguments=_add_arguments,
    run=_run,
)
