"""What every driver does with its client: list the tools, make the calls of a plan, and print what was seen as JSON.

A driver runs in an environment that holds its client and none of our packages, so this imports the standard library and
anyio, which every client brings. What a driver reports is what its client hands to a model, not what was on the wire.
"""

from __future__ import annotations

import base64
import functools
import json
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

Fields = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One result as the client shows it."""

    text: str
    """All text that a model gets."""
    structured: object = None
    """Data that the program or the model gets beside the text."""
    images: tuple[Fields, ...] = ()
    failed: str = ""
    """How the client says that the call failed: ``flag``, or the name of what it raises."""


@dataclass(frozen=True)
class Session:
    """An open connection."""

    tools: list[str]
    call: Callable[[str, Fields], Awaitable[Seen]]
    progress: list[object] | None = None
    """What arrived as progress; None where the client has no place for it."""


Connect = Callable[[list[str], dict[str, str]], AbstractAsyncContextManager[Session]]
"""Opens a session with the server that a command starts in an environment."""


def run(connect: Connect) -> None:
    """Makes the calls of the plan whose file is the last argument."""
    plan = json.loads(Path(sys.argv[-1]).read_text(encoding="utf-8"))
    seen = anyio.run(functools.partial(_drive, connect, plan))
    sys.stdout.write(json.dumps(seen) + "\n")


def image(mime: str, data: str | bytes) -> Fields:
    """An image: its type, and its size in bytes."""
    raw = data.encode() if isinstance(data, str) else data
    if isinstance(data, str) or raw.startswith((b"/9j/", b"iVBOR")):  # Semantic Kernel keeps the base64 as bytes
        raw = base64.b64decode(raw)
    return {"mime": mime, "bytes": len(raw)}


def of_blocks(content: list[Any], structured: object, failed: bool) -> Seen:
    """A result whose blocks the client leaves as the protocol has them, under the SDK's old or new names."""
    return Seen(
        "\n".join(block.text for block in content if block.type == "text"),
        structured,
        tuple(image(mime_of(block), block.data) for block in content if block.type == "image"),
        "flag" if failed else "",
    )


def mime_of(block: Any) -> str:
    """The type of an image block of either SDK."""
    return str(block.mime_type if hasattr(block, "mime_type") else block.mimeType)


async def _drive(connect: Connect, plan: Fields) -> Fields:
    seen: Fields = {}
    for part in plan["sessions"]:
        async with connect(plan["command"], part["env"]) as session:
            seen["tools"] = session.tools
            for name, (tool, arguments) in part["calls"].items():
                if tool in session.tools:
                    seen[name] = await _call(session, tool, arguments)
            if handle := re.search(r"\brun_[0-9A-Za-z_-]+", seen.get("slow", {}).get("text", "")):
                wait = {"handle": handle[0], "wait_s": plan["wait_s"]}
                seen["result"] = await _call(session, "theo_result", wait)
    return seen


async def _call(session: Session, tool: str, arguments: Fields) -> Fields:
    before = len(session.progress or ())
    try:
        shown = await session.call(tool, arguments)
    except Exception as error:  # what a client raises is what its program sees of a failure
        shown = Seen(str(error), failed=type(error).__name__)
    return {
        "text": shown.text,
        "structured": shown.structured,
        "images": list(shown.images),
        "failed": shown.failed,
        "progress": None if session.progress is None else len(session.progress) - before,
    }
