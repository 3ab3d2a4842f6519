"""How long the gateway waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Seconds."""

    head: float = 30.0
    """For the whole head of a request, from the connection's beginning or the answer before."""
    body: float = 30.0
    """For the whole body."""
    first: float = 5.0
    """For the first event of a stream. What fails before has its status; then the stream begins, with a heartbeat."""
    silent: float = 10.0
    """Between two heartbeats of a stream in which nothing happens."""
    stalled: float = 60.0
    """For a reader that takes nothing of its stream."""
    grace: float = 1.0
    """For requests without a stream, when the gateway is stopped."""
