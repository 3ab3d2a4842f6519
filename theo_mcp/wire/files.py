"""A file that an answer points to, in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fetched:
    """A file: its bytes, which no repr shows; its media type as it was told; its name, or an empty string."""

    data: bytes
    mime: str
    name: str

    def __repr__(self) -> str:
        return f"Fetched({len(self.data)} bytes, {self.mime}, {self.name!r})"
