"""``theo-mcp config``: what is set, and where each value came from."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Mapping

from pydantic import BaseModel, JsonValue

from theo_mcp.commands import Command, _screen
from theo_mcp.secret import MASK, redact
from theo_mcp.settings import Settings, default_config_path


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["show", "path"], help="show: all settings; path: the user's file")
    parser.add_argument("--origin", action="store_true", help="also say where each value came from")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    if arguments.action == "path":
        path = str(default_config_path())
        _screen.answer_json({"path": path}) if arguments.json else _screen.answer(path)
        return _screen.OK
    settings = Settings.load(flags)
    rows = {name: (_shown(getattr(settings, name)), settings.origin(name)) for name in Settings.model_fields}
    if arguments.json:
        values: dict[str, JsonValue] = {
            name: {"value": value, "origin": origin} if arguments.origin else value
            for name, (value, origin) in rows.items()
        }
        _screen.answer_json(values)
        return _screen.OK
    width = max(map(len, rows))
    for name, (value, origin) in rows.items():
        _screen.answer(f"{name:{width}}  {_line(value) or '-'}" + (f"  ({origin})" if arguments.origin else ""))
    return _screen.OK


def _shown(value: object) -> JsonValue:
    """A secret shows as ``***``, and so does what an address should not hold: a password, a query."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields if name in value.model_fields_set}
        if command := value.get("command"):
            value["command"] = (*command[:1], *[MASK] * (len(command) > 1))  # an argument may be a secret
    if isinstance(value, dict):
        return {str(name): _shown(item) for name, item in value.items()}
    return redact(re.sub(r"(?<=://)[^/@]*@|\?.*", MASK, str(value)) if "://" in str(value) else str(value))


def _line(value: JsonValue) -> str:
    if isinstance(value, dict):
        return json.dumps(value) if value else ""
    if isinstance(value, list):
        return os.pathsep.join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


COMMAND = Command(
    name="config",
    help="Show the settings and where each came from.",
    add_arguments=_add_arguments,
    run=_run,
)
