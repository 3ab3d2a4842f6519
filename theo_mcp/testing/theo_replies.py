"""Theo's replies as its documents show them; the examples of the pages are here word for word where they are used."""

from __future__ import annotations

from theo_mcp.testing.http import Fields

MODEL = {"id": "theo-1-flash", "label": "Theo Flash", "engine": "theo-core"}
FOLLOW_UPS = [
    {"label": "Compare with monoliths", "prompt": "Compare microservices vs monolithic architecture"},
    {"label": "Service mesh", "prompt": "Explain service mesh in microservices"},
]
WORDS = ["Microservices ", "architecture ", "is a design ", "pattern — ", "ein Muster 🧩."]
USAGE = {"cost_cents": 0.02, "prompt_tokens": 12, "completion_tokens": 156, "total_tokens": 168}
CODE = "export function authMiddleware(req, res, next) {\n  next();\n}"
ARTIFACTS = "https://artifacts.hitheo.ai"
CREATED = "2026-04-10T12:00:00Z"
SKILLS: list[Fields] = [
    {
        "id": "7b1d2c1e-4a53-4f7e-9a1b-0d5f6c7e8a90", "slug": "inventory-check", "name": "Inventory Check",
        "description": "Real-time inventory lookup and reorder alerts", "category": "automation", "version": "1.0.0",
        "installCount": 42, "isPublic": True,
        "toolDefinitions": [{"name": "check_stock", "description": "Look up current stock levels by SKU",
                             "inputSchema": {"type": "object", "properties": {"sku": {"type": "string"}}}}],
    },
    {
        "id": "0f9e8d7c-6b5a-4948-8776-655443322110", "slug": "legal-review", "name": "Legal Review",
        "description": None, "category": "domain", "version": "2.1.0", "installCount": 7, "isPublic": True,
    },
]  # fmt: skip
TOOLS: list[Fields] = [
    {
        "name": "check_stock", "description": "Look up current stock levels by SKU", "category": "automation",
        "inputSchema": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]},
        "permissionLevel": "user", "requiresApproval": False,
    }
]  # fmt: skip


def completion(fields: Fields) -> Fields:
    """The example response of "Create Completion", for a request's mode and metadata."""
    return {
        "id": "cmpl_abc123", "object": "completion", "created": CREATED, "content": "".join(WORDS),
        "mode": fields.get("mode", "auto"), "resolved_mode": resolved(fields), "model": MODEL, "tools_used": [],
        "artifacts": [], "follow_ups": FOLLOW_UPS, "usage": USAGE, "metadata": fields.get("metadata"),
    }  # fmt: skip


def openai_completion(fields: Fields) -> Fields:
    """The same in the OpenAI format."""
    message = {"role": "assistant", "content": "".join(WORDS)}
    usage = {"prompt_tokens": 12, "completion_tokens": 156, "total_tokens": 168}
    about = {"mode": "auto", "resolved_mode": "fast", "tools_used": [], "artifacts": [], "engine": "theo-core"}
    return {
        "id": "chatcmpl_abc123", "object": "chat.completion", "created": 1775822400, "model": "theo-1-flash",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage, "theo_metadata": about,
    }  # fmt: skip


def chat_chunk(content: str | None, finish_reason: str | None = None) -> Fields:
    """One ``chat.completion.chunk``."""
    delta = {} if content is None else {"content": content}
    return {
        "id": "chatcmpl_abc123", "object": "chat.completion.chunk", "created": 1775822400, "model": "theo-1-flash",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }  # fmt: skip


def images(fields: Fields) -> Fields:
    """The example response of "Generate Images", for as many images as asked; the prompt is expanded as it shows."""
    prompt = str(fields["prompt"])
    prompt += f" Style: {fields['style']}." if fields.get("style") else ""
    prompt += f" Aspect ratio: {fields['aspect_ratio']}." if fields.get("aspect_ratio") else ""
    made = [
        {"url": f"{ARTIFACTS}/img/abc123-{number}.png", "engine": "theo-vision",
         "model": "theo-1-create", "prompt": prompt}
        for number in range(1, int(fields.get("count", 1)) + 1)
    ]  # fmt: skip
    return {"id": "img_abc123", "created": CREATED, "images": made, "usage": {"cost_cents": 0.08}}


def document(fields: Fields) -> Fields:
    """A document of the format asked for."""
    form = fields.get("format", "pdf")
    return {
        "id": "doc_abc123", "created": CREATED, "format": form, "title": "Quarterly report",
        "download_url": f"{ARTIFACTS}/doc/abc123.{form}", "size_bytes": 48213,
        "content": "# Quarterly report\n\nRevenue rose.", "usage": {"cost_cents": 0.4},
    }  # fmt: skip


def job_started(id: str, job_id: str) -> Fields:
    """The 202 of research and video."""
    return {
        "id": id, "job_id": job_id, "status": "queued", "created": CREATED, "poll_url": f"/api/v1/jobs/{job_id}",
    }  # fmt: skip


def job(id: str, kind: str, status: str, progress: int, result: object = None, error: str | None = None) -> Fields:
    """One state of a job."""
    ended = CREATED if status in ("completed", "failed") else None
    return {
        "id": id, "type": kind, "status": status, "progress": progress, "result": result, "error": error,
        "created_at": CREATED, "completed_at": ended,
    }  # fmt: skip


RESULTS: dict[str, Fields] = {
    "research": {"report": "# Findings\n\nThree sources agree.", "sourceCount": 3},
    "video": {"videoUrl": f"{ARTIFACTS}/vid/abc123.mp4", "model": "theo-1-motion", "durationMs": 5000},
}


def conversation(number: int) -> Fields:
    """A stored conversation with two turns."""
    turns = [
        {"id": f"msg_{number}a", "role": "user", "content": "Hello", "createdAt": CREATED},
        {"id": f"msg_{number}b", "role": "assistant", "content": "Hello.", "createdAt": CREATED, "resolvedMode": "fast",
         "model": MODEL, "followUps": FOLLOW_UPS[:1], "costCents": 0.02},
    ]  # fmt: skip
    return {
        "id": f"conv_{number}", "title": f"Conversation {number}", "createdAt": CREATED, "updatedAt": CREATED,
        "messages": turns,
    }  # fmt: skip


def usage(start: str, end: str) -> Fields:
    """A usage report."""
    totals = {"requests": 3, "prompt_tokens": 36, "completion_tokens": 468, "total_tokens": 504, "cost_cents": 0.06}
    part = {"requests": 3, "cost_cents": 0.06}
    return {"period": {"from": start, "to": end}, "totals": totals, "by_mode": {"fast": part},
            "by_model": {"theo-1-flash": part}}  # fmt: skip


def resolved(fields: Fields) -> str:
    """The mode that answers; auto becomes fast."""
    mode = fields.get("mode", "auto")
    return "fast" if mode == "auto" else str(mode)
