"""The files that the engine's answers point to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from theo_mcp.errors import InputError, NotAvailableError

if TYPE_CHECKING:
    from theo_mcp.wire.files import Fetched

_SCHEME = "theo-artifact:"


async def open_artifact(url: str, max_bytes: int) -> Fetched:
    """A file out of a ``data:`` URL; the engine keeps no others yet.

    Raises:
        NotAvailableError: it names a file that the engine would keep.
        InputError: it is elsewhere, or has more than `max_bytes`.
    """
    if url.startswith(_SCHEME):
        raise NotAvailableError("The engine on this machine keeps no files yet.", hint="Ask for the answer again.")
    if not url.startswith("data:"):
        raise InputError(
            "The engine on this machine did not make that file.",
            code="address_not_allowed",
            hint="Files are opened from the service that made them.",
        )
    from theo_mcp.http.download import fetch

    return await fetch(url, allowed=lambda _: False, max_bytes=max_bytes)
