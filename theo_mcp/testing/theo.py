"""Theo as its documents describe it: the endpoints that we call, with their validation and errors."""

from __future__ import annotations

import ssl

import anyio

from theo_mcp.testing.http import Exchange, Fields, HttpServer

KEY = "theo_sk_test_0123456789abcdef"

# The page "Create Completion", request body; and the SDK's inline conversation.
COMPLETION_FIELDS = {
    "prompt", "mode", "stream", "conversation_id", "skills", "tools", "persona", "temperature", "max_iterations",
    "model_overrides", "format", "metadata", "component_library", "conversation",
}  # fmt: skip
MODES = {"auto", "fast", "think", "code", "image", "video", "research", "roast", "genui"}
MODEL = {"id": "theo-1-flash", "label": "Theo Flash", "engine": "theo-core"}
FOLLOW_UPS = [
    {"label": "Compare with monoliths", "prompt": "Compare microservices vs monolithic architecture"},
    {"label": "Service mesh", "prompt": "Explain service mesh in microservices"},
]
WORDS = ["Microservices ", "architecture ", "is a design ", "pattern — ", "ein Muster 🧩."]
USAGE = {"cost_cents": 0.02, "prompt_tokens": 12, "completion_tokens": 156, "total_tokens": 168}
CODE = "export function authMiddleware(req, res, next) {\n  next();\n}"


class FakeTheo(HttpServer):
    """The service. `key` is the one it accepts."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._answer, tls=tls)
        self.key = KEY
        self.silent_after: int | None = None
        """After so many tokens nothing comes any more; the client's closing ends it."""
        self.silent = anyio.Event()
        """Set when `silent_after` has been reached."""

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.path == "/api/v1/health":
            providers = {"core": {"status": "healthy"}}
            await exchange.reply(200, {"status": "healthy", "timestamp": "t", "version": "1", "providers": providers})
        elif request.headers.get("authorization") != f"Bearer {self.key}":
            await refuse(exchange, 401, "invalid_api_key", "Missing or invalid API key", "authentication_error")
        elif (request.method, request.path) == ("GET", "/api/v1/models"):
            row = {"mode": "fast", "model_id": "theo-1-flash", "label": "Theo Flash", "engine": "theo-core"}
            await exchange.reply(200, {"models": [row | {"description": "Quick."}]})
        elif (request.method, request.path) == ("POST", "/api/v1/code"):
            await self._code(exchange, request.json)
        elif (request.method, request.path) == ("POST", "/api/v1/completions"):
            await self._complete(exchange, request.json)
        else:
            await refuse(exchange, 404, "not_found", "Not found", "not_found_error")

    async def _code(self, exchange: Exchange, fields: Fields) -> None:
        if not fields.get("prompt"):
            await refuse(exchange, 400, "missing_prompt", "prompt is required")
        elif set(fields) - {"prompt", "language", "framework"}:
            await refuse(exchange, 400, "validation_error", "unknown field")
        else:
            usage = {"cost_cents": 0.05}
            made = {"id": "code_abc123", "created": "2026-04-10T12:00:00Z", "content": CODE}
            await exchange.reply(200, made | {"artifacts": [], "tools_used": [], "usage": usage})

    async def _complete(self, exchange: Exchange, fields: Fields) -> None:
        if problem := _problem(fields):
            await refuse(exchange, 400, "validation_error", problem)
        elif fields.get("conversation_id") == "unknown":
            await refuse(exchange, 404, "not_found", "Conversation ID not found", "not_found_error")
        elif fields.get("stream"):
            await self._stream(exchange, fields)
        elif fields.get("format") == "openai":
            await exchange.reply(200, openai_completion(fields))
        else:
            await exchange.reply(200, completion(fields))

    async def _stream(self, exchange: Exchange, fields: Fields) -> None:
        await exchange.start_events()
        await exchange.event(".", "thinking")
        resolved = _resolved(fields)
        await exchange.event(
            {"id": "cmpl_abc123", "mode": fields.get("mode", "auto"), "resolved_mode": resolved, "model": MODEL,
             "tools": [], "artifacts": [], "conversation_id": None, "request_id": "req_1"},
            "meta",
        )  # fmt: skip
        await exchange.event({"something": "new"}, "of_the_future")
        for number, word in enumerate(WORDS):
            if number == self.silent_after:
                self.silent.set()
                await anyio.sleep_forever()
            await exchange.event({"token": word}, "token")
        await exchange.event(
            {"id": "cmpl_abc123", "content": "".join(WORDS), "follow_ups": FOLLOW_UPS, "usage": USAGE,
             "conversation_id": None, "request_id": "req_1"},
            "done",
        )  # fmt: skip


async def refuse(exchange: Exchange, status: int, code: str, message: str, kind: str = "invalid_request_error") -> None:
    """An error in Theo's envelope."""
    error = {"message": message, "type": kind, "code": code, "request_id": "req_err"}
    await exchange.reply(status, {"error": error}, x_request_id="req_err")


def completion(fields: Fields) -> Fields:
    """The page's example response, for a request's mode and metadata."""
    return {
        "id": "cmpl_abc123", "object": "completion", "created": "2026-04-10T12:00:00Z", "content": "".join(WORDS),
        "mode": fields.get("mode", "auto"), "resolved_mode": _resolved(fields), "model": MODEL, "tools_used": [],
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


def _resolved(fields: Fields) -> str:
    mode = fields.get("mode", "auto")
    return "fast" if mode == "auto" else str(mode)


def _problem(fields: Fields) -> str | None:
    if not isinstance(fields.get("prompt"), str) or not fields["prompt"]:
        return "prompt must be a non-empty string"
    if unknown := set(fields) - COMPLETION_FIELDS:
        return f"unknown field {sorted(unknown)[0]}"
    if fields.get("mode", "auto") not in MODES:
        return "invalid mode"
    if not 0 <= fields.get("temperature", 1) <= 2:
        return "temperature must be between 0 and 2"
    if not 1 <= fields.get("max_iterations", 8) <= 20:
        return "max_iterations must be between 1 and 20"
    persona = fields.get("persona", "theo")
    if persona not in ("theo", "none") and set(persona) != {"system_prompt"}:
        return "invalid persona"
    return None
