"""``theo-mcp engine``: the models on this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import InputError, ModelError, NotAvailableError
from theo_mcp.settings import BUILTIN_MODEL, Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["pull", "list", "remove"],
        help="pull: fetch the built-in model (98 MB) or add a file; list: what is installed, and the servers of your "
        "settings; remove: delete one",
    )
    parser.add_argument("name", nargs="?", help="the model to remove, or the name to give the added file")
    parser.add_argument("--from-file", type=Path, metavar="MODEL.gguf", help="pull: add this file of your own")
    parser.add_argument("--url", metavar="URL", help="pull: fetch a GGUF file from here; goes on where it broke off")
    parser.add_argument("--sha256", metavar="HEX", help="the checksum that the fetched file must have")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    match arguments.action:
        case "pull":
            return _screen.run(_pull, settings, arguments)
        case "remove":
            if arguments.name is None:
                raise InputError("Which model?", hint="`theo-mcp engine list` shows the names.")
            return _remove(settings, arguments.name, arguments.json)
        case _:
            return _list(settings, arguments.json)


async def _pull(settings: Settings, arguments: argparse.Namespace) -> int:
    from theo_mcp.engine import pull

    file: Path | None = arguments.from_file
    name: str | None = arguments.name
    url: str | None = arguments.url
    as_json: bool = arguments.json
    if url is not None and (file is not None or arguments.sha256 is None):
        raise InputError(
            "A model from a URL needs its checksum, and no other source.",
            hint="theo-mcp engine pull [NAME] --url URL --sha256 HEX",
        )
    if url is None and arguments.sha256 is not None:
        raise InputError("--sha256 goes with --url.", hint="theo-mcp engine pull [NAME] --url URL --sha256 HEX")
    if url is None and file is None and name not in (None, BUILTIN_MODEL):
        raise InputError(
            f"There is one model to pull by name, {BUILTIN_MODEL}.",
            hint="Add one of your own with --from-file MODEL.gguf, or with --url URL --sha256 HEX.",
        )
    if file is not None:
        model = await pull.add_file(settings.data_dir, file, name, _screen.say)
        await _prove(settings, model.name)
    elif url is not None:
        model = await pull.pull_url(
            settings.data_dir, url, arguments.sha256, name, _screen.say, _screen.ProgressBar().show
        )
        await _prove(settings, model.name)
    else:
        model = await pull.pull_builtin(settings.data_dir, _screen.say, show_download=sys.stderr.isatty())
    if as_json:
        _screen.answer_json({"installed": model.name, "size": model.size, "sha256": model.sha256})
        return _screen.OK
    _screen.answer(f"Installed {model.name}: {model.label}, {model.size / 1e6:.0f} MB, SHA-256 {model.sha256[:16]}…")
    return _screen.OK


async def _prove(settings: Settings, name: str) -> None:
    """Loads the model once, if it can be run here, so that a broken file is told now and not at the first call."""
    from theo_mcp.engine import models
    from theo_mcp.engine.providers.local import LocalModel
    from theo_mcp.http.options import Timeouts

    _screen.say("Loading it once …")
    local = LocalModel(settings.data_dir, name, settings.context_tokens, Timeouts())
    try:
        await local.load()
    except NotAvailableError:
        return  # without the runtime it cannot be tried, and each call will say so
    except ModelError:
        models.remove(settings.data_dir, name)
        raise
    finally:
        await local.aclose()


def _remove(settings: Settings, name: str, as_json: bool) -> int:
    from theo_mcp.engine import models

    model = models.remove(settings.data_dir, name)
    if as_json:
        _screen.answer_json({"removed": model.name, "size": model.size})
        return _screen.OK
    _screen.answer(f"Removed {model.name}; {model.size / 1e6:.0f} MB are free again.")
    return _screen.OK


def _list(settings: Settings, as_json: bool) -> int:
    from theo_mcp.engine import models
    from theo_mcp.http.address import host_of

    found = models.installed(settings.data_dir)
    try:
        used = models.chosen(settings.data_dir, settings.engine_model).name
    except NotAvailableError:
        used = ""
    if as_json:
        rows: list[JsonValue] = [
            {
                "name": model.name,
                "label": model.label,
                "size": model.size,
                "sha256": model.sha256,
                "source": model.source,
                "licence": model.licence,
                "path": str(model.path),
                "used": model.name == used,
            }
            for model in found
        ]
        servers: list[JsonValue] = [
            {"name": name, "model": table.model, "at": [host_of(url) for url in table.urls]}
            for name, table in settings.servers.items()
        ]
        _screen.answer_json({"models": rows, "servers": servers})
        return _screen.OK
    for model in found:
        mark = "*" if model.name == used else " "
        _screen.answer(
            f"{mark} {model.name}  {model.label}, {model.size / 1e6:.0f} MB, {model.licence}, {model.source}"
        )
    for name, table in settings.servers.items():
        at = ", ".join(host_of(url) for url in table.urls)
        _screen.answer(f"  {name}  {table.model or 'its first model'}, a server at {at}")
    if not found and not settings.servers:
        _screen.say("No model is installed. `theo-mcp engine pull` fetches the built-in one (98 MB).")
    return _screen.OK


COMMAND = Command(
    name="engine",
    help="Pull, list and remove the models on this machine.",
    add_arguments=_add_arguments,
    run=_run,
)
