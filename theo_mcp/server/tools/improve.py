"""``theo_improve``: a rough request into a detailed brief."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import OutputType


class ImproveArguments(Arguments):
    """The documented fields of improve."""

    prompt: str = Field(description='The rough request: "landing page for a bakery".')
    output_type: OutputType = Field(description="What the brief will be used for.")


async def _run(call: Call, arguments: ImproveArguments) -> Reply:
    from theo_mcp.wire.getcode import ImproveRequest

    request = ImproveRequest(prompt=arguments.prompt, output_type=arguments.output_type)
    return results.improved(await call.backend.getcode.improve(request, observe=call.observe))


TOOL = Tool(
    name="theo_improve",
    title="Improve a prompt",
    description=(
        "Turns a rough request into a detailed brief for one kind of output. "
        "Use when a request for a page, document, chart or picture is only a few words. "
        "Not for making the output itself (theo_generate), and not for answering a question (theo_complete). "
        "Returns the brief as text to pass on as a prompt. A hosted answer counts against the plan; "
        "on this machine it is free. Takes 1 to 20 seconds."
    ),
    arguments=ImproveArguments,
    run=_run,
    icon="M4 20l10-10M13 4l1 2 2 1-2 1-1 2-1-2-2-1 2-1zM19 12l1 2 2 1-2 1-1 2-1-2-2-1 2-1z",
    api="getcode",
    unary=True,
    output={"status": "string", "handle": "string", "improved": "string"},
)
