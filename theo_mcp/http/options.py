"""What a caller may set per client or per call, and the reply as it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from theo_mcp.errors import InputError
from theo_mcp.http.retry import RetryPolicy


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect; until a stream begins; between two events of it; for a whole call with all its tries.

    `whole` limits calls that do not stream. `total` limits any call; where it is None, a stream may last for ever as
    long as events come.
    """

    connect: float = 10.0
    first_byte: float = 120.0
    idle: float = 120.0
    whole: float = 120.0
    total: float | None = None


@dataclass(frozen=True)
class Limits:
    """Bytes: of a whole reply, and of one event of a stream, which may hold an image as base64."""

    body: int = 64 * 2**20
    event: int = 64 * 2**20


@dataclass(frozen=True)
class RawReply:
    """A reply as it came, for what the typed answer does not show (rate-limit headers, say).

    `body` is unpacked, and empty for a stream. Names of headers are in lower case.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    request_id: str | None

    def __repr__(self) -> str:
        return f"RawReply(status={self.status}, {len(self.body)} bytes, request_id={self.request_id})"


OnReply: TypeAlias = Callable[[RawReply], None]


@dataclass(frozen=True)
class Options:
    """What may differ from call to call. An `idempotency_key` is for one logical call; None makes one for each.

    Raises:
        InputError: that key cannot be sent in a header.
    """

    timeouts: Timeouts = Timeouts()
    limits: Limits = Limits()
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    idempotency_key: str | None = None
    on_reply: OnReply | None = None
    """Told of every reply, error replies and those of retried tries too. What it raises is logged."""

    def __post_init__(self) -> None:
        key = self.idempotency_key
        if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
            raise InputError(
                "The idempotency key cannot be sent in a header.", hint="Use printable ASCII, such as a UUID."
            )
