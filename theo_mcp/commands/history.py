"""``theo-mcp history``: the work that is kept on this machine, the newest first.

What was asked is not kept with it, so it is not shown; but for what the engine generates, whose words the documents
promise to keep: ``--generated``. ``--requests`` is the audit: every request to the engine, by whichever key.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import JsonValue

from theo_mcp.commands import Command, _screen, _work
from theo_mcp.commands._kept import kept
from theo_mcp.settings import Settings

if TYPE_CHECKING:
    from theo_mcp.engine.memory.history import Generation
    from theo_mcp.runs import Status

_HEAD_CHARS = 60
_MOST = 999_999_999


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="how many at most (20)")
    parser.add_argument(
        "--generated", action="store_true", help="what the engine generated on this machine, and from which words"
    )
    parser.add_argument(
        "--requests",
        action="store_true",
        help="each request to the engine, also through the gateway: who, what for, and how it ended",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number from 1 to {_MOST:,}")
    return int(text)


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    listing = _requests if arguments.requests else _generated if arguments.generated else _history
    return _screen.run(listing, Settings.load(flags), arguments.limit, arguments.json)


async def _history(settings: Settings, limit: int, as_json: bool) -> int:
    found: list[Status] = []
    async with kept(settings) as rooms:
        if rooms is not None:
            runs = await rooms.runs()
            found = [run.status for run in await runs.listed(owner=rooms.owner, limit=limit)]
    if as_json:
        _screen.answer_json({"runs": [_fields(status) for status in found]})
        return _screen.OK
    _table([_row(status) for status in found])
    if not found:
        _screen.say('Nothing is kept yet. `theo-mcp complete "Hello"` begins; what was made can then be read here.')
    return _screen.OK


async def _generated(settings: Settings, limit: int, as_json: bool) -> int:
    from theo_mcp.backend import Caller
    from theo_mcp.engine.background import Background
    from theo_mcp.engine.memory import Memory

    memory = Memory(settings, Background())
    try:
        found = await memory.history.listed(Caller(), limit=limit)
    finally:
        await memory.aclose()
    if as_json:
        rows = [
            {
                "id": made.id,
                "created_at": datetime.fromtimestamp(made.created_at, UTC).isoformat(timespec="seconds"),
                "output_type": made.output_type,
                "model": made.model,
                "prompt": made.prompt,
                "original_prompt": made.original_prompt or None,
            }
            for made in found
        ]
        _screen.answer_json({"generations": [dict(row) for row in rows]})
        return _screen.OK
    _table([(_when(made.created_at), made.output_type, made.model, _head(made)) for made in found])
    if not found:
        _screen.say('Nothing is kept yet. `theo-mcp generate --output-type website "A bakery"` without a key begins.')
    return _screen.OK


async def _requests(settings: Settings, limit: int, as_json: bool) -> int:
    from theo_mcp.store import FILE, Store

    found: list[dict[str, JsonValue]] = []
    path = settings.data_dir / FILE
    if path.exists():  # looking makes nothing
        async with Store.open(path) as store:
            newest = await store.contents.newest("audit", time.time(), limit)
        found = [{"tenant": owner, **row} for owner, row in newest if isinstance(row, dict)]
    if as_json:
        _screen.answer_json({"requests": [*found]})
        return _screen.OK
    _table([_request(row) for row in found])
    if not found:
        _screen.say("No request to the engine is noted. Those to the hosted services are not noted here.")
    return _screen.OK


def _request(row: dict[str, JsonValue]) -> tuple[str, ...]:
    """Time, key, id, method, mode, model, tokens, how long, how it ended."""
    when = "-"
    with suppress(ValueError):  # it may be damaged, or another version's
        when = _when(datetime.fromisoformat(str(row.get("time"))).timestamp())
    ended = f"failed: {row.get('code')}" if row.get("status") == "failed" else str(row.get("status", "-"))
    ended += " (kept answer)" if row.get("cached") else ""
    tokens = row.get("total_tokens")
    mode = str(row.get("resolved_mode") or row.get("mode") or "-")
    used = "-" if tokens is None else f"{tokens} tokens"
    words = [row.get(name) or "-" for name in ("tenant", "request_id", "method", "model")]
    who, id, method, model = map(str, words)
    return when, who, id, method, mode, model, used, f"{row.get('ms', '-')} ms", ended


def _head(made: Generation) -> str:
    """The beginning of what the person typed."""
    typed = " ".join((made.original_prompt or made.prompt).split())
    return typed if len(typed) <= _HEAD_CHARS else typed[: _HEAD_CHARS - 1] + "…"


def _when(created_at: float) -> str:
    return datetime.fromtimestamp(created_at).astimezone().strftime("%Y-%m-%d %H:%M")


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        _screen.answer("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(status: Status) -> tuple[str, ...]:
    """Time, command, state, cost, handle, file."""
    when = _when(status.created_at)
    state = f"{status.state}: {status.failure.code}" if status.state == "failed" and status.failure else status.state
    cost, files = _made(status)
    cents = "-" if cost is None else f"{cost:g} cents"
    more = f" (+{len(files) - 1})" if len(files) > 1 else ""
    return when, _work.command_of(status.title), state, cents, status.handle, f"{files[0]}{more}" if files else ""


def _fields(status: Status) -> JsonValue:
    cost, files = _made(status)
    made: dict[str, JsonValue] = {
        "handle": status.handle,
        "tool": status.title,
        "state": status.state,
        "created_at": datetime.fromtimestamp(status.created_at, UTC).isoformat(timespec="seconds"),
        "cost_cents": cost,
        "files": list(files),
        "error": status.failure.code if status.failure else None,
    }
    return {name: value for name, value in made.items() if value not in (None, [])}


def _made(status: Status) -> tuple[float | None, list[str]]:
    """What it cost, in cents, where that is known; and its files."""
    result = status.result if isinstance(status.result, dict) else {}
    facts, files = result.get("facts"), result.get("files")
    cost = facts.get("cost_cents") if isinstance(facts, dict) else None
    paths = [file.get("path") for file in files if isinstance(file, dict)] if isinstance(files, list) else []
    return (
        float(cost) if isinstance(cost, int | float) else None,
        [path for path in paths if isinstance(path, str)],
    )


COMMAND = Command(
    name="history",
    help="List what was made, by commands and in sessions, the newest first, with handles and files.",
    add_arguments=_add_arguments,
    run=_run,
)
