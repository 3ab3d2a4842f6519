"""The shapes of the documented answers, written from the documents and not from our models."""

from __future__ import annotations

from tests.requests.shape import (
    Shape,
    anything,
    boolean,
    exactly,
    fields,
    list_of,
    matching,
    named,
    nothing_or,
    number,
    string,
    text,
    time,
    whole,
)

TOOL_USED = fields({"name": text, "status": text}, description=nothing_or(string))
FOLLOW_UP = fields({"label": text, "prompt": text})
MODEL = fields({"id": text, "label": text, "engine": text})
USAGE = fields({"cost_cents": number, "prompt_tokens": whole, "completion_tokens": whole, "total_tokens": whole})
COST = fields({"cost_cents": number})
ARTIFACT = fields({"id": text, "type": text})


def completion(mode: str, *resolved: str, metadata: Shape = exactly(None), content: Shape = text) -> Shape:
    return fields(
        {
            "id": matching("cmpl_.+"),
            "object": exactly("completion"),
            "created": time,
            "content": content,
            "mode": exactly(mode),
            "resolved_mode": exactly(*resolved),
            "model": MODEL,
            "tools_used": list_of(TOOL_USED),
            "artifacts": list_of(ARTIFACT),
            "follow_ups": list_of(FOLLOW_UP),
            "usage": USAGE,
            "metadata": metadata,
        }
    )


CHAT = fields(
    {
        "id": matching("chatcmpl_.+"),
        "object": exactly("chat.completion"),
        "created": whole,
        "model": text,
        "choices": list_of(
            fields(
                {
                    "index": whole,
                    "message": fields({"role": exactly("assistant"), "content": text}),
                    "finish_reason": exactly("stop", "length"),
                }
            ),
            least=1,
        ),
        "usage": fields({"prompt_tokens": whole, "completion_tokens": whole, "total_tokens": whole}),
        "theo_metadata": fields(
            {
                "mode": text,
                "resolved_mode": text,
                "tools_used": list_of(TOOL_USED),
                "artifacts": list_of(anything),
                "engine": text,
            }
        ),
    }
)
CODE = fields(
    {
        "id": matching("code_.+"),
        "created": time,
        "content": text,
        "artifacts": list_of(ARTIFACT),
        "tools_used": list_of(TOOL_USED),
        "usage": COST,
    }
)
IMAGES = fields(
    {
        "id": matching("img_.+"),
        "created": time,
        "images": list_of(fields({"url": nothing_or(text), "engine": text, "model": text, "prompt": text}), least=1),
        "usage": COST,
    }
)
JOB_STARTED = fields(
    {
        "id": matching("(res|vid)_.+"),
        "job_id": text,
        "status": exactly("queued"),
        "created": time,
        "poll_url": matching(".*/api/v1/jobs/.+"),
    }
)
JOB = fields(
    {
        "id": text,
        "type": exactly("research", "video"),
        "status": exactly("queued", "active", "completed", "failed"),
        "progress": number,
        "result": anything,
        "error": anything,
        "created_at": time,
        "completed_at": nothing_or(string),
    }
)
MODELS = fields(
    {
        "models": list_of(
            fields({"mode": text, "model_id": text, "label": text, "engine": text, "description": text}), least=1
        )
    }
)
HEALTH = fields(
    {
        "status": exactly("healthy", "degraded", "down"),
        "timestamp": time,
        "version": text,
        "providers": named(fields({"status": exactly("healthy", "degraded", "down", "unconfigured")})),
    }
)
SKILL = fields(
    {"id": text, "slug": text, "name": text, "description": text, "category": string, "version": string},
    isPublic=boolean,
    installCount=whole,
)
SKILLS = fields({"skills": list_of(SKILL, least=1)})
TOOLS = fields({"tools": list_of(fields({"name": text, "description": text, "inputSchema": anything}), least=1)})
CONVERSATIONS = fields({"conversations": list_of(fields({"id": text, "title": string})), "has_more": boolean})
CONVERSATION = fields(
    {
        "conversation": fields(
            {
                "id": text,
                "title": string,
                "messages": list_of(fields({"role": exactly("user", "assistant"), "content": string}), least=2),
            }
        )
    }
)
USAGE_REPORT = fields(
    {
        "period": fields({"from": text, "to": text}),
        "totals": fields({"requests": whole, "total_tokens": whole, "cost_cents": number}),
    }
)
OPENAPI = fields(
    {"openapi": matching(r"3\.1\..*"), "info": fields({"title": text, "version": text}), "paths": named(anything)}
)
IMPROVED = fields({"improved": text, "tokensUsed": whole})
ANALYSED = fields({"analysedPrompt": text, "fileName": text, "fileType": text})


def error(*codes: str) -> Shape:
    """Theo's envelope."""
    inner = fields({"message": text, "type": text, "code": exactly(*codes), "request_id": text})
    return fields({"error": inner})


ERROR_OF_GETCODE = fields({"error": text})
EVENTS: dict[str, Shape] = {
    "meta": fields({"id": text, "mode": text, "resolved_mode": text, "model": MODEL}),
    "skills": fields({"active": list_of(fields({"id": text, "slug": text, "name": text}), least=1)}),
    "genui_meta": fields({"library": text, "tools": list_of(anything)}),
    "tool": fields({"name": text, "status": text}),
    "artifact": ARTIFACT,
    "token": fields({"token": text}),
    "done": fields({"id": text, "content": string, "follow_ups": list_of(FOLLOW_UP), "usage": USAGE}),
}
GENERATE_EVENTS: dict[str, Shape] = {
    "queue": fields({"message": text}),
    "token": fields({"text": text}),
    "done": fields({"tokensUsed": whole, "model": text}),
    "error": fields({"message": text}),
}
