"""Any server that speaks the OpenAI chat API: Ollama, llama.cpp, vLLM, LM Studio, OpenAI and our own model child."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from urllib.parse import urlsplit

import anyio

from theo_mcp import errors
from theo_mcp.backend import Observe
from theo_mcp.engine.providers import Capabilities, ServedModel
from theo_mcp.http.address import checked_base_url, is_loopback
from theo_mcp.http.answer import WHOLE_REPLY
from theo_mcp.http.client import Events, HttpClient
from theo_mcp.http.envelope import parse as parse_error
from theo_mcp.http.options import Limits, Options, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.secret import Secret
from theo_mcp.wire.model import read_json
from theo_mcp.wire.openai import (
    CallParts,
    ChatChunk,
    ChatCompletion,
    ChatMessage,
    ChatParser,
    ChatRequest,
    ChunkChoice,
    Delta,
    Function,
    FunctionTool,
    ModelList,
    StreamOptions,
)

_TOO_LONG = ("exceed_context_size_error", "context_length_exceeded")
_LONGEST_PROBE = 1024
"""Pieces of an answer to a probe that are waited for, where a server passes over max_tokens."""
_PROBE_SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}


_PROBE_TOOL = FunctionTool(
    function=Function(
        name="report_ready",
        description="Reports whether you are ready.",
        parameters={"type": "object", "properties": {"ready": {"type": "boolean"}}, "required": ["ready"]},
    )
)


class OpenAICompatible:
    """A model server by its base URL; `/v1` is added to a URL without a path. `billed` says that a generation there
    costs money: without it, whatever is on another machine does. `setting` is where the URL stands.

    Raises:
        ConfigError: the URL is not one.
    """

    def __init__(
        self,
        url: str,
        key: Secret | None = None,
        *,
        model: str | None = None,
        timeouts: Timeouts = Timeouts(),
        retries: RetryPolicy = RetryPolicy(),
        limits: Limits = Limits(),
        service: str = "The model server",
        billed: bool | None = None,
        setting: str = "engine_url",
    ) -> None:
        base = checked_base_url(url, setting, allow_insecure_http=True)
        self._url = base if urlsplit(base).path else base + "/v1"
        local = is_loopback(self._url)
        policy = RetryPolicy(retries=0) if local else retries  # what fails on this machine fails again at once
        options = Options(timeouts=timeouts, limits=limits, policy=policy)
        self.billed = not local if billed is None else billed
        self._http = HttpClient(self._url, key, service=service, billed=self.billed, options=options)
        self._check_within = min(4.0, timeouts.whole)
        self._wanted = model
        self._first: str | None = None
        self._capabilities: dict[str, Capabilities] = {}
        self._probing = anyio.Lock()
        self._refused: dict[str, set[str]] = {}  # by model: request fields that were seen to be refused

    async def models(self, *, timeout: float | None = None) -> list[str]:
        """The ids that the server lists."""
        listed = await self._http.json("GET", "/models", ModelList, timeout=timeout)
        return [entry.id for entry in listed.data if entry.id]

    async def model(self, observe: Observe | None = None) -> ServedModel:
        """The configured model, else the first that the server lists."""
        name = self._wanted or self._first
        if name is None:
            names = await self.models()
            if not names:
                raise errors.NotAvailableError(
                    f"The model server at {self._url} lists no model.",
                    code="no_model",
                    hint="Load one there (`ollama pull …`), or name one with --engine-model.",
                )
            name = self._first = names[0]
        return self.served(name)

    async def check(self) -> ServedModel:
        """The model, after asking the server; one without a list of models is taken at its word."""
        try:
            names = await self.models(timeout=self._check_within)
        except errors.NotFoundError:
            names = [self._wanted] if self._wanted else []
        if not names:
            return await self.model()
        if self._wanted and self._wanted not in names:
            raise errors.NotAvailableError(
                f"The model server at {self._url} does not list the model {self._wanted[:80]!r}.",
                code="no_model",
                hint=f"It lists: {', '.join(names[:5])}.",
            )
        return self.served(self._wanted or self._first or names[0])

    def served(self, name: str) -> ServedModel:
        """The model called `name`, as one of this server's."""
        return ServedModel(name, name, "openai-compatible", is_loopback(self._url), draft=False, source=self._url)

    @asynccontextmanager
    async def chat(
        self, request: ChatRequest, observe: Observe | None = None
    ) -> AsyncIterator[AsyncIterator[ChatChunk]]:
        """A streamed chat. A field that the server refuses with a 400 is left out from then on: nothing ran yet."""
        answering = False
        while True:
            asked = self._accepted(request)
            try:
                async with self._http.events("/chat/completions", asked.body()) as events:
                    answering = True
                    async with aclosing(_chunks(events)) as chunks:
                        yield chunks
                return
            except errors.BadRequestError as error:
                if answering or not self._learn(error, asked):
                    raise _plain(error) from None
            except errors.NotFoundError as error:
                raise errors.NotAvailableError(
                    f"The model server at {self._url} has no model {request.model[:80]!r}: {error.message}",
                    code="no_model",
                    hint="Name one that it has with --engine-model.",
                    attempts=1,
                ) from None

    async def capabilities(self, model: str) -> Capabilities:
        """Asks once for an answer in the shape of a schema and once for a call of a tool, and looks what comes."""
        async with self._probing:
            if model not in self._capabilities:
                self._capabilities[model] = Capabilities(
                    schema=await self._keeps_a_schema(model), tools=await self._calls_tools(model)
                )
            return self._capabilities[model]

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _keeps_a_schema(self, model: str) -> bool:
        request = ChatRequest(
            model=model,
            messages=(ChatMessage(role="user", content='Answer with the JSON object {"ok": true}.'),),
            max_tokens=32,
            response_format={"type": "json_schema", "json_schema": {"name": "probe", "schema": _PROBE_SCHEMA}},
        )
        text = "".join(delta.content or "" for delta in await self._probed(request))
        return re.fullmatch(r'\s*\{\s*"ok"\s*:\s*(true|false)\s*\}\s*', text) is not None

    async def _calls_tools(self, model: str) -> bool:
        request = ChatRequest(
            model=model,
            messages=(ChatMessage(role="user", content="Call report_ready with ready set to true."),),
            max_tokens=256,  # some models think first
            tools=(_PROBE_TOOL,),  # and no tool_choice: vLLM may take "required" and refuse what the loop needs
        )
        parts = CallParts()
        for delta in await self._probed(request):
            parts.add(delta)
        for call in parts.calls():
            try:
                if call.function.name == _PROBE_TOOL.function.name:
                    return isinstance(read_json(call.function.arguments), dict)
            except ValueError:
                return False
        return False

    async def _probed(self, request: ChatRequest) -> list[Delta]:
        """What comes; nothing where the server refuses. (llama.cpp without --jinja answers tools with a 500.)"""
        deltas: list[Delta] = []
        try:
            async with self.chat(request) as chunks:
                async for chunk in chunks:
                    deltas += [choice.delta for choice in chunk.choices[:1]]
                    if len(deltas) >= _LONGEST_PROBE:
                        break
        except (errors.BadRequestError, errors.ModelError):
            return []
        except errors.ServiceError as error:
            if error.status not in (500, 501):  # others pass, and say nothing of the model
                raise
            return []
        return deltas

    def _accepted(self, request: ChatRequest) -> ChatRequest:
        update: dict[str, object] = {"stream": True, "stream_options": StreamOptions()}
        refused = self._refused.get(request.model, set())
        if "max_tokens" in refused:
            update |= {"max_completion_tokens": request.max_tokens}
        update |= dict.fromkeys(refused)
        return request.model_copy(update=update)

    def _learn(self, error: errors.BadRequestError, asked: ChatRequest) -> bool:
        """Whether the refusal names a field that we can do without; what the caller set is never dropped."""
        refused = self._refused.setdefault(asked.model, set())
        for name in ("max_tokens", "stream_options", "repeat_penalty"):
            if name in error.message and getattr(asked, name) is not None and name not in refused:
                refused.add(name)
                return True
        return False


async def _chunks(events: Events) -> AsyncGenerator[ChatChunk, None]:
    text: list[str] = []
    began = finished = False
    parser = ChatParser()
    try:
        async for event in events:
            if not event.data.strip():
                continue
            if event.data.strip() == "[DONE]":
                finished = began
                events.ended()
                break
            if event.event == WHOLE_REPLY:
                yield _whole(ChatCompletion.model_validate(read_json(event.data)))
                return
            try:
                chunk = parser.parse(event.data)
            except ValueError:
                raise errors.ProtocolError("The model server sent an event that is not JSON.", attempts=1) from None
            if (chunk.model_extra or {}).get("error") or chunk.object == "error" or event.event == "error":
                message, code, _ = parse_error(event.data.encode())
                raise errors.ModelError(message or "The model server failed.", code=code, attempts=1)
            for choice in chunk.choices:
                began = True
                text.append(choice.delta.content or "")
                finished = finished or choice.finish_reason is not None
            yield chunk
        if not finished:
            raise errors.StreamError(
                "The model server's stream ended before the answer was complete.",
                hint="The server may have crashed or been stopped; call again.",
                attempts=1,
            )
        if (rest := parser.rest()) is not None:
            yield rest
    except errors.TheoError as error:
        error.partial = "".join(text)
        raise


def _whole(answer: ChatCompletion) -> ChatChunk:
    """An answer that came whole, from a server that does not stream."""
    choices = tuple(
        ChunkChoice(
            delta=Delta(content=choice.message.content, tool_calls=choice.message.tool_calls or ()),
            finish_reason=choice.finish_reason or "stop",
        )
        for choice in answer.choices[:1]
    )
    return ChatChunk(id=answer.id, model=answer.model, choices=choices, usage=answer.usage)


def _plain(error: errors.BadRequestError) -> errors.TheoError:
    """A prompt beyond the model's context, said with both numbers; else the error as it is."""
    if error.code not in _TOO_LONG and "maximum context length" not in error.message:
        return error
    numbers = sorted(int(found) for found in re.findall(r"(\d+) tokens", error.message))
    said = (
        f"The prompt has {numbers[-1]} tokens, and the model's context holds {numbers[0]}."
        if len(numbers) >= 2
        else f"The prompt does not fit the model's context: {error.message}"
    )
    return errors.InputError(
        said,
        code="prompt_too_long",
        hint="Shorten the prompt or its history, or use a model with a larger context.",
        attempts=1,
    )
