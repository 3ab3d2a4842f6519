"""The list of resources, in pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import mcp_types as types
from mcp.shared.exceptions import MCPError

from theo_mcp.errors import InputError, TheoError
from theo_mcp.secret import redact
from theo_mcp.server.changes import artifact_uri, result_uri
from theo_mcp.server.cursors import Place
from theo_mcp.server.resources import all_resources
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.runs import Run
    from theo_mcp.workspace import Artifact

_PAGE = 50


async def resources(rooms: Rooms, params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """A page of all resources: those that are always there, then results and then files, each the newest first.

    Raises:
        MCPError: the cursor is none of ours, or what is kept cannot be read.
    """
    try:
        place = Place.of(params.cursor if params else None)
        page = [each.listed() for each in all_resources().values() if not each.variable] if place == Place() else []
        if not place.files:
            runs = sorted(await rooms.listed_runs(), key=_order)
            if place.run is not None:
                runs = [run for run in runs if _order(run) > _newest(place.run)]
            room = _PAGE - len(page)
            page += map(_result, runs[:room])
            if len(runs) > room:
                last = runs[room - 1]
                behind = Place(run=(last.status.created_at, last.handle))
                return types.ListResourcesResult(resources=page, next_cursor=behind.cursor)
        room = _PAGE - len(page)
        files = await rooms.workspace.artifacts(after=place.file, limit=room + 1)
        page += map(_file, files[:room])
        more = Place(file=files[room - 1].name if room else None, files=True) if len(files) > room else None
        return types.ListResourcesResult(resources=page, next_cursor=more.cursor if more else None)
    except TheoError as error:
        code = types.INVALID_PARAMS if isinstance(error, InputError) else types.INTERNAL_ERROR
        raise MCPError(code, redact(f"{error.code}: {error}")) from None


def _order(run: Run) -> tuple[float, str]:
    """The newest first; of one moment, by their handles, so that no page repeats another."""
    return _newest((run.status.created_at, run.handle))


def _newest(place: tuple[float, str]) -> tuple[float, str]:
    return -place[0], place[1]


def _result(run: Run) -> types.Resource:
    status = run.status
    return types.Resource(
        uri=result_uri(run.handle),
        name=run.handle,
        title=f"{status.title}, {status.state}",
        mime_type="text/markdown",
        annotations=_changed(status.ended_at or status.created_at),
    )


def _file(file: Artifact) -> types.Resource:
    return types.Resource(
        uri=artifact_uri(file.name),
        name=file.name,
        mime_type=file.mime,
        size=file.size,
        annotations=_changed(file.changed_at),
    )


def _changed(at: float) -> types.Annotations:
    return types.Annotations(last_modified=datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"))
