"""``theo_code``: code from a description."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.backend import Backend
from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.progress import Progress
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.completions import CodeRequest


class CodeArguments(Arguments):
    """The documented fields of code generation."""

    prompt: str = Field(description='What the code should do, such as "Write an Express middleware for JWT".')
    language: str | None = Field(None, description="A hint: the programming language, such as typescript.")
    framework: str | None = Field(None, description="A hint: the framework, such as express.")


async def _run(backend: Backend, arguments: CodeArguments, progress: Progress) -> Reply:
    request = CodeRequest(prompt=arguments.prompt, language=arguments.language, framework=arguments.framework)
    return results.code(await backend.theo.code(request, observe=progress.phase))


TOOL = Tool(
    name="theo_code",
    title="Generate code",
    description=(
        "Writes code from a description, with language and framework as hints. "
        "Use when the result is code to put into a file. "
        "Not for questions about code or for code that should stream (theo_complete, mode code). "
        "Returns the code, several files apart, with a check that it parses where this machine has a parser, and the "
        "cost in cents. A hosted answer costs credits; on this machine it is free. Takes 1 to 60 seconds."
    ),
    arguments=CodeArguments,
    run=_run,
)
