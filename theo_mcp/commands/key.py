"""``theo-mcp key``: keys in the keyring of this system, where neither a file nor a trace of an editor shows them."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Mapping
from typing import Final, get_args

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import InputError
from theo_mcp.keys import checked_key
from theo_mcp.settings import KeyOf, Settings

_APIS: Final = get_args(KeyOf)
_LONGEST: Final = 10_000


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=["set", "remove", "list"], help="set: asks for the key, or reads it from stdin"
    )
    parser.add_argument("api", nargs="?", choices=_APIS, help="whose key it is; engine: the model server's")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    from theo_mcp.settings import keyring

    if arguments.action == "list":
        for api in _APIS:
            _screen.answer(f"{api}: {'kept' if keyring.kept(api) else '-'}")
        return _screen.OK
    if arguments.api is None:
        raise InputError("Whose key is it?", hint=f"Name one of {', '.join(_APIS)}.")
    if arguments.action == "remove":
        known = keyring.forget(arguments.api)
        _screen.answer(f"The key for {arguments.api} is removed." if known else f"No key for {arguments.api} was kept.")
        return _screen.OK
    keyring.import_keyring()  # before anybody types a key for nothing
    key = checked_key(_typed(arguments.api), "what was given")
    if key is None:
        raise InputError("No key was given.", hint="Paste it when asked, or write it to stdin.")
    keyring.keep(arguments.api, key.reveal())
    _screen.answer(f"The key for {arguments.api} is kept in this system's keyring.")
    if not Settings.load(flags).keyring:
        _screen.say(
            "It is used once the setting keyring is on: keyring = true in the settings file, or THEO_MCP_KEYRING=1."
        )
    return _screen.OK


def _typed(api: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass(f"The key for {api} (it is not shown): ")
    return sys.stdin.read(_LONGEST) if sys.stdin is not None else ""


COMMAND = Command(
    name="key",
    help="Keep the keys in this system's keyring.",
    add_arguments=_add_arguments,
    run=_run,
)
