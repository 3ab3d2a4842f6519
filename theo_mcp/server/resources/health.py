"""``theo://health``: whether the service, or the engine on this machine, is well."""

from __future__ import annotations

from collections.abc import Sequence

from theo_mcp.backend import Backend
from theo_mcp.server.resources import Content, Resource, facts
from theo_mcp.server.rooms import Rooms


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    return [facts(backend.theo_choice.answers, await backend.theo.health())]


RESOURCE = Resource(
    uri="theo://health",
    name="health",
    title="Health",
    description="Whether what answers is well, and what is missing.",
    mime="application/json",
    read=_read,
    ttl_ms=10_000,
    scope="public",
    icon="M3 12h4l3-8 4 16 3-8h4",
)
