"""One answer while it is made, whoever makes it: the agent loop, or a mode with a way of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import TypeAlias

from theo_mcp.engine import counting
from theo_mcp.wire.events import ArtifactEvent, GenuiMeta, Token, ToolEvent
from theo_mcp.wire.openai import ChatUsage
from theo_mcp.wire.parts import StructuredOutput

WorkEvent: TypeAlias = Token | ToolEvent | ArtifactEvent | GenuiMeta


class Working(ABC):
    """Read `events` to their end; the rest is known then."""

    def __init__(self) -> None:
        self.text = ""
        """The answer so far."""
        self.finish_reason = ""
        """Why the model ended, in OpenAI's words."""
        self.structured_output: StructuredOutput | None = None
        """What the mode returns as data."""
        self.notices: list[str] = []
        """What the caller should know of how it was made."""
        self.counted: list[ChatUsage] = []
        """The tokens of each call of the model that has ended."""

    @property
    def usage(self) -> ChatUsage:
        """Of all the calls of the model together."""
        return counting.total(self.counted)

    @abstractmethod
    def events(self) -> AsyncGenerator[WorkEvent, None]:
        """What happens, as it happens; no token is empty. Closing it stops the work."""
