"""``theo-mcp gateway``: both APIs over HTTP, answered by the engine on this machine; and the keys for them."""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from theo_mcp.commands import Command, _screen
from theo_mcp.commands._logging import log_to_stderr
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    import anyio
    from pydantic import JsonValue

    from theo_mcp.backend import Backend
    from theo_mcp.gateway.credits import Credits
    from theo_mcp.gateway.keys import Keys, Scope

_STORE_S: Final = 2.0  # whose request waits for it had rather be told to come again
_VERBS: Final = ("create", "list", "revoke")
_PLANS: Final = ("free", "starter", "pro", "team", "enterprise", "unlimited")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=["serve", "keys"], default="serve", help="serve (the default), or see to the keys"
    )
    parser.add_argument("verb", nargs="?", choices=_VERBS, help="keys: create one, list them, revoke one")
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
    parser.add_argument("--name", default="", metavar="TEXT", help="keys create: what the key is for")
    parser.add_argument(
        "--plan",
        choices=_PLANS,
        default="unlimited",
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
    if arguments.action == "serve":
        log_to_stderr(settings.log_level)
        return _screen.run(_serve, settings, arguments)
    return _screen.run(_keys, settings, arguments)


async def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    import anyio

    from theo_mcp.connection import connect
    from theo_mcp.gateway.keys import Keys
    from theo_mcp.gateway.serving import is_loopback, serving
    from theo_mcp.store import FILE, Store

    _tell_what_is_not_used(settings)
    stop = anyio.Event()
    async with (
        Store.open(settings.data_dir / FILE, timeout_s=_STORE_S) as store,
        connect(settings.model_copy(update={"backend": "engine"})) as backend,
        serving(
            backend,
            store,
            host=arguments.host,
            port=arguments.port,
            allow_hosts=arguments.allow_host,
            allow_origins=arguments.allow_origin,
        ) as address,
        anyio.create_task_group() as tasks,
    ):
        with _signals(stop):
            first = await Keys(store).first()
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
            tasks.start_soon(_tell_what_is_missing, backend)
            await stop.wait()
        _screen.say("Stopping …")
        tasks.cancel_scope.cancel()
    return _screen.OK


async def _tell_what_is_missing(backend: Backend) -> None:
    """This also imports what the first request needs."""
    health = await backend.theo.health()
    if health.status != "healthy":
        _screen.say(f"No model can answer yet. {health.theo_mcp.notice}")


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


async def _keys(settings: Settings, arguments: argparse.Namespace) -> int:
    from theo_mcp.gateway.credits import Credits
    from theo_mcp.gateway.keys import Keys
    from theo_mcp.store import FILE, Store

    async with Store.open(settings.data_dir / FILE) as store:
        keys = Keys(store)
        match arguments.verb:
            case "create":
                return await _create(keys, arguments)
            case "revoke":
                if arguments.id is None:
                    raise InputError("Which key?", hint="`theo-mcp gateway keys list` shows the ids.")
                key = await keys.revoke(arguments.id)
                _told(arguments.json, {"revoked": key.id}, f"The key {key.id} is revoked; running gateways heed it.")
                return _screen.OK
            case "list":
                return await _list(keys, Credits(store), arguments.json)
            case _:
                raise InputError("What about the keys?", hint=f"Say one of {', '.join(_VERBS)}.")


async def _create(keys: Keys, arguments: argparse.Namespace) -> int:
    for name in ("credits", "days"):
        value = getattr(arguments, name)
        if value is not None and not 0 <= value <= 1e9:
            raise InputError(f"--{name} is a number from 0 to 1,000,000,000.")
    key, text = await keys.create(
        arguments.name, arguments.plan, credits=arguments.credits, scopes=_scopes(arguments.scopes), days=arguments.days
    )
    if arguments.json:
        shown = {"id": key.id, "key": text.reveal(), "plan": key.plan, "credits": key.credits}
        _screen.answer(json.dumps(shown, indent=2))  # without the redaction that keeps keys off the screen
        return _screen.OK
    _screen.answer(text.reveal())
    _screen.say(f"Its id is {key.id}. The key is good for both APIs and shown this once.")
    return _screen.OK


def _scopes(text: str | None) -> tuple[Scope, ...]:
    from theo_mcp.gateway.keys import SCOPES

    if text is None:
        return SCOPES
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in SCOPES:
            raise InputError(f"There is no scope {word[:40]!r}.", hint=f"The scopes are {', '.join(SCOPES)}.")
    return tuple(scope for scope in SCOPES if scope in wanted)


async def _list(keys: Keys, credits: Credits, as_json: bool) -> int:
    rows: list[JsonValue] = []
    for key in await keys.list():
        left = await credits.left(key)
        if as_json:
            rows.append(
                {
                    "id": key.id,
                    "name": key.name,
                    "plan": key.plan,
                    "scopes": list(key.scopes),
                    "credits_left": left,
                    "created": _time(key.created),
                    "last_used": _time(key.used),
                    "expires": _time(key.expires),
                    "revoked": _time(key.revoked),
                }
            )
            continue
        shown = "no limit" if left is None else f"{left:g} cents left"
        state = "revoked" if key.revoked else f"last used {_time(key.used) or 'never'}"
        _screen.answer(f"{key.id}  {key.plan:10}  {shown:16}  made {_time(key.created)}  {state}  {key.name}".rstrip())
    if as_json:
        _screen.answer_json({"keys": rows})
    elif not await keys.list():
        _screen.say("There is no key yet. The first start of `theo-mcp gateway` makes one.")
    return _screen.OK


def _told(as_json: bool, fields: dict[str, JsonValue], sentence: str) -> None:
    if as_json:
        _screen.answer_json(fields)
    else:
        _screen.answer(sentence)


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


COMMAND = Command(
    name="gateway",
    help="Serve both APIs over HTTP on this machine, with keys of its own.",
    add_arguments=_add_arguments,
    run=_run,
)
