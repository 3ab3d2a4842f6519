"""GetCode's three endpoints. Its errors are one sentence, and the reason for a stream's failure is its last event."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from theo_mcp.gateway import sse
from theo_mcp.gateway.bodies import UPLOAD_BYTES
from theo_mcp.gateway.call import Answer, Call, Endpoint, Streamed
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.shown import fields_of
from theo_mcp.wire.getcode import (
    Analysed,
    GenerateDone,
    GenerateRequest,
    Improved,
    ImproveRequest,
    UploadRequest,
)


async def _improve(call: Call) -> Answer:
    answer = await call.backend.getcode.improve(call.read(ImproveRequest))
    call.spent.all(answer.theo_mcp.cost_cents, answer.tokens_used)
    return call.whole(answer)


async def _upload(call: Call) -> Answer:
    answer = await call.backend.getcode.upload(call.read(UploadRequest))
    call.spent.all(answer.theo_mcp.cost_cents, None)
    return call.whole(answer)


async def _generate(call: Call) -> Answer:
    return Streamed(_generated(call, call.read(GenerateRequest)), sse.COMMENT, _failed)


async def _generated(call: Call, request: GenerateRequest) -> AsyncGenerator[bytes, None]:
    async with call.backend.getcode.generate(request) as events:
        async for event in events:
            if isinstance(event, GenerateDone):
                call.spent.all(event.theo_mcp.cost_cents, event.tokens_used)
            yield sse.data(fields_of(event))


def _failed(refusal: Refusal, _: str) -> bytes:
    return sse.data({"type": "error", "message": refusal.message})


ENDPOINTS = (
    Endpoint(
        "POST", "/api/improve", "Turn a rough request into a detailed brief", _improve, ImproveRequest, Improved,
        api="getcode", scope="completions", counted="improve", works=True, refuses=(400, 402),
    ),
    Endpoint(
        "POST", "/api/generate", "Generate one of the output types, streamed", _generate, GenerateRequest,
        GenerateDone, api="getcode", scope="completions", counted="generate", works=True, refuses=(400, 402),
    ),
    Endpoint(
        "POST", "/api/upload", "Turn a file into a prompt", _upload, UploadRequest, Analysed,
        api="getcode", scope="completions", works=True, most=UPLOAD_BYTES, refuses=(400, 402, 413),
    ),
)  # fmt: skip
