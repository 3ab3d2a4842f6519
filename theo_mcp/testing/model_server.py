"""A scripted OpenAI-compatible server: models, streamed chat, and the faults that real servers have."""

from __future__ import annotations

import anyio

from theo_mcp.testing.http import Exchange, Fields, HttpServer

ANSWER = ("```python\n", "def add(a, b):\n", "    return a + b\n", "```\n", "\nIt adds — ", "zażółć 🧮.")

_PROBED = '{"ok": true}'


class ModelServer(HttpServer):
    """The server. What it says is `pieces`, unless the request asks for the probe's or the brief's schema."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.models: list[str] = ["scripted-1b", "scripted-7b"]
        self.pieces: tuple[str, ...] = ANSWER
        self.script: list[tuple[str, ...]] = []
        """What the next chats without tools say, each once, before `pieces`; the probes are answered as ever."""
        self.finish = "stop"
        self.key: str | None = None
        self.refused_fields: set[str] = set()
        self.keeps_schemas = True
        self.sends_usage = True
        self.silent_after: int | None = None
        """After so many pieces nothing comes any more; the client's closing ends it."""
        self.cut_after: int | None = None
        """After so many pieces the socket closes, without a finish reason and without [DONE]."""
        self.silent = anyio.Event()
        """Set when `silent_after` has been reached."""

    @property
    def url(self) -> str:
        return self.origin + "/v1"

    @property
    def chats(self) -> list[Fields]:
        """The bodies of the chat requests so far."""
        return [request.json for request in self.requests if request.path == "/v1/chat/completions"]

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            await exchange.reply(401, {"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}})
        elif (request.method, request.path) == ("GET", "/v1/models"):
            rows = [{"id": name, "object": "model"} for name in self.models]
            await exchange.reply(200, {"object": "list", "data": rows})
        elif (request.method, request.path) == ("POST", "/v1/chat/completions"):
            await self._chat(exchange, request.json)
        else:
            await exchange.reply(404, {"error": {"message": "no such path"}})

    async def _chat(self, exchange: Exchange, fields: Fields) -> None:
        for name in sorted(self.refused_fields & set(fields)):
            await exchange.reply(400, {"error": {"message": f"Unsupported parameter: '{name}'", "code": "bad"}})
            return
        if fields["model"] not in self.models:
            await exchange.reply(404, {"error": {"message": f"model {fields['model']} not found"}})
            return
        await exchange.start_events()
        pieces = self.pieces
        if "response_format" in fields and self.keeps_schemas:
            pieces = (_filled(fields["response_format"]["json_schema"]["schema"]),)
        if self.script and pieces != (_PROBED,) and not fields.get("tools"):
            pieces = self.script.pop(0)
        for number, piece in enumerate(pieces):
            if number == self.silent_after:
                self.silent.set()
                await anyio.sleep_forever()
            if number == self.cut_after:
                return
            await exchange.event(_chunk(fields["model"], {"content": piece}))
        await exchange.event(_chunk(fields["model"], {}, self.finish))
        if self.sends_usage:
            usage = {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 7 + len(pieces)}
            await exchange.event({"id": "c1", "model": fields["model"], "choices": [], "usage": usage})
        await exchange.event("[DONE]")


def _chunk(model: str, delta: Fields, finish: str | None = None) -> Fields:
    return {"id": "c1", "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _filled(schema: Fields) -> str:
    """What a model that keeps to a schema says: a value for each property."""
    if "ok" in schema["properties"]:
        return _PROBED
    parts = [f'"{name}": "The {name} should be clear."' for name in schema["properties"]]
    return "{" + ", ".join(parts) + "}"
