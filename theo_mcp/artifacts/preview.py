"""A small picture of an image, for a person or a model to look at; the decoding happens in a child of the sandbox.

PNG, JPEG, WebP and GIF are taken. SVG is not: it is a program to draw by, and nothing here runs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

from theo_mcp.errors import SandboxError
from theo_mcp.sandbox import Job, Limits, Result, Sandbox

MAX_BASE64: Final = 256 * 1024
LONGEST_SIDE: Final = 1024
_LEAST_BASE64: Final = 2048
_LIMITS: Final = Limits(seconds=20.0, cpu_seconds=20.0, output_bytes=8 << 20)
_STARTS: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True)
class Preview:
    """A JPEG or PNG, and the size that the original is shown in. Its content is in no repr."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    original_width: int
    original_height: int


async def preview(data: bytes, sandbox: Sandbox, *, max_base64: int = MAX_BASE64) -> Preview:
    """A preview of the image `data` that has at most `max_base64` bytes as base64, and sides of at most 1024 pixels.

    The orientation that its metadata tells is applied and the metadata left out. Of an animation it is the first
    frame. What is transparent stays so where a PNG fits, and else becomes white.

    Raises:
        InputError: it is no image of the four kinds, has too many pixels, or is cut off or damaged. ``code`` is
            image_unknown, image_too_large or image_damaged.
        SandboxError: the child failed, or went over its limits.
        ValueError: `max_base64` has no room for a picture.
    """
    if max_base64 < _LEAST_BASE64:
        raise ValueError(f"a preview takes at least {_LEAST_BASE64} bytes as base64")
    most = max_base64 // 4 * 3
    options = {"most": most, "longest": LONGEST_SIDE}
    made = await sandbox.run(Job("theo_mcp.artifacts.thumbnail:thumbnail", {"image": data}, options), limits=_LIMITS)
    return _checked(made, most)


def _checked(made: Result, most: int) -> Preview:
    """What came back, if it is what was asked for: a child that has met a hostile image is not believed.

    Raises:
        SandboxError: it is not.
    """
    data = made.outputs.get("preview", b"")
    said = made.value if isinstance(made.value, Mapping) else {}
    mime, size, original = said.get("mime"), said.get("size"), said.get("original")
    start = _STARTS.get(mime) if isinstance(mime, str) else None
    if start is None or not data.startswith(start) or len(data) > most or not _is_size(size) or not _is_size(original):
        raise SandboxError("The preview came back in another form than it should.", hint="Open the file itself.")
    return Preview(data, str(mime), size[0], size[1], original[0], original[1])


def _is_size(said: object) -> TypeGuard[list[int]]:
    return isinstance(said, list) and len(said) == 2 and all(type(side) is int and side > 0 for side in said)
