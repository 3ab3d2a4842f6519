"""``theo://skills/installed``: the skills that take part in every completion."""

from __future__ import annotations

from collections.abc import Sequence

from theo_mcp.backend import Backend
from theo_mcp.server.resources import Content, Resource, facts
from theo_mcp.server.rooms import Rooms


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    return [facts(backend.theo_choice.answers, await backend.theo.skills("installed"))]


RESOURCE = Resource(
    uri="theo://skills/installed",
    name="skills-installed",
    title="Installed skills",
    description="The installed skills, which take part in every completion.",
    mime="application/json",
    read=_read,
    ttl_ms=60_000,
    icon="M12 2l3 7 7 1-5 5 1 7-6-4-6 4 1-7-5-5 7-1z",
)
