"""Whether the bytes of an upload are what they are said to be."""

from __future__ import annotations

import pytest

from tests.unit.workspace.conftest import refused
from theo_mcp.workspace.sniff import check_upload, sniffed

PDF = b"%PDF-1.7\n"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF"
WEBP = b"RIFF\x24\0\0\0WEBPVP8 "
GIF = b"GIF89a\x01\0\x01\0"


@pytest.mark.parametrize(
    ("data", "mime", "name"),
    [
        (PDF, "application/pdf", "a.pdf"),
        (PNG, "image/png", "a.PNG"),
        (JPEG, "image/jpeg", "a.jpg"),
        (JPEG, "image/jpeg", "a.b.jpeg"),
        (WEBP, "image/webp", "a.webp"),
        (GIF, "image/gif", "a.gif"),
        (b"GIF87a", "image/gif", "a.gif"),
    ],
)
def test_an_upload_that_is_what_it_says_passes(data: bytes, mime: str, name: str) -> None:
    assert sniffed(data) == mime
    check_upload(data, mime, name)


@pytest.mark.parametrize("data", [b"", b"%PD", b"RIFF\x24\0\0\0WAVE", b"RIFF", b"<svg/>", b"PK\x03\x04", b"\xff\xd8"])
def test_other_bytes_are_none_of_the_five(data: bytes) -> None:
    assert sniffed(data) is None
    assert str(refused(lambda: check_upload(data, "image/png", "a.png"))) == (
        "fileData says image/png, and the bytes are none of PDF, JPEG, PNG, WebP and GIF. "
        "Send the file as it is on the disk, without converting it to text."
    )


@pytest.mark.parametrize(
    ("data", "mime", "name", "said"),
    [
        (PDF, "image/png", "a.png", "fileData says image/png, and the bytes are a PDF. Send it as application/pdf."),
        (PNG, "image/jpeg", "a.jpg", "fileData says image/jpeg, and the bytes are a PNG. Send it as image/png."),
        (JPEG, "image/jpeg", "a.png", ("fileName does not end with .jpg or .jpeg, and the bytes are a JPEG. "
         "Name it with .jpg at the end.")),
        (PNG, "image/png", "png", ("fileName does not end with .png, and the bytes are a PNG. "
         "Name it with .png at the end.")),
        (PNG, "image/svg+xml", "a.svg", ("mimeType is none of the five kinds that are taken: application/pdf, "
         "image/jpeg, image/png, image/webp, image/gif. Send the file as one of these.")),
    ],
)  # fmt: skip
def test_an_upload_that_is_something_else_is_told_what_it_is(data: bytes, mime: str, name: str, said: str) -> None:
    assert str(refused(lambda: check_upload(data, mime, name))) == said
