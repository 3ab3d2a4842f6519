"""What is known of one run: a frozen `Status` that is replaced at each change, and whoever waits is woken.

A run that has ended never changes again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import anyio
from pydantic import JsonValue

from theo_mcp.runs.failure import Failure

State: TypeAlias = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class Status:
    """A run at one moment."""

    handle: str
    title: str
    created_at: float
    billable: bool = False
    state: State = "queued"
    phase: str = ""
    """What it does now, in words."""
    fraction: float | None = None
    """How much of it is done, from 0 to 1, where that is known."""
    text: str = field(default="", repr=False)
    """The text so far, of a run that streams; empty once the result, which holds it, is there."""
    sent: bool = False
    """Whether a request went out to a service."""
    request_id: str | None = None
    job_id: str | None = None
    """The service's own job, which goes on without us."""
    result: JsonValue = field(default=None, repr=False)
    failure: Failure | None = None
    """Why there is no result, in each final state but done."""
    ended_at: float | None = None
    expires_at: float | None = None

    @property
    def ended(self) -> bool:
        return self.state not in ("queued", "running")


class Record:
    """The status as it changes. `important` is called when what changed should survive this process."""

    def __init__(self, status: Status, *, important: Callable[[], None] = lambda: None) -> None:
        self.facts = status
        """The status without the latest text."""
        self.kept = False
        """Whether it goes on although the call that began it was cancelled."""
        self._text = [status.text]
        self._important = important
        self._changed = anyio.Event()
        self._ended = anyio.Event()
        self._home = threading.get_ident()

    @property
    def status(self) -> Status:
        return replace(self.facts, text=self.text)

    @property
    def text(self) -> str:
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0]

    def write(self, delta: str) -> None:
        """More text."""
        self._check_thread()
        if delta and not self.facts.ended:
            self._text.append(delta)
            self._tell()

    def forget_text(self) -> None:
        """The result has it now."""
        self._text = [""]

    def change(self, to: Status) -> None:
        """Another status, made of `facts`."""
        self._check_thread()
        before = self.facts
        if before.ended or to == before:
            return
        self.facts = to
        if to.ended:
            self._ended.set()
        if (before.state, before.sent, before.request_id, before.job_id) != (
            to.state,
            to.sent,
            to.request_id,
            to.job_id,
        ):
            self._important()
        self._tell()

    async def ended(self) -> None:
        """Waits for the end, and is woken by nothing else."""
        await self._ended.wait()

    async def changed(self) -> None:
        """Waits for the next change."""
        await self._changed.wait()

    def _check_thread(self) -> None:
        if threading.get_ident() != self._home:
            raise RuntimeError("A run is reported on in its event loop; from a thread, use anyio.from_thread.run_sync.")

    def _tell(self) -> None:
        told, self._changed = self._changed, anyio.Event()
        told.set()
