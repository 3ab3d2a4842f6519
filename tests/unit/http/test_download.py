"""Files: into memory within limits, and to disk with resume, progress and a checksum."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from theo_mcp import errors
from theo_mcp.http.download import ChecksumError, download, fetch
from theo_mcp.http.options import Timeouts
from theo_mcp.testing import faults
from theo_mcp.testing.http import Exchange, Handler, HttpServer

DATA = bytes(range(256)) * 20_000
SHA256 = hashlib.sha256(DATA).hexdigest()
QUICK = Timeouts(connect=1, first_byte=0.5, idle=0.2, whole=0.5)


class Files(HttpServer):
    """Serves DATA, with ranges as long as the version is asked for that it has."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.version = '"v1"'

    async def _answer(self, exchange: Exchange) -> None:
        start = self.start(exchange)
        data = DATA[start:]
        status = 206 if start else 200
        more = {"content_range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"} if start else {}
        await exchange.raw(faults.head(status, "model/gguf", length=len(data), etag=self.version, **more) + data)

    def start(self, exchange: Exchange) -> int:
        headers = exchange.request.headers
        asked = headers.get("range", "bytes=0-")
        return int(asked[6:-1]) if headers.get("if-range") == self.version else 0

    def breaks_after(self, count: int) -> Handler:
        async def handle(exchange: Exchange) -> None:
            start = self.start(exchange)
            head = faults.head(206 if start else 200, length=len(DATA) - start, etag=self.version,
                               content_range=f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")  # fmt: skip
            await exchange.raw(head + DATA[start : start + count])
            await exchange.close()

        return handle


@pytest.fixture
async def files() -> AsyncIterator[Files]:
    async with Files() as server:
        yield server


def silent(done: int, total: int | None) -> None:
    pass


async def test_a_file_comes_whole_with_its_progress(files: Files, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []

    await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256.upper(), report=lambda *at: seen.append(at))

    assert (tmp_path / "m").read_bytes() == DATA
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert len(seen) >= 4
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


async def test_a_connection_that_breaks_is_continued_where_it_broke(files: Files, tmp_path: Path) -> None:
    files.next = [files.breaks_after(1_000_000), files.breaks_after(2_000_000)]

    await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)

    assert (tmp_path / "m").read_bytes() == DATA
    ranges = [request.headers.get("range") for request in files.requests]
    assert ranges == [None, "bytes=1000000-", "bytes=3000000-"]


async def test_a_server_that_breaks_without_progress_is_given_up_and_continued_the_next_time(
    files: Files, tmp_path: Path
) -> None:
    files.next = [files.breaks_after(1_000_000), files.breaks_after(0)]
    with pytest.raises(errors.ConnectionLostError):
        await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)
    assert not (tmp_path / "m").exists()

    await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)

    assert (tmp_path / "m").read_bytes() == DATA
    assert files.requests[-1].headers["range"] == "bytes=1000000-"


async def test_another_version_on_the_server_begins_anew(files: Files, tmp_path: Path) -> None:
    files.next = [files.breaks_after(1_000_000), files.breaks_after(0)]
    with pytest.raises(errors.ConnectionLostError):
        await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)
    files.version = '"v2"'

    await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)

    assert (tmp_path / "m").read_bytes() == DATA


@pytest.mark.parametrize("status", [416, 206])
async def test_a_server_that_answers_another_range_is_asked_anew(files: Files, tmp_path: Path, status: int) -> None:
    wrong = faults.whole(faults.head(status, length=3, content_range="bytes 7-9/10") + b"abc")
    files.next = [files.breaks_after(1_000_000), wrong]

    await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)

    assert (tmp_path / "m").read_bytes() == DATA


async def test_a_second_download_of_the_same_file_stays_away(files: Files, tmp_path: Path) -> None:
    """Both appended to one file, and each deleted what the other had fetched."""
    codes = []

    async def one() -> None:
        try:
            await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)
        except errors.InputError as error:
            codes.append(error.code)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        tasks.start_soon(one)

    assert codes == ["download_running"]
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    assert (tmp_path / "m").read_bytes() == DATA


@pytest.mark.slow
async def test_a_server_that_cannot_be_reached_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(errors.UnreachableError):
        await download("http://127.0.0.1:1/m", tmp_path / "m", sha256=SHA256, report=silent, timeouts=QUICK)

    assert list(tmp_path.iterdir()) == []


async def test_another_file_than_meant_is_deleted_and_told(files: Files, tmp_path: Path) -> None:
    with pytest.raises(ChecksumError) as raised:
        await download(f"{files.origin}/m.gguf", tmp_path / "m", sha256="0" * 64, report=silent)

    assert SHA256 in raised.value.message
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
    assert list(tmp_path.iterdir()) == []


async def test_silence_ends_a_download(files: Files, tmp_path: Path) -> None:
    files.next = [faults.stall(faults.head(200, length=9) + b"abc")] * 3

    with pytest.raises(errors.TimeoutExceededError):
        await download(f"{files.origin}/m", tmp_path / "m", sha256=SHA256, report=silent, timeouts=QUICK)


async def test_a_redirect_is_followed_when_there_is_no_key_to_carry(files: Files, tmp_path: Path) -> None:
    async with HttpServer(faults.status(302, "", location=f"{files.origin}/cdn/m.gguf?sig=1")) as front:
        await download(f"{front.origin}/m.gguf", tmp_path / "m", sha256=SHA256, report=silent)

    assert (tmp_path / "m").read_bytes() == DATA
    assert files.requests[0].path == "/cdn/m.gguf?sig=1"


async def test_redirects_in_a_circle_end(files: Files, tmp_path: Path) -> None:
    async with HttpServer(faults.status(302, "", location="/again")) as front:
        with pytest.raises(errors.ProtocolError, match="more than 5 times"):
            await download(f"{front.origin}/m", tmp_path / "m", sha256=SHA256, report=silent)


async def test_a_file_is_fetched_into_memory_with_its_type_and_name(files: Files) -> None:
    files.next = [faults.status(200, b"\x89PNG", content_type="image/png; charset=binary")]

    fetched = await fetch(f"{files.origin}/a/My%20logo.png?sig=1", allowed=lambda _: True, max_bytes=100)

    assert (fetched.data, fetched.mime, fetched.name) == (b"\x89PNG", "image/png", "My logo.png")
    assert "PNG" not in repr(fetched)
    assert "authorization" not in files.requests[0].headers


@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_above_the_limit_is_refused_and_not_held(files: Files, announced: bool) -> None:
    files.next = [] if announced else [faults.cut(faults.head(200) + DATA)]

    with pytest.raises(errors.InputError) as raised:
        await fetch(f"{files.origin}/big", allowed=lambda _: True, max_bytes=1000)

    assert raised.value.code == "file_too_large"


async def test_no_address_is_called_that_is_not_allowed_also_not_behind_a_redirect(files: Files) -> None:
    async with HttpServer(faults.status(302, "", location=f"{files.origin}/secret")) as front:
        with pytest.raises(errors.InputError) as raised:
            await fetch(f"{front.origin}/x", allowed=lambda url: url.startswith(front.origin), max_bytes=10)
    assert raised.value.code == "address_not_allowed"
    assert files.requests == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "http://user@host/x", "//host/x", "", "http://["])
async def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(errors.InputError):
        await fetch(url, allowed=lambda _: True, max_bytes=10)


@pytest.mark.parametrize(
    ("url", "data", "mime"),
    [
        ("data:image/png;base64,iVBORw==", b"\x89PNG", "image/png"),
        ("data:,a%20b", b"a b", "text/plain"),
        ("data:text/csv;charset=utf-8,a,b", b"a,b", "text/csv"),
    ],
)
async def test_a_file_inside_its_address_is_read(url: str, data: bytes, mime: str) -> None:
    fetched = await fetch(url, allowed=lambda _: False, max_bytes=100)

    assert (fetched.data, fetched.mime) == (data, mime)


@pytest.mark.parametrize(
    ("url", "kind"), [("data:;base64,????", errors.ProtocolError), ("data:," + "x" * 500, errors.InputError)]
)
async def test_a_broken_or_large_file_inside_its_address_is_told(url: str, kind: type[errors.TheoError]) -> None:
    with pytest.raises(kind):
        await fetch(url, allowed=lambda _: True, max_bytes=100)


async def test_a_redirect_to_what_is_no_address_is_told(files: Files) -> None:
    files.next = [faults.status(302, "", location="http://[")]

    with pytest.raises(errors.RedirectError):
        await fetch(f"{files.origin}/a.png", allowed=lambda _: True, max_bytes=9)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a%2F..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("/x/%2e%2e", ""),
        ("/x/C%3A%5CWindows%5Cfile.png", "file.png"),
        ("/x/a%00%0Ab.png", "ab.png"),
        ("/x/caf%C3%A9.png", "café.png"),
    ],
)
async def test_a_files_name_leads_into_no_folder(files: Files, path: str, name: str) -> None:
    files.next = [faults.status(200, b"x")]

    fetched = await fetch(f"{files.origin}{path}", allowed=lambda _: True, max_bytes=9)

    assert fetched.name == name
