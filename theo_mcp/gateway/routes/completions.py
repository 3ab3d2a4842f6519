"""``POST /api/v1/completions``, ``/code``, ``/images`` and ``/documents``: answered in the same request."""

from __future__ import annotations

from theo_mcp.gateway import sse
from theo_mcp.gateway.call import Answer, Call, Endpoint
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.wire.chats import chat_of
from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
from theo_mcp.wire.documents import Document, DocumentRequest
from theo_mcp.wire.images import Images, ImagesRequest
from theo_mcp.wire.words import DOCUMENT_FORMATS


async def _complete(call: Call) -> Answer:
    request = call.read(CompletionRequest)
    if request.stream:
        return sse.openai(call, request, with_usage=False) if request.format == "openai" else sse.theo(call, request)
    answer = await call.backend.theo.complete(request)
    sse.spent(call, answer.usage)
    return call.whole(chat_of(answer)) if request.format == "openai" else call.whole(answer, request_id=call.id)


async def _code(call: Call) -> Answer:
    answer = await call.backend.theo.code(call.read(CodeRequest))
    sse.spent(call, answer.usage)
    return call.whole(answer)


async def _images(call: Call) -> Answer:
    answer = await call.backend.theo.images(call.read(ImagesRequest))
    sse.spent(call, answer.usage)
    return call.whole(answer)


async def _document(call: Call) -> Answer:
    wanted = call.fields.get("format")
    if wanted is not None and wanted not in DOCUMENT_FORMATS:
        raise Refusal(400, "invalid_format", f"The format is one of {', '.join(DOCUMENT_FORMATS)}.")
    answer = await call.backend.theo.document(call.read(DocumentRequest))
    sse.spent(call, answer.usage)
    return call.whole(answer)


ENDPOINTS = (
    Endpoint(
        "POST", "/api/v1/completions", "Create a completion", _complete, CompletionRequest, Completion,
        scope="completions", mode="*", works=True, refuses=(400, 402, 404),
    ),
    Endpoint(
        "POST", "/api/v1/code", "Generate code", _code, CodeRequest, Code,
        scope="completions", mode="code", no_prompt="missing_prompt", works=True, refuses=(400, 402),
    ),
    Endpoint(
        "POST", "/api/v1/images", "Generate images", _images, ImagesRequest, Images,
        scope="completions", mode="image", no_prompt="missing_prompt", works=True, refuses=(400, 402, 422),
    ),
    Endpoint(
        "POST", "/api/v1/documents", "Generate a document", _document, DocumentRequest, Document,
        scope="completions", no_prompt="missing_prompt", works=True, refuses=(400, 402),
    ),
)  # fmt: skip
