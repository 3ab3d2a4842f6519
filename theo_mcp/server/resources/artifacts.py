"""``theo://artifacts/{name}``: a file that was made, from the output folder and from nowhere else."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

from theo_mcp.backend import Backend
from theo_mcp.errors import InputError
from theo_mcp.server.resources import Content, Resource
from theo_mcp.server.rooms import Rooms

_MOST_BYTES: Final = 8 * 2**20
_MOST_NAMES: Final = 4_000
_ECHO: Final = 60
_WHITE: Final = b"\t\n\r\x0c\x1b"


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    try:
        file = await rooms.workspace.artifact(name, max_bytes=_MOST_BYTES)
    except InputError as error:
        if error.code == "file_not_found":
            raise await _missing(backend, rooms, name) from None
        if error.code != "file_too_large":
            raise
        path = rooms.workspace.output() / name
        raise InputError(
            f"The file has more than {_MOST_BYTES // 2**20} MiB.", code=error.code, hint=f"Open it at {path}"
        ) from None
    text = _text(file.data, file.mime)
    if text is None:
        return [Content(file.mime, file.data)]
    textual = file.mime.startswith(("text/", "application/")) or file.mime.endswith("+xml")
    mime = file.mime if textual and file.mime != "application/octet-stream" else "text/plain"
    return [Content(mime, text)]


async def _missing(backend: Backend, rooms: Rooms, name: str) -> InputError:
    near = difflib.get_close_matches(name, await _names(backend, rooms), n=1)
    hint = f"Did you mean {near[0]}?" if near else "resources/list tells those that are there."
    return InputError(f"There is no saved file {name[:_ECHO]!r}.", code="file_not_found", hint=hint)


def _text(data: bytes, mime: str) -> str | None:
    """What is text by its bytes; many kinds of source code have no media type, or that of a film."""
    if mime == "application/pdf" or (mime.startswith("image/") and not mime.endswith("+xml")):
        return None
    if any(byte < 32 and byte not in _WHITE for byte in set(data)):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


async def _names(backend: Backend, rooms: Rooms) -> Sequence[str]:
    return [each.name for each in await rooms.workspace.artifacts(limit=_MOST_NAMES)]


RESOURCE = Resource(
    uri="theo://artifacts/{name}",
    name="artifacts",
    title="Saved file",
    description="A file that was made, by its name in the output folder.",
    read=_read,
    names=_names,
    icon="M6 2h8l5 5v15H6zM14 2v5h5",
)
