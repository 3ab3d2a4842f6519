"""Files of replies: what is saved for the user, and what is shown of it.

What an answer points to is opened only through the backend, which opens its own addresses and no others. A file's kind
is what its bytes say, never what a service calls it.
"""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import anyio

from theo_mcp.errors import SandboxError, TheoError, TransportError
from theo_mcp.server.content import Picture
from theo_mcp.server.reply import Reply, SavedFile
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.backend import Backend
    from theo_mcp.wire.files import Fetched

MOST_FILES = 50
"""That are fetched or saved for one answer."""
MOST_BYTES = 256 * 2**20
"""Of one file that an answer points to."""
_PREVIEWED = ("image/png", "image/jpeg", "image/webp", "image/gif")
_BY_BYTES = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif", "application/pdf": ".pdf",
}  # fmt: skip
_MADE = frozenset({
    ".docx", ".pptx", ".xlsx", ".csv", ".txt", ".md", ".json", ".html", ".xml", ".svg", ".css", ".js", ".ts", ".tsx",
    ".py", ".php", ".vue", ".zip", ".mp4", ".webm", ".mov", ".mp3", ".wav",
})  # fmt: skip
_MOST_PREVIEWS = 4
_PREVIEW_CHARS = 256 * 1024
_ALL_PREVIEWS_CHARS = 720 * 1024  # a result of more than 1 MiB is refused by some hosts
_MOST_READ = 64 * 2**20
_PREVIEWS_S = 8.0
_SHOWN_URL = 2_000
_SLUG_CHARS = 48


async def save(rooms: Rooms, title: str, data: bytes) -> SavedFile:
    """`data` as a file of the workspace, under a free name like `title`.

    Raises:
        ConfigError: it could not be written.
    """
    from theo_mcp.workspace.reading import mime_of

    path = await rooms.workspace.save(title, data)
    name = path.relative_to(rooms.workspace.output()).as_posix()
    rooms.changes.saved(name)
    return SavedFile(str(path), name, mime_of(path.name, data), len(data))


async def fetch(backend: Backend, rooms: Rooms, url: str, stem: str, *, image: bool = False) -> SavedFile:
    """The file at `url`, which an answer gave, saved under a name like `stem`; `image` says that it must be one.

    Raises:
        TheoError: it is elsewhere, cannot be had or saved, or is no image.
    """
    from theo_mcp.workspace.sniff import sniffed

    fetched = await backend.open(url, max_bytes=MOST_BYTES)
    if image and sniffed(fetched.data) not in _PREVIEWED:
        raise TheoError(
            f"What the service gave as an image is none ({len(fetched.data):,} bytes).", code="unexpected_answer"
        )
    return await save(rooms, stem + _extension(fetched, sniffed(fetched.data)), fetched.data)


def _extension(fetched: Fetched, told: str | None) -> str:
    """By the first bytes where they tell; else by the file's name or media type, if it is what a generation can be."""
    if told is not None:
        return _BY_BYTES[told]
    suffix = PurePosixPath(fetched.name or "").suffix.lower()
    guessed = mimetypes.guess_extension(fetched.mime.partition(";")[0].strip()) or ""
    return next((each for each in (suffix, guessed) if each in _MADE), ".bin")


def not_saved(what: str, url: str | None, error: TheoError) -> str:
    """A line for a file that could not be had: why, and where it is, as far as an address can be shown."""
    where = " It is paid for, and asking again costs again."
    if url and shown_url(url):
        where += f" It is at:\n{url}"
    elif url and len(url) > _SHOWN_URL:
        where += " Its address is too long to show."
    why = error.message if isinstance(error, TransportError) else str(error)  # "call again" would pay again
    return f"{what} was not saved: {error.code}: {why}{where}"


def shown_url(url: str) -> bool:
    """Whether an address of a service's can be shown as it is."""
    plain = url.isascii() and url.isprintable() and " " not in url
    return plain and url.startswith(("https://", "http://")) and len(url) <= _SHOWN_URL


def is_here(rooms: Rooms, file: SavedFile) -> bool:
    """Whether a file was saved in this server's output folder. A result can be read under its handle by a server of
    another project, where its names mean other files."""
    return rooms.workspace.output() / file.name == Path(file.path)


async def pictures(reply: Reply, rooms: Rooms) -> list[Picture]:
    """Small previews of the images among the files, made in the sandbox. One that cannot be shown is left out: its path
    is in the text."""
    shown = [
        file for file in reply.files if file.mime in _PREVIEWED and file.size <= _MOST_READ and is_here(rooms, file)
    ]
    shown = shown[:_MOST_PREVIEWS]
    if not shown:
        return []
    from theo_mcp.artifacts.preview import preview

    most = min(_PREVIEW_CHARS, _ALL_PREVIEWS_CHARS // len(shown))
    made: list[Picture] = []
    with anyio.move_on_after(_PREVIEWS_S):  # the host's own time-out is near, and the paths are what counts
        sandbox = await rooms.sandbox()
        for file in shown:
            try:
                data = (await rooms.workspace.artifact(file.name, max_bytes=_MOST_READ)).data
                small = await preview(data, sandbox, max_base64=most)
            except (SandboxError, TheoError):
                continue
            made.append(Picture(small.data, small.mime))
    return made


def stem_of(prompt: str, default: str) -> str:
    """The first words of a prompt as the name of a file."""
    words = re.findall(r"\w+", prompt[:400])
    stem = ""
    for word in words:
        if len(stem) + len(word) + 1 > _SLUG_CHARS:
            break
        stem = f"{stem}-{word}" if stem else word
    return stem.lower() or default
