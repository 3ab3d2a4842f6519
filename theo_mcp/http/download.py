"""Files that an answer or the user points to: into memory within limits, or to disk with resume and a checksum.

No key is ever sent, so redirects are followed here, hop by hop, each to a place that is allowed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

import anyio
import anyio.to_thread

from theo_mcp import errors
from theo_mcp.http.address import host_of
from theo_mcp.http.client import HttpClient
from theo_mcp.http.library import AsyncClient
from theo_mcp.http.options import Options, Timeouts
from theo_mcp.wire.files import Fetched

if sys.platform != "win32":
    import fcntl

_HOPS = 5
_BLOCK = 2**20
_RESUMES = 5

Progress = Callable[[int, int | None], None]
"""Told (bytes so far, bytes in all if known)."""


async def fetch(
    url: str,
    *,
    allowed: Callable[[str], bool],
    max_bytes: int,
    timeouts: Timeouts = Timeouts(),
    http_client: AsyncClient | None = None,
) -> Fetched:
    """The file at `url`, if `allowed` says yes to it and to every address that it redirects to; or a ``data:`` URL's.
    It comes through `http_client`, where the caller has one.

    Raises:
        InputError: the address is not allowed, or the file has more than `max_bytes`.
        APIError, TransportError: it could not be read.
    """
    if url.startswith("data:"):
        return _inline(url, max_bytes)
    options = Options(timeouts=replace(timeouts, total=timeouts.whole if timeouts.total is None else timeouts.total))
    async with _opened(url, {}, allowed, options, http_client) as (status, headers, pieces, final):
        parts: list[bytes] = []
        size = 0
        length = headers.get("content-length", "")
        too_large = length.isdigit() and int(length[:20]) > max_bytes
        if not too_large and status == 200:
            async for piece in pieces:
                size += len(piece)
                if too_large := size > max_bytes:
                    break
                parts.append(piece)
    if too_large:
        raise errors.InputError(
            f"The file at {host_of(final)} has more than {max_bytes:,} bytes.", code="file_too_large", hint=""
        )
    mime = headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    return Fetched(b"".join(parts), mime, _name(final))


async def download(
    url: str, target: Path, *, sha256: str, report: Progress, timeouts: Timeouts = Timeouts(), attempts: int = _RESUMES
) -> None:
    """The file at `url` as `target`, whose SHA-256 must be `sha256`. What an interrupted download left beside `target`
    is continued if the server still has the same file; a broken connection is continued a few times.

    Raises:
        ChecksumError: the file is another; what came is deleted.
        InputError: the same file is being fetched already.
        APIError, TransportError: it could not be read; what came is kept for the next time.
        OSError: the disk is full or cannot be written.
    """
    part, note = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.json")
    with _alone(part):
        while True:
            had = part.stat().st_size if part.exists() else 0
            try:
                await _continue(url, part, note, report, timeouts)
                break
            except (errors.ConnectionLostError, errors.TimeoutExceededError, _OtherRangeError) as error:
                attempts -= 1
                if isinstance(error, _OtherRangeError) and attempts > 0:
                    continue
                if attempts <= 0 or not part.exists() or part.stat().st_size <= had:
                    raise
        found = await anyio.to_thread.run_sync(sha256_of, part)
        note.unlink(missing_ok=True)
        if found != sha256.lower():
            part.unlink()
            raise ChecksumError(
                f"The file is not the one expected: its SHA-256 is {found}, not {sha256}.",
                hint="It was deleted. Check the address and the checksum.",
            )
        part.replace(target)


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Keeps a second download away from `part`: two that append to it make a file that is neither's. Windows has no
    such locks, and there the checksum tells.

    Raises:
        InputError: another is at it.
    """
    if sys.platform != "win32":
        with part.open("ab") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise errors.InputError(
                    "The file is being fetched already.", code="download_running", hint="Wait for the other download."
                ) from None
            try:
                yield
            finally:
                if part.exists() and part.stat().st_size == 0:
                    part.unlink()
    else:
        yield


class ChecksumError(errors.TheoError):
    """A file is not the one that was meant."""

    code = "wrong_checksum"


class _OtherRangeError(errors.ProtocolError):
    """The server sent another part of the file than was asked for: begin anew."""


async def _continue(url: str, part: Path, note: Path, report: Progress, timeouts: Timeouts) -> None:
    start, version = _left_over(url, part, note)
    headers = {"Range": f"bytes={start}-", "If-Range": version} if start else {}
    async with _opened(url, headers, lambda _: True, Options(timeouts=timeouts)) as (status, head, pieces, final):
        if status == 416 or (status == 206 and not head.get("content-range", "").startswith(f"bytes {start}-")):
            os.truncate(part, 0)
            raise _OtherRangeError(f"{host_of(final)} does not continue the file where it broke off.")
        start = 0 if status == 200 else start
        length = head.get("content-length", "")
        total = start + int(length) if length.isdigit() and "content-encoding" not in head else None
        if status == 200:
            strong = head.get("etag", "") if not head.get("etag", "").startswith("W/") else ""
            version = strong or head.get("last-modified", "")
            note.write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")
        with part.open("ab" if start else "wb") as file:
            done = start
            report(done, total)
            block: list[bytes] = []
            try:
                async for piece in pieces:
                    block.append(piece)
                    done += len(piece)
                    if sum(map(len, block)) >= _BLOCK:
                        await anyio.to_thread.run_sync(file.write, b"".join(block))
                        block = []
                        report(done, total)
            finally:
                file.write(b"".join(block))  # also what came before a break
            report(done, total)


def _left_over(url: str, part: Path, note: Path) -> tuple[int, str]:
    """(bytes that are there, the version that they are of), or (0, "") where nothing can be continued."""
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        if said["url"] == url and said["version"]:
            return part.stat().st_size, str(said["version"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, ""


@asynccontextmanager
async def _opened(
    url: str,
    headers: dict[str, str],
    allowed: Callable[[str], bool],
    options: Options,
    http_client: AsyncClient | None = None,
) -> AsyncIterator[tuple[int, dict[str, str], AsyncIterator[bytes], str]]:
    """The reply to a GET behind all redirects: (status, headers, pieces, final address)."""
    for _ in range(_HOPS):
        try:
            parts = urlsplit(url)
        except ValueError:
            raise errors.InputError("The address of the file is no address.", code="address_not_allowed") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or not allowed(url):
            raise errors.InputError(
                f"Files are not fetched from {host_of(url)}.",
                code="address_not_allowed",
                hint="Only the service's own hosts are.",
            )
        origin, path = f"{parts.scheme}://{parts.netloc}", parts.path or "/"
        if parts.query:
            path += "?" + parts.query
        http = HttpClient(origin, service=parts.netloc, billed=False, options=options, http_client=http_client)
        try:
            async with http.chunks(path, headers) as (status, head, pieces):
                yield status, head, pieces, url
                return
        except errors.RedirectError as error:
            try:
                target = urljoin(url, error.location)
            except ValueError:
                raise error from None
            if parts.scheme == "https" and target.startswith("http:"):
                raise
            url = target
        finally:
            with anyio.CancelScope(shield=True):
                await http.aclose()
    raise errors.ProtocolError(f"{host_of(url)} redirects more than {_HOPS} times.")


def _name(url: str) -> str:
    """What stands last in `url`, as the name of a file and nothing else: no folder, no drive, no control character."""
    last = re.split(r"[/\\:]", unquote(urlsplit(url).path))[-1]
    name = "".join(char for char in last if char.isprintable())[-255:]
    return "" if name in (".", "..") else name


def _inline(url: str, max_bytes: int) -> Fetched:
    head, _, text = url[5:].partition(",")
    mime, *flags = head.split(";")
    if len(text) > 4 * max_bytes:
        raise errors.InputError(f"The file in the answer has more than {max_bytes:,} bytes.", code="file_too_large")
    try:
        data = base64.b64decode(unquote(text), validate=True) if "base64" in flags else unquote_to_bytes(text)
    except (binascii.Error, ValueError):
        raise errors.ProtocolError("The answer holds a file whose base64 is broken.") from None
    if len(data) > max_bytes:
        raise errors.InputError(f"The file in the answer has more than {max_bytes:,} bytes.", code="file_too_large")
    return Fetched(data, mime or "text/plain", "")


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
