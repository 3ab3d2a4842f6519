"""``theo-mcp result``: reads by its handle what this shell, or an assistant's session, began."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.commands._kept import kept
from theo_mcp.errors import InputError, NotFoundError
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.server.reply import Reply


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("handle", help="from a message or from `theo-mcp history`: run_…")
    parser.add_argument(
        "--wait", type=_seconds, default=0.0, metavar="SECONDS", help="wait so long for its end (0; inf: to the end)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of seconds")
    return seconds


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    return _screen.run(_result, Settings.load(flags), arguments.handle, arguments.wait, arguments.json)


async def _result(settings: Settings, handle: str, wait_s: float, as_json: bool) -> int:
    from theo_mcp.connection import connect
    from theo_mcp.server import handles
    from theo_mcp.server.call import Call

    shown = _work.Shown(streams=False, log=wait_s > 0)
    async with kept(settings) as rooms:
        if rooms is None:
            raise _unknown()
        try:
            run = await handles.found(rooms, handle)
        except NotFoundError:
            raise _unknown() from None
        await handles.wait(run, wait_s, shown.phase)
        if not run.ended:
            return _still_running(handles.still_running(run), as_json)
        async with connect(settings) as backend:
            cut = await handles.outcome(Call(backend, rooms, shown), run, wait_s)
        if cut is None:
            return _still_running(handles.still_running(run), as_json)
        reply = await handles.whole(rooms, cut)
    # Only the data of a reply that was never cut has all of its code.
    tool = run.status.title if cut is reply else ""
    reply = replace(reply, facts=_work.of_one_call(reply.facts))
    return _work.show(tool, reply, run.handle, as_json=as_json)


def _still_running(reply: Reply, as_json: bool) -> int:
    if as_json:
        _screen.answer_json(dict(reply.data))
    else:
        _screen.say(
            f"{reply.body.partition(chr(10))[0]}\nWait for it with: theo-mcp result {reply.data['handle']} --wait 60"
        )
    return _screen.RUNNING


def _unknown() -> InputError:
    return InputError(
        "There is no result with this handle.",
        code="not_found",
        hint="It may have expired. `theo-mcp history` lists those that are kept.",
    )


COMMAND = Command(
    name="result",
    help="Read a result by its handle, or wait for it.",
    add_arguments=_add_arguments,
    run=_run,
)
