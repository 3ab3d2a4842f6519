"""A scripted OpenAI-compatible server: models, streamed chat, and the faults that real servers have."""

from __future__ import annotations

import json

import anyio

from theo_mcp.testing.http import Exchange, Fields, HttpServer

ANSWER = ("```python\n", "def add(a, b):\n", "    return a + b\n", "```\n", "\nIt adds — ", "zażółć 🧮.")


class ModelServer(HttpServer):
    """The server. What it says is `pieces`, unless the request asks for the probe's or the brief's schema."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(self._answer, port=port)
        self.models: list[str] = ["scripted-1b", "scripted-7b"]
        self.pieces: tuple[str, ...] = ANSWER
        self.finish = "stop"
        self.key: str | None = None
        self.refused_fields: set[str] = set()
        self.keeps_schemas = True
        self.filled: str | None = None
        """What it says where a schema is asked for, but for the probe's; by default a value for each property."""
        self.sends_usage = True
        self.silent_after: int | None = None
        """After so many pieces nothing comes any more; the client's closing ends it."""
        self.cut_after: int | None = None
        """After so many pieces the socket closes, without a finish reason and without [DONE]."""
        self.sends_role = False
        """Whether a chunk with the role alone comes first, as most servers send it."""
        self.gate: anyio.Event | None = None
        """What each answer waits for, where it is set, as long as a model takes to read a prompt."""
        self._changed = anyio.Event()
        self.at_work = self.most_at_work = 0
        """Chats that are being answered now, and the most that ever were at once."""
        self.silent = anyio.Event()
        """Set when `silent_after` has been reached."""

    @property
    def url(self) -> str:
        return self.origin + "/v1"

    @property
    def chats(self) -> list[Fields]:
        """The bodies of the chat requests so far."""
        return [request.json for request in self.requests if request.path == "/v1/chat/completions"]

    async def until_at_work(self, number: int) -> None:
        """Waits until so many chats are being answered."""
        while self.at_work != number:
            self._changed = anyio.Event()
            await self._changed.wait()

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
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self._changed.set()
        try:
            await self._stream(exchange, fields)
        finally:
            self.at_work -= 1
            self._changed.set()

    async def _stream(self, exchange: Exchange, fields: Fields) -> None:
        await exchange.start_events()
        if self.gate is not None:
            await self.gate.wait()
        if self.sends_role:
            await exchange.event(_chunk(fields["model"], {"role": "assistant", "content": ""}))
        pieces = self.pieces
        if "response_format" in fields and self.keeps_schemas:
            pieces = (self._filled(fields["response_format"]["json_schema"]["schema"]),)
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

    def _filled(self, schema: Fields) -> str:
        """What a model that keeps to a schema says."""
        if "ok" in schema["properties"]:
            return '{"ok": true}'
        return self.filled or json.dumps(_value("answer", schema))


def _chunk(model: str, delta: Fields, finish: str | None = None) -> Fields:
    return {"id": "c1", "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _value(name: str, schema: Fields) -> object:
    match schema.get("type"):
        case "object":
            return {each: _value(each, inner) for each, inner in schema.get("properties", {}).items()}
        case "array":
            return [_value(name, schema["items"])]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
        case _:
            return schema["enum"][0] if "enum" in schema else f"The {name} should be clear."
