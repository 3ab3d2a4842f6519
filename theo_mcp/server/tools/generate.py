"""``theo_generate``: any of GetCode's ten output types, streamed, as a file."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import CodeLanguage, OutputType


class GenerateArguments(Arguments):
    """The documented fields of generate, and whether to improve the prompt first."""

    prompt: str = Field(description='What to make: "a landing page for a bakery".')
    output_type: OutputType = Field(description="The kind of output.")
    language: CodeLanguage | None = Field(None, description="For website and api only; auto chooses.")
    original_prompt: str | None = Field(None, description='What the user typed, where prompt is improved: "a page".')
    improve: bool | None = Field(None, description="First turn the prompt into a detailed brief.")


async def _run(call: Call, arguments: GenerateArguments) -> Reply:
    from theo_mcp.server.generation import generated, improved_first
    from theo_mcp.wire.getcode import GenerateRequest

    request = GenerateRequest(
        prompt=arguments.prompt,
        output_type=arguments.output_type,
        original_prompt=arguments.original_prompt,
        language=arguments.language,
    )
    if arguments.improve:
        request = await improved_first(call, request)
    return await generated(call, request, arguments.prompt)


TOOL = Tool(
    name="theo_generate",
    title="Generate an output",
    description=(
        "Makes a website, chart, API, email, PDF, Excel, Word, PowerPoint, video or image from a description. "
        "Use when the user wants a finished output as a file. "
        "Not for code in an existing project (theo_code) or for a picture alone (theo_image). "
        "Returns the text as it was generated and the absolute path of each file. What the service sends as text is "
        "saved as that text, and the result says so. Counts against the plan; on this machine it is free, for website, "
        "chart, api and email. Takes 10 seconds to some minutes."
    ),
    arguments=GenerateArguments,
    run=_run,
    icon="M6 2h8l5 5v15H6zM14 2v5h5M9 14h6M12 11v6",
    api="getcode",
)
