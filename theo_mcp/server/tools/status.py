"""``theo_status``: who answers, with which models, and what is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import anyio
from pydantic import JsonValue

from theo_mcp.backend import Backend
from theo_mcp.errors import TheoError
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.project import project_of
from theo_mcp.server.reply import Reply, one_line
from theo_mcp.server.rooms import Rooms
from theo_mcp.server.tools import Tool

_LIMIT_S = 5.0


class StatusArguments(Arguments):
    """It takes none."""


async def _run(call: Call, arguments: StatusArguments) -> Reply:
    backend = call.backend
    asked: dict[str, object] = {}

    async def ask(name: str, question: Callable[[], Awaitable[object]]) -> None:
        try:
            with anyio.fail_after(_LIMIT_S):
                asked[name] = await question()
        except TheoError as error:
            asked[name] = error
        except TimeoutError:
            asked[name] = TheoError(f"No answer within {_LIMIT_S:g} s.", code="timeout")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "health", backend.theo.health)
        tasks.start_soon(ask, "models", backend.theo.models)
        if backend.theo_choice.answers != "nothing":
            tasks.start_soon(ask, "usage", backend.theo.usage)
            tasks.start_soon(ask, "conversations", backend.theo.conversations)
        if backend.check_engine is not None:
            tasks.start_soon(ask, "engine", backend.check_engine)
        if backend.spending is not None:
            tasks.start_soon(ask, "spending", backend.spending)
        tasks.start_soon(ask, "runs", partial(_runs, call))
        tasks.start_soon(ask, "project", partial(project_of, call.rooms))
    return _told(backend, call.rooms, asked)


async def _runs(call: Call) -> object:
    runs = await call.rooms.runs()
    return await runs.listed(owner=call.rooms.owner, limit=5)


def _told(backend: Backend, rooms: Rooms, asked: Mapping[str, object]) -> Reply:
    from theo_mcp.server import facts
    from theo_mcp.wire.service import Health, Models

    health, models = asked["health"], asked["models"]
    lines = [
        f"Theo: {backend.theo_choice.answers} ({backend.theo_choice.why})",
        f"GetCode: {backend.getcode_choice.answers} ({backend.getcode_choice.why})",
    ]
    missing: list[str] = []
    data: dict[str, JsonValue] = {
        "theo": {"answers": backend.theo_choice.answers, "why": backend.theo_choice.why},
        "getcode": {"answers": backend.getcode_choice.answers, "why": backend.getcode_choice.why},
    }
    if isinstance(health, Health):
        data["health"] = health.status
        lines.append(one_line(f"Health: {health.status or 'not said'}"))
        if health.status != "healthy" and health.theo_mcp.notice:
            missing.append(health.theo_mcp.notice)
    if isinstance(models, Models):
        data["models"] = [entry.model_dump(include={"mode", "model_id", "label", "engine"}) for entry in models.models]
        lines += [
            one_line(f"Mode {entry.mode}: {entry.model_id} ({entry.label}, {entry.engine})") for entry in models.models
        ]
        if models.theo_mcp.notice:
            data["notice"] = models.theo_mcp.notice
            lines.append(f"Note: {models.theo_mcp.notice}")
    told = facts.told(backend, rooms, asked)
    lines += told.lines
    data |= told.data
    missing += [said for said in (rooms.notice, rooms.unheard) if said]
    missing += [f"{error.code}: {error}" for error in asked.values() if isinstance(error, TheoError)]
    # Health and models often lack the same thing; it is said once, with its code where one is known.
    distinct = [said for said in missing if not any(other != said and said in other for other in missing)]
    distinct = list(dict.fromkeys(distinct))
    data["missing"] = list(distinct)
    lines += [f"Missing: {said}" for said in distinct] or ["Missing: nothing"]
    return Reply("\n".join(lines), data=data)


TOOL = Tool(
    name="theo_status",
    title="Theo status",
    description=(
        "Says what answers each API (hosted or this machine), with which models, what was spent, and what is missing. "
        "Use when a call failed, before the first paid call, or when asked what is set up or used. "
        "Not for generating anything. "
        "Returns backends, models, limits, usage and cost, conversations, open handles, folders. "
        "Free; takes at most 5 seconds."
    ),
    arguments=StatusArguments,
    run=_run,
    icon="M3 12h4l3-8 4 16 3-8h4",
    output={"status": "string", "theo": "object", "getcode": "object", "missing": "array"},
    read_only=True,
    idempotent=True,
)
