"""``theo_analyze_upload``: a PDF or an image into a prompt to generate from."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import OutputType, UploadType


class AnalyzeUploadArguments(Arguments):
    """The documented fields of upload; exactly one of path and file_data."""

    output_type: OutputType = Field(description="What will be made from the file.")
    path: str | None = Field(None, description='A PDF, PNG, JPEG, WebP or GIF in an open folder: "docs/brief.pdf".')
    file_data: str | None = Field(None, description="Instead of path: the file as base64, at most 1 MB.")
    file_name: str | None = Field(None, description='With file_data: its name: "brief.pdf".')
    mime_type: UploadType | None = Field(None, description="With file_data: its type.")


async def _run(call: Call, arguments: AnalyzeUploadArguments) -> Reply:
    from theo_mcp.server.upload import analysed, upload_of

    upload = await upload_of(
        call.rooms,
        arguments.output_type,
        path=arguments.path,
        file_data=arguments.file_data,
        file_name=arguments.file_name,
        mime_type=arguments.mime_type,
    )
    return analysed(await call.backend.getcode.upload(upload.request, observe=call.observe), upload)


TOOL = Tool(
    name="theo_analyze_upload",
    title="Analyse a file",
    description=(
        "Reads a PDF or an image and writes a prompt from it, for one kind of output. "
        "Use when something should be made from a document, screenshot or sketch. "
        "Not for questions about an image (theo_complete with attachments), and not for source code. "
        "Returns the prompt to pass to theo_generate. The file's bytes are sent to whoever answers; only files in open "
        "folders are read. Counts against the plan. Takes 2 to 30 seconds."
    ),
    arguments=AnalyzeUploadArguments,
    run=_run,
    icon="M6 2h8l5 5v15H6zM12 18v-7M9 14l3-3 3 3",
    api="getcode",
    unary=True,
    output={"status": "string", "handle": "string", "analysed_prompt": "string", "file_name": "string"},
)
