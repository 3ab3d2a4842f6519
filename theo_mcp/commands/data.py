"""``theo-mcp data``: what is kept on this machine, where, and its removal.

Models, trust, keys, the audit and what is summed up go only when they are named; files that were made are the
user's and never go.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from theo_mcp.commands import Command, _screen
from theo_mcp.errors import InputError, TheoError
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.store import Kind

_STORED: Final[Mapping[Kind, str]] = {
    "runs": "results that can be read again by their handles",
    "conversations": "conversations of the engine, and their turns",
    "jobs": "jobs of the engine",
    "replays": "answers of the gateway that their Idempotency-Key gets again",
    "cache": "answers of the engine that may be given again",
    "history": "what the engine generated, and from which words",
    "audit": "requests to the engine: when, mode, model, tokens; not what was asked",
    "totals": "what the engine has used, by day, mode and model",
    "usage": "what hosted calls have cost, for budget_cents",
    "keys": "keys of the gateway, as hashes, and what they have spent",
    "skills": "skills that were installed into the engine",
}
_OTHERS: Final[Mapping[str, str]] = {"models": "models of the engine", "trust": "projects that you trust"}
_TOLD: Final[Mapping[str, str]] = dict([*_STORED.items(), *_OTHERS.items()])
_UNASKED: Final = ("runs", "conversations", "jobs", "cache", "replays", "history")

_OTHER: Final = "Another theo-mcp is running; it has its own results in memory until it ends."


@dataclass(frozen=True)
class _Row:
    kind: str
    entries: int
    bytes: int

    @property
    def told(self) -> str:
        return f"{self.kind:13}  {self.entries:7,}  {_size(self.bytes):>9}  {_TOLD.get(self.kind, '')}".rstrip()


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    told = "list: what is kept (the default); clear: delete it"
    parser.add_argument("action", nargs="?", choices=["list", "clear"], default="list", help=told)
    told = f"which: {', '.join(_TOLD)}; `clear` without any takes {', '.join(_UNASKED)}"
    parser.add_argument("kind", nargs="*", metavar="KIND", help=told)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    settings = Settings.load(flags)
    for kind in arguments.kind:
        if kind not in _TOLD:
            raise InputError(f"{kind[:60]!r} is nothing that is kept here.", hint=f"Say one of: {', '.join(_TOLD)}.")
    if arguments.action == "list":
        return _screen.run(_list, settings, arguments.kind, arguments.json)
    kinds = list(dict.fromkeys(arguments.kind)) or list(_UNASKED)
    return _screen.run(_clear, settings, kinds, arguments.yes, arguments.json)


async def _list(settings: Settings, kinds: list[str], as_json: bool) -> int:
    rows = [row for row in await _rows(settings) if not kinds or row.kind in kinds]
    output = _output(settings)
    if as_json:
        held: dict[str, JsonValue] = {row.kind: {"entries": row.entries, "bytes": row.bytes} for row in rows}
        _screen.answer_json({"data_dir": str(settings.data_dir), "output_dir": output, "kept": held})
        return _screen.OK
    for row in rows:
        _screen.answer(row.told)
    _screen.say(f"In the data folder: {settings.data_dir}" if rows else f"Nothing is kept in {settings.data_dir}.")
    _screen.say(f"Files that were made here are in {output}; they are yours, and `data clear` leaves them.")
    return _screen.OK


async def _clear(settings: Settings, kinds: list[str], yes: bool, as_json: bool) -> int:
    rows = [row for row in await _rows(settings) if row.kind in kinds]
    if rows and not yes:
        for row in rows:
            _screen.say(row.told)
        if not _screen.agreed(f"Delete this from {settings.data_dir}?", "Deleting is confirmed by a person."):
            _screen.say("Nothing was deleted.")
            return _screen.FAILED
    notes: list[str] = []
    stored = [kind for kind in _STORED if any(row.kind == kind for row in rows)]
    if stored:
        notes += await _clear_store(settings, stored)
    if "models" in kinds:
        notes += _clear_models(settings.data_dir)
    if "trust" in kinds:
        notes += _clear_trust(settings.data_dir)
    left = {row.kind: row for row in await _rows(settings)}
    gone = {row.kind: row.entries - (left[row.kind].entries if row.kind in left else 0) for row in rows}
    stays = [kind for kind in left if kind not in kinds]
    if stays:
        notes.append(f"Kept, because it was not named: {', '.join(stays)}.")
    if as_json:
        _screen.answer_json({"deleted": dict(gone), "notes": list(notes)})
    else:
        said = ", ".join(f"{kind} ({count:,})" for kind, count in gone.items())
        _screen.answer(f"Deleted: {said}." if said else "There was nothing to delete.")
        for note in notes:
            _screen.say(note)
    return _screen.FAILED if any(row.entries > gone[row.kind] for row in rows) else _screen.OK


async def _rows(settings: Settings) -> list[_Row]:
    """What there is, by kind; a kind of a newer version is shown too."""
    from theo_mcp.engine import models
    from theo_mcp.store import FILE, Store
    from theo_mcp.workspace import Trust

    rows = []
    if (settings.data_dir / FILE).exists():
        async with Store.open(settings.data_dir / FILE) as store:
            rows = [_Row(kind, held.entries, held.bytes) for kind, held in (await store.contents.held()).items()]
    installed = models.installed(settings.data_dir)
    rows.append(_Row("models", len(installed), sum(model.size for model in installed)))
    records = Trust(settings.data_dir).folders()
    rows.append(_Row("trust", len(records), sum(len(str(folder)) for folder in records)))
    return [row for row in rows if row.entries]


async def _clear_store(settings: Settings, kinds: list[Kind]) -> list[str]:
    from theo_mcp.runs import Runs
    from theo_mcp.store import FILE, Store

    notes = []
    async with Store.open(settings.data_dir / FILE, timeout_s=60.0) as store:
        for kind in kinds:
            if kind != "runs" and kind != "jobs":
                await store.contents.clear(kind)
                continue
            async with Runs.open(store, kind=kind) as runs:
                cleared = await runs.clear()
            if cleared.at_work:
                notes.append(f"{kind.capitalize()} that are at work in another program stay: {cleared.at_work}.")
            if cleared.others and _OTHER not in notes:
                notes.append(_OTHER)
    if "usage" in kinds:
        notes.append("What today has cost is counted from zero again.")
    return notes


def _clear_models(data_dir: Path) -> list[str]:
    from theo_mcp.engine import models

    notes = []
    for model in models.installed(data_dir):
        try:
            models.remove(data_dir, model.name)
        except TheoError as error:
            notes.append(str(error))
    return notes


def _clear_trust(data_dir: Path) -> list[str]:
    from theo_mcp.workspace import Trust

    trust = Trust(data_dir)
    notes = []
    for folder in trust.folders():
        try:
            if not trust.untrust(folder):
                notes.append(f"The record of {folder} stays: that path leads elsewhere now.")
        except TheoError as error:
            notes.append(str(error))
    return notes


def _output(settings: Settings) -> str:
    from theo_mcp.workspace import Workspace

    return str(Workspace(settings).output())


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


COMMAND = Command(
    name="data",
    help="List what is kept on this machine, or clear it.",
    add_arguments=_add_arguments,
    run=_run,
)
