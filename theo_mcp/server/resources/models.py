"""``theo://models``: which engine answers each mode."""

from __future__ import annotations

from collections.abc import Sequence

from theo_mcp.backend import Backend
from theo_mcp.server.resources import Content, Resource, facts
from theo_mcp.server.rooms import Rooms


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    return [facts(backend.theo_choice.answers, await backend.theo.models())]


RESOURCE = Resource(
    uri="theo://models",
    name="models",
    title="Models",
    description="The modes, with the model and engine behind each.",
    mime="application/json",
    read=_read,
    ttl_ms=600_000,
    scope="public",
    icon="M4 6h16M4 12h16M4 18h16",
)
