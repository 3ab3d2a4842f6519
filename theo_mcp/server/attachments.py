"""Attachments: images of the user's, named by their paths, because no model can write base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from theo_mcp.errors import InputError
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.wire.completions import ImageBase64

_MOST: Final = 8
_MOST_BYTES: Final = 10 * 2**20
"""Of one image. No limit is documented; one that is too large for the service is refused there."""
_KINDS: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")


async def attached(rooms: Rooms, paths: Sequence[str]) -> tuple[ImageBase64, ...]:
    """The images at `paths`, read inside the roots.

    Raises:
        InputError: one cannot be read, or is no image by its bytes.
    """
    from theo_mcp.wire.completions import ImageBase64
    from theo_mcp.workspace.sniff import sniffed

    if len(paths) > _MOST:
        raise InputError(f"The argument 'attachments' has {len(paths)} paths, and {_MOST} are the most.")
    images = []
    for path in paths:
        file = await rooms.workspace.read(path, max_bytes=_MOST_BYTES)
        kind = sniffed(file.data)
        if kind not in _KINDS:
            raise InputError(
                f"The attachment {file.name[:60]!r} is {kind or 'no image'} by its bytes, and only images are taken.",
                hint=f"Allowed are: {', '.join(_KINDS)}. A PDF goes to theo_analyze_upload.",
            )
        data = base64.b64encode(file.data).decode()
        images.append(ImageBase64.model_validate({"data": data, "mime_type": kind}))
    return tuple(images)
