"""One answer while it is made, whoever makes it: the agent loop, or a mode with a way of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol, TypeAlias

from theo_mcp.wire.events import ArtifactEvent, GenuiMeta, Token, ToolEvent
from theo_mcp.wire.openai import ChatUsage
from theo_mcp.wire.parts import StructuredOutput

WorkEvent: TypeAlias = Token | ToolEvent | ArtifactEvent | GenuiMeta


class Working(Protocol):
    """Read `events` to their end; the rest is known then."""

    @property
    def text(self) -> str:
        """The answer so far."""

    @property
    def usage(self) -> ChatUsage:
        """Of all the calls of the model together."""

    @property
    def finish_reason(self) -> str:
        """Why the model ended, in OpenAI's words."""

    @property
    def structured_output(self) -> StructuredOutput | None:
        """What the mode returns as data."""

    @property
    def notices(self) -> list[str]:
        """What the caller should know of how it was made."""

    def events(self) -> AsyncGenerator[WorkEvent, None]:
        """What happens, as it happens; no token is empty. Closing it stops the work."""
