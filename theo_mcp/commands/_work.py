"""Asks a tool's own code from the shell: the command is the tool, and its work is a run with a handle.

So what took long or was paid for can be read again, by ``theo-mcp result`` here and by ``theo_result`` in a session.
Ctrl-C stops the work, unless its request was sent and is paid for: then the answer is waited for and kept, and a second
Ctrl-C ends even that.
"""

from __future__ import annotations

import argparse
import math
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
from pydantic import JsonValue

from theo_mcp.commands import _screen
from theo_mcp.errors import TheoError

if TYPE_CHECKING:
    from theo_mcp.backend import Backend
    from theo_mcp.runs import Run
    from theo_mcp.server.arguments import ArgumentsT
    from theo_mcp.server.call import Call
    from theo_mcp.server.reply import Reply
    from theo_mcp.server.rooms import Rooms
    from theo_mcp.server.tools import Tool

_COMMANDS = {"theo_analyze_upload": "theo-mcp upload"}
_TOOLS = re.compile(r"\btheo_(?:analyze_upload|code|complete|generate|image|improve|research|result)\b")


def given(arguments: argparse.Namespace, *names: str) -> dict[str, object]:
    """Those of a command's arguments that a tool takes under the same name, and their prompt."""
    values = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    return values | {"prompt": _screen.prompt_of(arguments.prompt)}


async def ask(
    rooms: Rooms, tool: Tool[ArgumentsT], raw: Mapping[str, object], *, as_json: bool, minutes: bool = False
) -> int:
    """Runs `tool` and shows its reply; its text streams to stdout, what it does meanwhile is told on stderr, also in a
    pipe where it takes `minutes`.

    Raises:
        TheoError: it failed. What came of its text stands on stdout already.
    """
    from theo_mcp.connection import connect

    arguments = tool.parsed(raw)
    hearer = Shown(streams=not as_json, log=minutes)
    _screen.phase("asking")
    try:
        async with connect(rooms.settings) as backend, rooms.open():
            reply, handle = await _answered(rooms, backend, tool, arguments, hearer)
    except TheoError as error:
        error.hint = _TOOLS.sub(_command, error.hint)
        if hearer.text_so_far and not as_json:
            _screen.answer("")
            error.partial = ""
        raise
    return show(tool.name, reply, handle, as_json=as_json, before=hearer.text_so_far)


async def _answered(
    rooms: Rooms, backend: Backend, tool: Tool[ArgumentsT], arguments: ArgumentsT, hearer: Shown
) -> tuple[Reply, str]:
    """The whole reply, and the handle under which a host can read it in pieces."""
    from theo_mcp.server.call import started
    from theo_mcp.server.reply import Reply

    whole: list[Reply] = []

    async def work(call: Call, arguments: ArgumentsT) -> Reply:
        whole.append(await tool.run(call, arguments))
        return whole[-1]

    run = await started(replace(tool, run=work), arguments, backend, rooms, hearer)
    with anyio.CancelScope() as reading:
        hearer.reader_left = reading.cancel
        try:
            await run.result(within=math.inf)
        except anyio.get_cancelled_exc_class():
            if not reading.cancel_called:
                await _keep_what_is_paid(run, rooms)
            raise
    if reading.cancelled_caught:
        raise BrokenPipeError
    stored = Reply.restored(run.outcome())
    return replace(whole[-1], facts=of_one_call(stored.facts), files=stored.files), run.handle


def of_one_call(facts: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The facts without the session's sum, of which one call is all."""
    renamed = {"of_it_estimated_cents": "estimated_cents"}
    return {renamed.get(name, name): value for name, value in facts.items() if name != "session_cents"}


async def _keep_what_is_paid(run: Run, rooms: Rooms) -> None:
    """After Ctrl-C: waits for an answer that is paid for, and says under which handle it is."""
    status = run.status
    if status.ended or not (status.billable and status.sent):
        return
    again = f"theo-mcp result {run.handle}"
    if rooms.settings.keep_results_s <= 0 or rooms.notice:
        why = rooms.notice or "keep_results_s is 0"
        _screen.say(f"\nThe request was sent and may be billed. Its answer is lost: {why}")
        return
    told = (
        "\nThe request was sent and is paid for, so its answer is waited for and kept. Ctrl-C again ends this at once."
        f"\nRead it with: {again}"
    )
    try:
        with anyio.open_signal_receiver(signal.SIGINT) as presses:
            _screen.say(told)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_end_at_the_next, presses, tasks.cancel_scope)
                await run.wait(math.inf)
                tasks.cancel_scope.cancel()
    except NotImplementedError:  # on Windows the next one comes as KeyboardInterrupt
        _screen.say(told)
        await run.wait(math.inf)
    if run.ended:
        failed = run.status.failure is not None
        _screen.say(f"The answer {'failed; what is known of it is' if failed else 'is'} kept: {again}")


async def _end_at_the_next(presses: AsyncIterator[signal.Signals], waiting: anyio.CancelScope) -> None:
    async for _ in presses:
        waiting.cancel()


class Shown:
    """What is told of work while it runs: text to stdout as it comes, phases to stderr.

    Phases are for a terminal; with `log`, a pipe gets each of them as a line, because the work takes minutes.
    """

    def __init__(self, *, streams: bool, log: bool = False) -> None:
        self.reader_left: Callable[[], None] = lambda: None
        """Called when nobody reads stdout any more."""
        self._streams = streams
        self._log = log
        self._text: list[str] = []
        self._phase = ""

    @property
    def text_so_far(self) -> str:
        return "".join(self._text)

    def text(self, delta: str) -> None:
        self._text.append(delta)
        if self._streams:
            try:
                _screen.answer(delta, end="")
            except BrokenPipeError:  # nobody needs, or should pay for, the rest
                self.reader_left()

    def phase(self, words: str) -> None:
        if sys.stderr.isatty():
            _screen.phase(words)
        elif self._log and words != self._phase:
            _screen.say(words)
        self._phase = words


def show(tool: str, reply: Reply, handle: str, *, as_json: bool, before: str = "") -> int:
    """The reply of a tool: what was asked for to stdout, as far as it does not stand there `before`; the rest to
    stderr."""
    code_of_end = _screen.FAILED if tool == "theo_image" and not reply.files else _screen.OK
    if as_json:
        _screen.answer_json({"status": "done", "handle": handle, **reply.everything})
        return code_of_end
    about = replace(reply, lines=tuple(_TOOLS.sub(_command, line) for line in reply.lines))
    code = _code(reply.data) if tool == "theo_code" else ""
    if tool == "theo_image":
        for file in reply.files:
            _screen.answer(file.path)
        _screen.say(reply.body)
        about = replace(about, files=())
    elif code:
        _screen.answer(code, end="")
        explanation = reply.data.get("explanation")
        if explanation:
            _screen.say(f"\n{explanation}\n")
    else:
        _screen.answer(reply.body.removeprefix(before))
    if about.about:
        _screen.say(about.about)
    return code_of_end


def _code(data: Mapping[str, JsonValue]) -> str:
    """The code as it is; several files each under their name, as `head` prints them."""
    alone, artifacts = data.get("code"), data.get("artifacts")
    listed = artifacts if isinstance(artifacts, list) else []
    files = [file for file in listed if isinstance(file, dict) and file.get("code")]
    parts = [f"==> {file.get('title') or ''} <==\n{file['code']}" for file in files]
    if isinstance(alone, str) and alone and alone not in [file["code"] for file in files]:
        parts.insert(0, alone)
    return "\n".join(part if part.endswith("\n") else part + "\n" for part in parts)


def _command(tool: re.Match[str]) -> str:
    return _COMMANDS.get(tool[0]) or tool[0].replace("theo_", "theo-mcp ")


def command_of(tool: str) -> str:
    """How the shell calls what a run did."""
    return _COMMANDS.get(tool, tool).removeprefix("theo-mcp ").removeprefix("theo_")
