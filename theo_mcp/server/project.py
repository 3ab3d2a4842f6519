"""A project's own settings (``theo.config.json``) as the defaults of its calls. What an argument says wins."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from anyio import to_thread

from theo_mcp.errors import NotAvailableError
from theo_mcp.server.reply import Reply
from theo_mcp.server.rooms import Rooms

if TYPE_CHECKING:
    from theo_mcp.wire.completions import CompletionRequest
    from theo_mcp.workspace.project import ProjectSettings

RequestT = TypeVar("RequestT")


async def project_of(rooms: Rooms) -> ProjectSettings:
    """What the project asks for, as far as it may."""
    from theo_mcp.workspace.project import FILE, ProjectSettings

    roots = rooms.workspace.roots
    if not roots or not os.path.lexists(roots[0].path / FILE):  # the usual case, and a thread costs more than the look
        return ProjectSettings()
    return await to_thread.run_sync(rooms.workspace.project)


def with_project(request: CompletionRequest, project: ProjectSettings) -> CompletionRequest:
    """`request` with the project's words where it has none."""
    from theo_mcp.wire.completions import InlineTool, Persona

    persona = project.persona
    said: dict[str, object] = {
        "mode": project.default_mode,
        "skills": project.skills or None,
        "temperature": project.temperature,
        "persona": persona if persona in (None, "theo", "none") else Persona(system_prompt=persona),
        "tools": tuple(InlineTool.model_validate(tool) for tool in project.tools) or None,
    }
    given = {name: value for name, value in said.items() if value is not None and getattr(request, name) is None}
    if project.metadata:
        given["metadata"] = {**project.metadata, **(request.metadata or {})}
    return request.model_copy(update=given) if given else request


def with_remarks(reply: Reply, rooms: Rooms, project: ProjectSettings) -> Reply:
    """`reply` with what of the project's file was not heard: once, or whenever the file has changed."""
    if not project.ignored or project.digest == rooms.told_of_project:
        return reply
    rooms.told_of_project = project.digest
    notes = tuple(f"Note: {remark}" for remark in project.ignored)
    return replace(reply, lines=(*reply.lines, *notes), data={**reply.data, "project_ignored": list(project.ignored)})


async def tried(request: RequestT, plain: RequestT, answer: Callable[[RequestT], Awaitable[Reply]]) -> Reply:
    """The answer to `request`, or to the `plain` one where this backend does not serve what the project adds."""
    try:
        return await answer(request)
    except NotAvailableError as error:
        if request == plain:
            raise
        why = error.message
    reply = await answer(plain)
    note = f"theo.config.json was not applied: {why}"
    return replace(reply, lines=(*reply.lines, f"Note: {note}"), data={**reply.data, "project_notice": note})
