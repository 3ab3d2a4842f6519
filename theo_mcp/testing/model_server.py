"""A scripted OpenAI-compatible server: models, streamed chat, and the faults that real servers have."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import anyio

from theo_mcp.testing.http import Exchange, Fields, HttpServer

ANSWER = ("```python\n", "def add(a, b):\n", "    return a + b\n", "```\n", "\nIt adds — ", "zażółć 🧮.")

_PROBED = '{"ok": true}'


@dataclass(frozen=True)
class Calls:
    """A turn in which the model calls tools, each by its name and its arguments (a str is sent as it is)."""

    calls: tuple[tuple[str, Fields | str], ...]
    text: str = ""
    """What it says before."""


class ModelServer(HttpServer):
    """The server. What it says is `pieces`, unless the request asks for the probe's or the brief's schema, or offers
    tools to a model that has `turns`."""

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(self._answer, port=port)
        self.models: list[str] = ["scripted-1b", "scripted-7b"]
        self.pieces: tuple[str, ...] = ANSWER
        self.script: list[tuple[str, ...]] = []
        """What the next chats without tools say, each once, before `pieces`; the probes are answered as ever."""
        self.finish = "stop"
        self.key: str | None = None
        self.refused_fields: set[str] = set()
        self.refuses_with = 400
        self.keeps_schemas = True
        self.filled: str | None = None
        """What it says where a schema is asked for, but for the probe's; by default a value for each property."""
        self.calls_tools = True
        """Otherwise tools in a request are ignored without a word, as llama.cpp does where the template lacks them."""
        self.sends_calls: Literal["pieces", "whole"] = "pieces"
        """In pieces, as OpenAI, vLLM and llama.cpp do; or each whole and all with the index 0, as Ollama did."""
        self.follows_words = False
        """Whether a model without schema and tools keeps to a JSON object that its system text asks for."""
        self.turns: list[Calls | tuple[str, ...]] = []
        """What the model does with tools, turn by turn; the last one again and again."""
        self.sends_usage = True
        self.silent_after: int | None = None
        """After so many pieces nothing comes any more; the client's closing ends it."""
        self.cut_after: int | None = None
        """After so many pieces the socket closes, without a finish reason and without [DONE]."""
        self.sends_role = False
        """Whether a chunk with the role alone comes first, as most servers send it."""
        self.endless = ""
        """What it goes on with up to the request's max_tokens, without one for ever; in the arguments of its call where
        it calls a tool."""
        self.keeps_limits = True
        """Otherwise max_tokens is passed over, as some servers do."""
        self.endless_shapes = ""
        """The same where a schema is asked for."""
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
            refusal = self.refuses_with
            await exchange.reply(refusal, {"error": {"message": f"Unsupported parameter: '{name}'", "code": "bad"}})
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
        pieces, finish, probed = self.pieces, self.finish, False
        if fields.get("tools") and self.calls_tools:
            probe = _obeyed(fields)
            turn, probed = probe or self._turn(), probe is not None
            pieces = (turn.text,) if isinstance(turn, Calls) else turn
            if isinstance(turn, Calls):
                finish = "tool_calls"
                for delta in _deltas(turn, whole=self.sends_calls == "whole"):
                    await exchange.event(_chunk(fields["model"], delta))
                pieces = ()
        elif "response_format" in fields and self.keeps_schemas:
            schema = fields["response_format"]["json_schema"]["schema"]
            pieces = _spoken(self._turn()) if "action" in schema["properties"] else (self._filled(schema),)
        elif self.follows_words and _asks_for_json(fields["messages"][0]):
            pieces = ("Sure:\n```json\n", *_spoken(self._turn()), "\n```")
        if self.script and pieces != (_PROBED,) and not fields.get("tools"):
            pieces = self.script.pop(0)
        for number, piece in enumerate(pieces):
            if number == self.silent_after:
                self.silent.set()
                await anyio.sleep_forever()
            if number == self.cut_after:
                return
            await exchange.event(_chunk(fields["model"], {"content": piece}))
        endless = self.endless or (self.endless_shapes if "response_format" in fields else "")
        limit = fields.get("max_tokens", math.inf) if self.keeps_limits else math.inf
        most = limit if endless and not probed and pieces != (_PROBED,) else 0
        while most > 0 and not exchange.closed.is_set():
            most -= 1
            more = {"index": 0, "function": {"arguments": endless}}
            said = {"tool_calls": [more]} if finish == "tool_calls" else {"content": endless}
            await exchange.event(_chunk(fields["model"], said))
        await exchange.event(_chunk(fields["model"], {}, finish))
        if self.sends_usage:
            usage = {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 7 + len(pieces)}
            await exchange.event({"id": "c1", "model": fields["model"], "choices": [], "usage": usage})
        await exchange.event("[DONE]")

    def _filled(self, schema: Fields) -> str:
        """What a model that keeps to a schema says."""
        if "ok" in schema["properties"]:
            return _PROBED
        return self.filled or json.dumps(_value("answer", schema))

    def _turn(self) -> Calls | tuple[str, ...]:
        return self.turns.pop(0) if len(self.turns) > 1 else self.turns[0] if self.turns else self.pieces


def _asks_for_json(message: Fields) -> bool:
    return message["role"] == "system" and "JSON object" in message["content"]


def _deltas(turn: Calls, *, whole: bool) -> Iterator[Fields]:
    yield {"role": "assistant", "content": turn.text or None}
    for index, (name, given) in enumerate(turn.calls):
        arguments = given if isinstance(given, str) else json.dumps(given)
        call = {"index": 0 if whole else index, "id": f"call_{index}a", "type": "function"}
        if whole:
            yield {"tool_calls": [{**call, "function": {"name": name, "arguments": arguments}}]}
            continue
        yield {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}
        for start in range(0, len(arguments), 5):
            yield {"tool_calls": [{"index": index, "function": {"arguments": arguments[start : start + 5]}}]}


def _obeyed(fields: Fields) -> Calls | None:
    """The call of a tool, where the user's words are to call it."""
    words = fields["messages"][-1]["content"]
    values = {"boolean": True, "number": 1, "integer": 1, "array": [], "object": {}}
    for function in (tool["function"] for tool in fields["tools"]):
        if words.startswith(f"Call {function['name']} "):
            properties = function["parameters"]["properties"]
            return Calls(
                ((function["name"], {name: values.get(of["type"], "text") for name, of in properties.items()}),)
            )
    return None


def _spoken(turn: Calls | tuple[str, ...]) -> tuple[str, ...]:
    """The turn as a JSON object, in pieces that cut its escapes."""
    if isinstance(turn, Calls):
        name, given = turn.calls[0]
        arguments = given if isinstance(given, str) else json.dumps(given)
        text = f'{{"action": {json.dumps(name)}, "arguments": {arguments}}}'
    else:
        text = json.dumps({"action": "answer", "answer": "".join(turn)})
    return tuple(text[start : start + 3] for start in range(0, len(text), 3))


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
