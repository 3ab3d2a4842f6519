"""``theo://results/{id}``: what a tool returned, or how it stands, under its handle."""

from __future__ import annotations

from collections.abc import Sequence

from theo_mcp.backend import Backend
from theo_mcp.errors import TheoError
from theo_mcp.server.reply import Reply
from theo_mcp.server.resources import Content, Resource, as_json
from theo_mcp.server.rooms import Rooms


async def _read(backend: Backend, rooms: Rooms, name: str) -> Sequence[Content]:
    from theo_mcp.server import handles
    from theo_mcp.server.content import failed

    run = await handles.found(rooms, name)
    if not run.ended:
        return _shown(handles.still_running(run), "running")
    try:
        return _shown(Reply.restored(run.outcome()), "done")
    except TheoError as error:  # its reading went well: it is the work that failed, and what came of it is told
        return [Content("text/markdown", failed(error))]


def _shown(reply: Reply, status: str) -> Sequence[Content]:
    return [Content("text/markdown", reply.text), as_json({"status": status, **reply.everything})]


async def _names(backend: Backend, rooms: Rooms) -> Sequence[str]:
    return [run.handle for run in await rooms.listed_runs()]


RESOURCE = Resource(
    uri="theo://results/{id}",
    name="results",
    title="Result",
    description="What a tool returned, by its handle.",
    read=_read,
    names=_names,
    icon="M12 3a9 9 0 1 0 9 9M12 7v5l4 2",
)
