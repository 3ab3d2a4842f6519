"""GetCode as its API reference describes it: generate, improve and upload; its errors are a string."""

from __future__ import annotations

import base64
import binascii

import anyio

from theo_mcp.testing.http import Exchange, Fields, HttpServer

KEY = "gc_0123456789abcdef0123456789abcdef"
OUTPUT_TYPES = ("website", "chart", "api", "email", "pdf", "excel", "word", "powerpoint", "video", "image")
LANGUAGES = ("auto", "html", "react", "vue", "typescript", "python", "nodejs", "php")
MIME_TYPES = ("application/pdf", "image/jpeg", "image/png", "image/webp", "image/gif")
PIECES = ["<!doctype html>", "<h1>Bäckerei", " 🥐</h1>"]

_FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "/api/generate": ({"prompt", "outputType"}, {"originalPrompt", "language"}),
    "/api/improve": ({"prompt", "outputType"}, set()),
    "/api/upload": ({"fileData", "mimeType", "fileName", "outputType"}, set()),
}
"""Required and optional fields; any other is refused, so that a test finds what would be lost without a word."""


class FakeGetCode(HttpServer):
    """The service. Each attribute is a knob."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.pieces = list(PIECES)
        """The tokens of every generation. One may end in half a character, as JavaScript sends it."""
        self.named_events = False
        """Whether events have a name beside their ``type``; the reference does not say."""
        self.queued: str | None = None
        """The notice of a free account's queue."""
        self.error_after: int | None = None
        """After so many tokens the generation fails."""
        self.cut_after: int | None = None
        """After so many tokens the stream ends without a word."""
        self.silent_after: int | None = None
        """After so many tokens nothing comes any more; the client's closing ends it."""
        self.silent = anyio.Event()
        """Set when `silent_after` has been reached."""
        self.refusal: tuple[int, str] | None = None
        """A status and a message for every call, such as those of a plan that may not call this."""

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if request.headers.get("authorization") != f"Bearer {KEY}":
            await exchange.reply(401, {"error": "Invalid API key"})
        elif request.method != "POST" or request.path not in _FIELDS:
            await exchange.reply(404, {"error": "Not found"})
        elif self.refusal is not None:
            await exchange.reply(self.refusal[0], {"error": self.refusal[1]})
        elif problem := _problem(request.path, request.json):
            await exchange.reply(400, {"error": problem})
        elif request.path == "/api/generate":
            await self._generate(exchange)
        elif request.path == "/api/improve":
            improved = f"{request.json['prompt']} with responsive nav and clear sections."
            await exchange.reply(200, {"improved": improved, "tokensUsed": 312})
        else:
            await exchange.reply(200, _analysed(request.json))

    async def _generate(self, exchange: Exchange) -> None:
        await exchange.start_events()
        if self.queued is not None:
            await self._event(exchange, {"type": "queue", "message": self.queued})
        for number, piece in enumerate([*self.pieces, None]):
            if number == self.silent_after:
                self.silent.set()
                await anyio.sleep_forever()
            if number == self.error_after:
                await self._event(exchange, {"type": "error", "message": "The model is overloaded"})
                return
            if number == self.cut_after:
                return
            if piece is not None:
                await self._event(exchange, {"type": "token", "text": piece})
        await self._event(exchange, {"type": "done", "tokensUsed": 4821, "model": "getcode-1"})

    async def _event(self, exchange: Exchange, fields: Fields) -> None:
        await exchange.event(fields, fields["type"] if self.named_events else None)


def _problem(path: str, fields: object) -> str | None:
    required, optional = _FIELDS[path]
    if not isinstance(fields, dict) or not required <= set(fields):
        return f"{' and '.join(sorted(required))} are required"
    if unknown := set(fields) - required - optional:
        return f"unknown field {sorted(unknown)[0]}"
    if not all(isinstance(value, str) and value for value in fields.values()):
        return "every field is a non-empty string"
    allowed = {"outputType": OUTPUT_TYPES, "language": LANGUAGES, "mimeType": MIME_TYPES}
    for name, words in allowed.items():
        if name in fields and fields[name] not in words:
            return f"invalid {name}"
    return _file_problem(fields) if path == "/api/upload" else None


def _file_problem(fields: Fields) -> str | None:
    if "." not in fields["fileName"]:
        return "fileName has no extension"
    try:
        base64.b64decode(fields["fileData"], validate=True)
    except binascii.Error:
        return "fileData is not base64"
    return None


def _analysed(fields: Fields) -> Fields:
    kind = "document" if fields["mimeType"] == "application/pdf" else "image"
    prompt = f"Generate a {fields['outputType']} like {fields['fileName']} with..."
    return {"analysedPrompt": prompt, "fileName": fields["fileName"], "fileType": kind}
