"""What a tool says back, before it is MCP: text that is complete alone, and the same facts as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import mcp_types as types
from pydantic import JsonValue

from theo_mcp.errors import TheoError
from theo_mcp.secret import redact
from theo_mcp.wire.model import scrubbed


@dataclass(frozen=True)
class Reply:
    """Hosts show either the text or the data to a model, never reliably both, so each must stand alone."""

    body: str
    """What was asked for."""
    about: str = ""
    """Who made it, what it cost, what to know and to do next."""
    data: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All of it, as an assistant sees it."""
        return f"{self.body}\n\n---\n{self.about}" if self.about else self.body


def result(reply: Reply) -> types.CallToolResult:
    """A success on the wire."""
    return types.CallToolResult(
        content=[types.TextContent(text=scrubbed(reply.text))],
        structured_content={name: _scrubbed_value(value) for name, value in reply.data.items()},
    )


def failure(error: TheoError) -> types.CallToolResult:
    """A failure on the wire. It begins with the code word, because some hosts lose the error flag."""
    facts = []
    if error.retry_after is not None:
        facts.append(f"retry after {error.retry_after:g} s")
    if error.status is not None:
        facts.append(f"status {error.status}")
    if error.request_id:
        facts.append(f"request id {error.request_id}")
    lines = [redact(f"{error.code}: {error}")]
    if facts:
        lines.append(f"({', '.join(facts)})")
    if error.partial:
        lines += ["", "Received before the failure:", redact(error.partial)]
    return types.CallToolResult(content=[types.TextContent(text=scrubbed("\n".join(lines)))], is_error=True)


def _scrubbed_value(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, list):
        return [_scrubbed_value(item) for item in value]
    if isinstance(value, dict):
        return {scrubbed(name): _scrubbed_value(item) for name, item in value.items()}
    return value
