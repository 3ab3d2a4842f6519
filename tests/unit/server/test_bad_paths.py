"""Paths that lead out, and files that are not what they say: nothing is read, and nothing goes out."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.server.assistant import AllHosted, StartHosted, one_line, posts
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo

PDF = b"%PDF-1.7\n1 0 obj\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)

PATHS: dict[str, tuple[str, ...]] = {
    "up": ("../outside.pdf", "path_not_allowed: The path '../outside.pdf' has '..' in it."),
    "up inside": ("sub/../brief.pdf", "path_not_allowed: The path 'sub/../brief.pdf' has '..' in it."),
    "absolute": ("/etc/passwd", "path_not_allowed: The path '/etc/passwd' is outside the open folders."),
    "home": ("~/brief.pdf", "path_not_allowed: The path '~/brief.pdf' is outside the open folders."),
    "another's home": ("~root/brief.pdf", "file_not_found: "),
    "a link out": ("link.pdf", "path_not_allowed: The path 'link.pdf' is outside the open folders."),
    "a folder that leads out": ("out/outside.pdf", "path_not_allowed: The path 'out/outside.pdf' is outside the open"),
    "a device": ("/dev/zero", "path_not_allowed: The path '/dev/zero' is outside the open folders."),
    "a link to a device": ("zero.pdf", "path_not_allowed: The path 'zero.pdf' is outside the open folders."),
    "the running system": ("/proc/self/environ", "path_not_allowed: The path '/proc/self/environ' is outside"),
    "a pipe": ("pipe.pdf", "not_a_file: 'pipe.pdf' is a pipe, and only ordinary files are read."),
    "a socket": ("socket.pdf", "not_a_file: 'socket.pdf' is a socket, and only ordinary files are read."),
    "a folder": ("sub", "not_a_file: 'sub' is a folder, and only ordinary files are read."),
    "the folder itself": (".", "not_a_file: "),
    "NUL": ("brief.pdf\0.png", "has a control character in it."),
    "escapes": ("\x1b]0;brief.pdf\x07", "has a control character in it."),
    "a share": ("\\\\server\\share\\brief.pdf", "path_not_allowed: "),
    "a share with slashes": ("//server/share/brief.pdf", "path_not_allowed: "),
    "a drive": ("C:\\Users\\x\\brief.pdf", "path_not_allowed: "),
    "a file URL elsewhere": ("file://server/brief.pdf", "is a file on another machine."),
    "a file URL outside": ("file:///etc/passwd", "path_not_allowed: The path 'file:///etc/passwd' is outside"),
    "a file URL that hides dots": ("file:///%2e%2e/%2e%2e/etc/passwd", "path_not_allowed: "),
    "this machine": (
        "http://127.0.0.1:8080/brief.pdf",
        "path_not_allowed: The path 'http://127.0.0.1:8080/brief.pdf' is a URL",
    ),
    "the cloud's own": ("http://169.254.169.254/latest/meta-data", "is a URL. Download it into an open folder"),
    "a private host": (
        "https://192.168.0.1/brief.pdf",
        "path_not_allowed: The path 'https://192.168.0.1/brief.pdf' is",
    ),
    "a data URL": ("data:image/png;base64,iVBORw0KGgo=", "file_not_found: "),
    "variables": (".env", "file_denied: The file '.env' is not read, because it matches '.env*': keys, passwords"),
    "a key": ("id_rsa", "file_denied: The file 'id_rsa' is not read, because it matches 'id_rsa*'"),
    "a key behind a link": ("harmless.pdf", "file_denied: "),
    "a key of ssh": (".ssh/id_ed25519", "file_denied: "),
    "a repository": (".git/config", "file_denied: "),
    "our own data": ("data/theo.db", "path_not_allowed: "),
    "what we keep, in an open folder": (
        "kept/theo.db",
        "file_denied: The file 'kept/theo.db' is not read, because it lies in a place that is closed: keys, passw",
    ),
    "a misspelt one": ("brif.pdf", "file_not_found: There is no file 'brif.pdf'. Did you mean 'brief.pdf' or "),
    "a long one": ("x" * 4_000, "path_not_allowed: "),
    "text that is no PDF": (
        "fake.pdf",
        "validation_error: The file at 'path' says application/pdf, and the bytes are none of PDF, JPEG, PNG, WebP",
        "validation_error: The attachment 'fake.pdf' is no image by its bytes, and only images are taken.",
    ),
    "text that is no PNG": (
        "fake.png",
        "validation_error: The file at 'path' says image/png, and the bytes are none of PDF, JPEG, PNG, WebP and GIF.",
        "validation_error: The attachment 'fake.png' is no image by its bytes, and only images are taken.",
    ),
    "a page": (
        "page.html",
        "validation_error: The file 'page.html' is text/html, which cannot be analysed. Allowed are: application/pdf",
        "validation_error: The attachment 'page.html' is no image by its bytes",
    ),
    "an empty file": (
        "empty.png",
        "validation_error: The file at 'path' says image/png, and the bytes are none of",
        "validation_error: The attachment 'empty.png' is no image by its bytes",
    ),
}
"""What a path gets that an upload or, where that is another sentence, an attachment names."""


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["theo_analyze_upload", "theo_complete"])
async def test_no_path_leads_out_of_the_open_folders(
    tool: str,
    modern: StartHosted,
    all_hosted: AllHosted,
    theo_service: FakeTheo,
    getcode_service: FakeGetCode,
    tmp_path: Path,
) -> None:
    project = all_hosted().roots[0]
    _furnish(project, tmp_path)
    host = await modern(theo_api_key_file=project / "kept" / "theo.db")

    def arguments(path: str) -> dict[str, object]:
        if tool == "theo_analyze_upload":
            return {"output_type": "pdf", "path": path}
        return {"prompt": "x", "attachments": [path]}

    told = {}
    with _socket(project / "socket.pdf"):
        for name, (path, *said) in PATHS.items():
            asked = str(tmp_path / path) if path.startswith("data/") else path
            text = one_line(await host.call(tool, **arguments(asked)), asked)
            if said[tool == "theo_complete" and len(said) > 1] not in text or "OUTSIDE" in text:
                told[name] = text

    assert told == {}
    assert posts(theo_service, getcode_service) == []
    assert not (await host.call(tool, **arguments("good.png"))).is_error


def _furnish(project: Path, beside: Path) -> None:
    (beside / "outside.pdf").write_bytes(PDF + b"OUTSIDE")
    for name, data in {
        "brief.pdf": PDF, ".env": b"KEY=1", "id_rsa": b"KEY", ".ssh/id_ed25519": b"KEY", ".git/config": b"x",
        "sub/a.pdf": PDF, "fake.pdf": b"just text", "fake.png": b"just text", "page.html": b"<p>", "empty.png": b"",
        "good.png": PNG, "kept/theo.db": b"KEY",
    }.items():  # fmt: skip
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(data)
    (project / "link.pdf").symlink_to(beside / "outside.pdf")
    (project / "out").symlink_to(beside)
    (project / "zero.pdf").symlink_to("/dev/zero")
    (project / "harmless.pdf").symlink_to("id_rsa")
    os.mkfifo(project / "pipe.pdf")


@contextmanager
def _socket(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path))  # the names of sockets are short
        yield


async def test_what_is_named_for_saving_stays_in_the_output_folder(
    modern: StartHosted, all_hosted: AllHosted, tmp_path: Path
) -> None:
    host, output = await modern(), tmp_path / "output"
    before = {path for path in tmp_path.rglob("*") if output not in path.parents}

    saved = []
    for name in ("../../up.ts", "/etc/up.ts", "~/up.ts", "CON", "a\\..\\b.ts", ".env", "-rf", "C:\\up.ts", "x" * 3_000):
        result = await host.call("theo_code", prompt="x", save_as=name)
        saved += [Path(file["path"]) for file in (result.structured_content or {})["files"]]

    assert len(set(saved)) == 9
    assert all(path.resolve().is_relative_to(output) and path.is_file() for path in saved)
    assert not any(part.startswith((".", "-")) for path in saved for part in path.relative_to(output).parts)
    after = {path for path in tmp_path.rglob("*") if output not in path.parents and "data" not in path.parts}
    assert after - before <= {output, tmp_path / "data"}


async def test_an_image_that_is_called_a_pdf_is_told_what_it_is(
    modern: StartHosted, all_hosted: AllHosted, getcode_service: FakeGetCode
) -> None:
    (all_hosted().roots[0] / "photo.pdf").write_bytes(PNG)
    host = await modern()

    text = one_line(await host.call("theo_analyze_upload", output_type="pdf", path="photo.pdf"))

    assert text == (
        "validation_error: The name of the file at 'path' does not end with .png, and the bytes are a PNG. Name it "
        "with .png at the end."
    )
    assert getcode_service.requests == []


async def test_what_a_project_may_not_say_is_told_once_and_again_when_its_file_changes(
    modern: StartHosted, all_hosted: AllHosted
) -> None:
    file = all_hosted().roots[0] / "theo.config.json"
    host = await modern()
    told = []
    for content in ('{"persona": "none"}', '{"persona": "none"}', '{"persona": "theo"}'):
        file.write_text(content, encoding="utf-8")
        result = await host.call("theo_complete", prompt="x")
        told.append((result.structured_content or {}).get("project_ignored"))

    withheld = ["theo.config.json line 1: persona withheld: this folder is not trusted (theo-mcp trust)"]
    assert told == [withheld, None, withheld]
