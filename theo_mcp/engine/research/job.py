"""A research as the work of a job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias

from pydantic import JsonValue

from theo_mcp.backend import Caller, check_prompt
from theo_mcp.engine import respond
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.research import working
from theo_mcp.runs import Report
from theo_mcp.wire.events import Token
from theo_mcp.wire.jobs import ResearchRequest

Work: TypeAlias = Callable[[Report], Awaitable[dict[str, JsonValue]]]


def work_of(request: ResearchRequest, engine: Engine, caller: Caller) -> Work:
    """What a job has to do for `request`; what is missing is told before it begins.

    Raises:
        InputError: the prompt is blank or too long.
        NotAvailableError: there is nowhere to search.
    """
    check_prompt(request.prompt, engine.settings.max_prompt_chars)
    working.check(engine.settings, caller)

    async def work(report: Report) -> dict[str, JsonValue]:
        way = await engine.router.route("research", observe=report.phase, caller=caller)
        async with (
            working.run(
                way,
                request.prompt,
                engine.settings,
                caller,
                depth=request.depth or working.DEPTH,
                max_sources=request.max_sources or working.MAX_SOURCES,
                observe=report.phase,
                progress=report.fraction,
            ) as research,
            aclosing(research.events()) as events,
        ):
            async for event in events:
                if isinstance(event, Token):
                    report.text(event.token)
        usage = respond.usage(research.usage, way.model).model_dump(exclude_none=True)
        notices: list[JsonValue] = [*way.notices, *research.notices]
        return {
            **research.result(),
            "notices": notices,
            "model": way.model.id,
            "engine": way.model.engine,
            "usage": usage,
        }

    return work
