"""``theo-mcp gateway keys``: the keys of the gateway are made, listed and taken back, also beside one that runs."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from theo_mcp.commands import _screen
from theo_mcp.errors import InputError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from theo_mcp.gateway.credits import Credits
    from theo_mcp.gateway.keys import Key, Keys, Scope
    from theo_mcp.settings import Settings

VERBS: Final = ("create", "list", "revoke")
_DAYS: Final = 36_500


def refuse_what_nobody_heeds(arguments: argparse.Namespace) -> None:
    """A limit or a name that would be passed over without a word leaves a key without limits."""
    if (arguments.action, arguments.verb) != ("keys", "create"):
        for name in ("name", "plan", "credits", "days", "scopes"):
            if getattr(arguments, name) is not None:
                raise InputError(
                    f"--{name} says what a key is good for, and no key is made here.",
                    hint=f"Say `theo-mcp gateway keys create --{name} …`.",
                )
    elif arguments.id is not None:
        raise InputError("A new key gets its id by itself.", hint="--name says what it is for.")


async def see_to(settings: Settings, arguments: argparse.Namespace) -> int:
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
                raise InputError("What about the keys?", hint=f"Say one of {', '.join(VERBS)}.")


async def _create(keys: Keys, arguments: argparse.Namespace) -> int:
    if arguments.credits is not None and not 0 <= arguments.credits <= 1e9:
        raise InputError("--credits is a number from 0 to 1,000,000,000.")
    if arguments.days is not None and not 0 < arguments.days <= _DAYS:
        raise InputError(f"--days is a number above 0, up to {_DAYS:,}.", hint="Leave it out for a key without an end.")
    key, text = await keys.create(
        arguments.name or "",
        arguments.plan or "unlimited",
        credits=arguments.credits,
        scopes=_scopes(arguments.scopes),
        days=arguments.days,
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
        words = (f"{key.id}  {key.plan:10}  {shown:16}  made {_time(key.created)}", _state(key), key.name)
        _screen.answer("  ".join(words).rstrip())
    if as_json:
        _screen.answer_json({"keys": rows})
    elif not await keys.list():
        _screen.say("There is no key yet. The first start of `theo-mcp gateway` makes one.")
    return _screen.OK


def _state(key: Key) -> str:
    """Whether a key still opens anything, until when, and what."""
    if key.revoked:
        return "revoked"
    told = f"last used {_time(key.used) or 'never'}"
    if key.expires is not None:
        ended = key.expires <= datetime.now(UTC).timestamp()
        told += f"  {'expired' if ended else 'good until'} {_time(key.expires)}"
    if len(key.scopes) < 5:
        told += f"  only {','.join(key.scopes) or 'without a scope'}"
    return told


def _told(as_json: bool, fields: dict[str, JsonValue], sentence: str) -> None:
    if as_json:
        _screen.answer_json(fields)
    else:
        _screen.answer(sentence)


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):  # further off than a calendar goes
        return "never"
