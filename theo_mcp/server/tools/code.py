"""``theo_code``: code from a description."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from theo_mcp.errors import TheoError
from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.files import MOST_FILES, save
from theo_mcp.server.project import project_of
from theo_mcp.server.reply import Reply, SavedFile, one_line
from theo_mcp.server.tools import Tool

if TYPE_CHECKING:
    from theo_mcp.wire.completions import Code


class CodeArguments(Arguments):
    """The documented fields of code generation, and where to put the result."""

    prompt: str = Field(description='What the code should do: "Write an Express middleware for JWT".')
    language: str | None = Field(None, description='A hint: "typescript".')
    framework: str | None = Field(None, description='A hint: "express".')
    save_as: str | None = Field(
        None, description='Also save it in the output folder: "auth.ts"; several files go into a folder of this name.'
    )


async def _run(call: Call, arguments: CodeArguments) -> Reply:
    from theo_mcp.wire.completions import CodeRequest

    language = arguments.language or (await project_of(call.rooms)).language
    request = CodeRequest(prompt=arguments.prompt, language=language, framework=arguments.framework)
    answer = await call.backend.theo.code(request, observe=call.observe)
    files, notes = await _saved(call, answer, arguments.save_as) if arguments.save_as else ([], [])
    reply = results.code(answer, language=language or "", files=files, notes=notes)
    if len(files) == 1 and reply.raw is not None:  # the whole is saved already, where it is too long for a result
        return replace(reply, rest=files[0].name)
    return replace(reply, raw_name=arguments.save_as) if arguments.save_as and not files else reply


async def _saved(call: Call, answer: Code, name: str) -> tuple[list[SavedFile], list[str]]:
    """The code as a file, or several as files of a folder; one that is taken gets a number. What cannot be saved is
    noted: the code was paid for, and stands in the answer."""
    parts = [artifact for artifact in answer.artifacts if artifact.code]
    named = [(name, answer.content)]
    if len(parts) == 1 and answer.content in ("", parts[0].code):
        named = [(name, parts[0].code or "")]
    elif parts:
        titles = [
            part.title or f"file-{number}{results.extension_of(part.language or '')}"
            for number, part in enumerate(parts, 1)
        ]
        named = [(f"{name}/{title}", part.code or "") for title, part in zip(titles, parts, strict=True)]
    files, notes = [], []
    for title, code in named[:MOST_FILES]:
        try:
            files.append(await save(call.rooms, title, code.encode("utf-8", "replace")))
        except TheoError as error:
            notes.append(one_line(f"{title[:60]} was not saved: {error}"))
    if len(named) > MOST_FILES:
        notes.insert(0, f"{len(named) - MOST_FILES:,} more files were not saved; they stand above.")
    return files, notes


TOOL = Tool(
    name="theo_code",
    title="Generate code",
    description=(
        "Writes code from a description, with language and framework as hints. "
        "Use when the result is code to put into a file. "
        "Not for questions about code or for code that should stream (theo_complete, mode code). "
        "Returns the code, several files apart, with a check that it parses where this machine has a parser, the paths "
        "of saved files, and the cost in cents. A hosted answer costs credits; on this machine it is free. "
        "Takes 1 to 60 seconds."
    ),
    arguments=CodeArguments,
    run=_run,
    icon="M8 6l-6 6 6 6M16 6l6 6-6 6",
    api="theo",
    unary=True,
    output={"status": "string", "handle": "string", "code": "string", "language": "string", "files": "array"},
)
