"""``theo_document``: a document by Theo, as a file."""

from __future__ import annotations

from pydantic import Field

from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import DocumentFormat


class DocumentArguments(Arguments):
    """The documented fields of documents."""

    prompt: str = Field(description='What the document is about: "a project plan for a shop".')
    format: DocumentFormat | None = Field(None, description="The kind of file; pdf where it is not said.")


async def _run(call: Call, arguments: DocumentArguments) -> Reply:
    from theo_mcp.errors import TheoError
    from theo_mcp.server import results
    from theo_mcp.server.files import fetch, not_saved, stem_of
    from theo_mcp.wire.documents import DocumentRequest

    request = DocumentRequest(prompt=arguments.prompt, format=arguments.format)
    answer = await call.backend.theo.document(request, observe=call.observe)
    files, notes = [], []
    if answer.download_url:
        call.phase("fetching the document")
        try:
            stem = stem_of(answer.title or arguments.prompt, "document")
            files.append(await fetch(call.backend, call.rooms, answer.download_url, stem))
        except TheoError as error:
            notes.append(not_saved("The document", answer.download_url, error))
    else:
        notes.append("The service gave no address for the file; what it says of its content stands above.")
    facts = results.who(answer.theo_mcp) | results.usage_facts(answer.usage)
    facts |= {"id": answer.id, "format": answer.format, "title": answer.title}
    body = answer.content or ("The document is ready." if files else "(The answer is empty.)")
    return results.reply_of(body, {"text": body}, facts, answer.theo_mcp, files=files, notes=notes)


TOOL = Tool(
    name="theo_document",
    title="Make a document with Theo",
    description=(
        "Makes a PDF, Word, PowerPoint, Excel or CSV file from a description, with Theo. "
        "Use when Theo rather than GetCode should make the document. "
        "Not for websites, charts or mails (theo_generate). "
        "Returns the absolute path of the file, its content as text, and the cost in cents. A hosted answer costs "
        "credits. Takes 5 to 60 seconds."
    ),
    arguments=DocumentArguments,
    run=_run,
    icon="M6 2h8l5 5v15H6zM14 2v5h5M9 12h7M9 16h7",
    api="theo",
    unary=True,
)
