"""``theo_research``: a report with sources, as a job."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool


class ResearchArguments(Arguments):
    """The documented fields of research."""

    prompt: str = Field(description='What to find out: "the state of WebGPU in browsers".')
    depth: Literal["basic", "advanced"] | None = Field(None, description="Nothing is sent unless you choose.")
    max_sources: int | None = Field(None, ge=1, le=50, description="Most sources, 1 to 50.")


async def _run(call: Call, arguments: ResearchArguments) -> Reply:
    from theo_mcp.server import jobs
    from theo_mcp.wire.jobs import ResearchRequest

    request = ResearchRequest(prompt=arguments.prompt, depth=arguments.depth, max_sources=arguments.max_sources)
    return await jobs.research(call, request)


TOOL = Tool(
    name="theo_research",
    title="Research",
    description=(
        "Researches a question on the web and writes a report. "
        "Use when an answer needs current sources that can be cited. "
        "Not for what a model knows (theo_complete). "
        "Returns the report and its sources, or a handle for theo_result while it is at work. A hosted answer costs "
        "credits; on this machine it needs a search service or trusted folders. Takes 30 seconds to some minutes."
    ),
    arguments=ResearchArguments,
    run=_run,
    icon="M10 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12M15 15l6 6",
    api="theo",
    unary=True,
)
