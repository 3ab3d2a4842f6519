"""What bytes are, by how they begin: the one home of the numbers by which PDF, JPEG, PNG, WebP and GIF are known."""

from __future__ import annotations

from typing import Final

from theo_mcp.errors import InputError

_STARTS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_NAMES: Final = {
    "application/pdf": ("a PDF", ("pdf",)),
    "image/jpeg": ("a JPEG", ("jpg", "jpeg")),
    "image/png": ("a PNG", ("png",)),
    "image/webp": ("a WebP", ("webp",)),
    "image/gif": ("a GIF", ("gif",)),
}


def sniffed(data: bytes) -> str | None:
    """The one of the five media types for uploads that `data` begins like."""
    for start, mime in _STARTS:
        if data.startswith(start):
            return mime
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def check_upload(
    data: bytes, mime_type: str, file_name: str, *, fields: tuple[str, str, str] = ("fileData", "mimeType", "fileName")
) -> None:
    """Refuses an upload whose bytes, media type and extension do not say the same. `fields` is what the caller calls
    the three; GetCode's names where nothing is said.

    Raises:
        InputError: they do not, or the media type is none of the five.
    """
    file, mime, name = fields
    if mime_type not in _NAMES:
        raise InputError(
            f"{mime} is none of the five kinds that are taken: {', '.join(_NAMES)}.",
            hint="Send the file as one of these.",
        )
    found = sniffed(data)
    if found is None:
        raise InputError(
            f"{file} says {mime_type}, and the bytes are none of PDF, JPEG, PNG, WebP and GIF.",
            hint="Send the file as it is on the disk, without converting it to text.",
        )
    if found != mime_type:
        raise InputError(f"{file} says {mime_type}, and the bytes are {_NAMES[found][0]}.", hint=f"Send it as {found}.")
    kind, extensions = _NAMES[found]
    if file_name.rpartition(".")[2].lower() not in extensions or "." not in file_name:
        raise InputError(
            f"{name} does not end with .{' or .'.join(extensions)}, and the bytes are {kind}.",
            hint=f"Name it with .{extensions[0]} at the end.",
        )
