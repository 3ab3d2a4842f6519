"""``theo://conversations/{id}``: a conversation with all its turns, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from theo_mcp.backend import Backend
from theo_mcp.server.resources import Content, Resource, facts
from theo_mcp.server.rooms import Rooms


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    answer = await backend.theo.conversation(name)
    turns = [f"# {answer.title or answer.id or name}"]
    for message in answer.messages:
        about = " · ".join(part for part in (message.role, message.created_at, message.resolved_mode) if part)
        turns.append(f"**{about}**\n\n{message.content or message.error_message or '(empty)'}")
    return [Content("text/markdown", "\n\n".join(turns)), facts(backend.theo_choice.answers, answer)]


async def _names(backend: Backend, rooms: Rooms) -> Sequence[str]:
    if backend.theo_choice.answers == "nothing":
        return []
    return [each.id for each in (await backend.theo.conversations()).conversations if each.id]


RESOURCE = Resource(
    uri="theo://conversations/{id}",
    name="conversations",
    title="Conversation",
    description="A conversation with Theo, with all its turns.",
    read=_read,
    names=_names,
    icon="M4 4h16v12H9l-5 4z",
)
