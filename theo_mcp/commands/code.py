"""``theo-mcp code``: code to stdout, everything about it to stderr."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command, _screen
from theo_mcp.settings import Settings
from theo_mcp.wire.completions import Code, CodeRequest


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help="what the code should do; '-' or a pipe reads it from stdin")
    parser.add_argument("--language", help="a hint, such as typescript")
    parser.add_argument("--framework", help="a hint, such as express")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of code")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    prompt = _screen.prompt_of(arguments.prompt)
    request = CodeRequest(prompt=prompt, language=arguments.language, framework=arguments.framework)
    return _screen.run(_code, settings, request, arguments.json)


async def _code(settings: Settings, request: CodeRequest, as_json: bool) -> int:
    from theo_mcp.connection import connect
    from theo_mcp.server import results

    async with connect(settings) as backend:
        answer = await backend.theo.code(request, observe=_screen.phase)
    reply = results.code(answer)
    if as_json:
        _screen.answer_json(reply.data)
        return _screen.OK
    _screen.answer(_printed(answer), end="")
    if answer.theo_mcp.explanation:
        _screen.say(f"\n{answer.theo_mcp.explanation}\n")
    _screen.say(reply.about)
    return _screen.OK


def _printed(answer: Code) -> str:
    """The code as it is; several files each under their name, as `head` prints them."""
    files = [artifact for artifact in answer.artifacts if artifact.code]
    parts = [f"==> {file.title} <==\n{file.code}" for file in files]
    if answer.content not in [file.code for file in files]:
        parts.insert(0, answer.content)
    return "\n".join(part if part.endswith("\n") else part + "\n" for part in parts)


COMMAND = Command(
    name="code",
    help="Write code from a description; stdout gets the code alone.",
    add_arguments=_add_arguments,
    run=_run,
)
