"""``theo-mcp gateway``: both APIs over HTTP, answered by the engine on this machine; and the keys for them."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from theo_mcp.commands import Command, _gateway_keys, _screen
from theo_mcp.commands._logging import log_to_stderr
from theo_mcp.errors import ConfigError, TheoError
from theo_mcp.meanwhile import meanwhile
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    import anyio

    from theo_mcp.backend import Backend

_STORE_S: Final = 2.0  # whose request waits for it had rather be told to come again
_PLANS: Final = ("free", "starter", "pro", "team", "enterprise", "unlimited")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=["serve", "keys"], default="serve", help="serve (the default), or see to the keys"
    )
    parser.add_argument("verb", nargs="?", choices=_gateway_keys.VERBS, help="keys: create one, list them, revoke one")
    parser.add_argument("id", nargs="?", metavar="ID", help="keys revoke: the id that `keys list` shows")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where to listen; the default is reached by this machine alone",
    )
    parser.add_argument("--port", type=int, default=8484, metavar="N", help="which port (8484); 0 takes a free one")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further name that the gateway is asked by"
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a web page elsewhere, such as https://example.com, whose scripts may call it",
    )
    parser.add_argument("--name", metavar="TEXT", help="keys create: what the key is for")
    parser.add_argument(
        "--plan",
        choices=_PLANS,
        help="keys create: whose documented limits it has, for those to whom you give keys; else none (unlimited)",
    )
    parser.add_argument("--credits", type=float, metavar="CENTS", help="keys create: what it may spend; else no limit")
    parser.add_argument("--days", type=float, metavar="N", help="keys create: how long it is good; else for ever")
    parser.add_argument(
        "--scopes",
        metavar="LIST",
        help="keys create: what it may do, of completions,skills,tools,connectors,billing; else all",
    )
    parser.add_argument("--json", action="store_true", help="keys: print one JSON object instead of lines")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    _gateway_keys.refuse_what_nobody_heeds(arguments)
    if arguments.action == "serve":
        log_to_stderr(settings.log_level)
        return _screen.run(_serve, settings, arguments)
    return _screen.run(_gateway_keys.see_to, settings, arguments)


async def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    import anyio

    from theo_mcp.gateway.keys import Keys
    from theo_mcp.gateway.serving import is_loopback, serving
    from theo_mcp.store import FILE, Store

    _tell_what_is_not_used(settings)
    stop = anyio.Event()
    async with (
        Store.open(settings.data_dir / FILE, timeout_s=_STORE_S) as store,
        _connected(settings) as backend,
        serving(
            backend,
            store,
            host=arguments.host,
            port=arguments.port,
            allow_hosts=arguments.allow_host,
            allow_origins=arguments.allow_origin,
        ) as address,
    ):
        first = await Keys(store).first()
        with _signals(stop):
            _screen.answer(f"Serving Theo and GetCode at {address}")
            _screen.answer(f"  playground:     {address}/playground")
            _screen.answer(f"  OpenAI clients: {address}/api/v1")
            if first is not None:
                _screen.answer(f"  your key:       {first[1].reveal()}")
                _screen.say("The key is shown this once; `theo-mcp gateway keys create` makes more.")
            else:
                _screen.say("Its keys were shown when they were made; `theo-mcp gateway keys create` makes another.")
            if not is_loopback(arguments.host):
                _screen.say("Other machines can reach it, unencrypted; each request needs a key.")
            async with meanwhile() as tasks:
                tasks.start_soon(_tell_what_is_missing, backend)
                await stop.wait()
                _screen.say("Stopping …")
    return _screen.OK


def _connected(settings: Settings) -> Backend:
    """The engine.

    Raises:
        ConfigError: a setting of it is wrong, so that every request would fail.
    """
    from theo_mcp.connection import connect

    backend = connect(settings.model_copy(update={"backend": "engine"}))
    if backend.theo_choice.answers == "nothing":
        raise ConfigError(backend.theo_choice.why)
    return backend


async def _tell_what_is_missing(backend: Backend) -> None:
    """This also imports what the first request needs."""
    try:
        health = await backend.theo.health()
    except TheoError as error:  # which the requests are told as well
        _screen.say(f"No model can answer yet. {error}")
        return
    if health.status != "healthy":
        able = "Not every model can answer" if health.status == "degraded" else "No model can answer yet"
        _screen.say(f"{able}. {health.theo_mcp.notice}")


def _tell_what_is_not_used(settings: Settings) -> None:
    keys = [name for name in ("theo", "getcode") if _has_key(settings, name)]
    if keys or settings.backend == "hosted":
        _screen.say(
            "The gateway serves the engine on this machine alone: the hosted services"
            + (f" and the key for {' and '.join(keys)} are" if keys else " are")
            + " not used by it."
        )


def _has_key(settings: Settings, api: str) -> bool:
    return getattr(settings, f"{api}_api_key") is not None or getattr(settings, f"{api}_api_key_file") is not None


@contextmanager
def _signals(stop: anyio.Event) -> Iterator[None]:
    """Sets `stop` at the first signal; a second one acts as it would without us."""
    import asyncio

    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, signal._HANDLER] = {}

    def heard(number: int, frame: object) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        loop.call_soon_threadsafe(stop.set)

    for each in (signal.SIGINT, signal.SIGTERM):
        before[each] = signal.signal(each, heard)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


COMMAND = Command(
    name="gateway",
    help="Serve both APIs over HTTP on this machine, with keys of its own.",
    add_arguments=_add_arguments,
    run=_run,
)
