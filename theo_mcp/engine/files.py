"""The files that the engine's answers point to, and the time that a caller gives its work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

import anyio

from theo_mcp.errors import InputError, NotAvailableError, TimeoutExceededError

if TYPE_CHECKING:
    from theo_mcp.wire.files import Fetched

ItemT = TypeVar("ItemT")
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


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Ends the block after `seconds`.

    Raises:
        TimeoutExceededError: the time is over.
    """
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise TimeoutExceededError(
            f"The model on this machine did not finish within {seconds:g} s.", hint="Give it more time.", retryable=True
        ) from None


async def each_within(items: AsyncIterator[ItemT], seconds: float) -> AsyncGenerator[ItemT, None]:
    """The same items, as long as all of them come within `seconds`; what the reader does between them is not stopped.

    Raises:
        TimeoutExceededError: the time is over.
    """
    until = monotonic() + seconds
    while True:
        try:
            with within(max(0.0, until - monotonic())):
                item = await anext(items)
        except StopAsyncIteration:
            return
        yield item
