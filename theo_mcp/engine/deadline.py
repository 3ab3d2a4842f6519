"""The time that a caller gives its work, from the call to the last of its events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import TypeVar

import anyio

from theo_mcp.errors import TimeoutExceededError

ItemT = TypeVar("ItemT")


class Deadline:
    """It begins when it is made; None is for ever."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._until = inf if seconds is None else monotonic() + seconds

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Ends the block when the time is over.

        Raises:
            TimeoutExceededError: it is.
        """
        try:
            with anyio.fail_after(max(0.0, self._until - monotonic())):
                yield
        except TimeoutError:
            raise TimeoutExceededError(
                f"The model on this machine did not finish within {self._seconds:g} s.",
                hint="Give it more time.",
                retryable=True,
            ) from None

    async def each(self, items: AsyncIterator[ItemT], text: Callable[[ItemT], str]) -> AsyncGenerator[ItemT, None]:
        """The same items, as long as all of them come in time; what the reader does between them is not stopped.

        Raises:
            TimeoutExceededError: the time is over. It has the `text` of the items so far.
        """
        so_far: list[str] = []
        while True:
            try:
                with self.kept():
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutExceededError as error:
                error.partial = error.partial or "".join(so_far)
                raise
            so_far.append(text(item))
            yield item


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Ends the block after `seconds`.

    Raises:
        TimeoutExceededError: the time is over.
    """
    with Deadline(seconds).kept():
        yield
