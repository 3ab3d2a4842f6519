"""``theo://usage``: what the account, or the engine on this machine, has used, and what was used since the start."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from theo_mcp.backend import Backend
from theo_mcp.server.resources import Content, Resource, as_json, facts
from theo_mcp.server.rooms import Rooms


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    from theo_mcp.server.facts import told

    here: dict[str, JsonValue] = {}
    if backend.spending is not None:
        here["spending"] = told(backend, rooms, {"spending": await backend.spending()}).data["spending"]
    answers = backend.theo_choice.answers
    if answers == "nothing":
        return [as_json({"answers": answers, **here})]
    return [facts(answers, await backend.theo.usage(), **here)]


RESOURCE = Resource(
    uri="theo://usage",
    name="usage",
    title="Usage",
    description="Requests, tokens and cents of your account or this machine, and since the start of this server.",
    mime="application/json",
    read=_read,
    ttl_ms=30_000,
    icon="M4 20h16M6 16v-5M11 16V6M16 16v-8",
)
