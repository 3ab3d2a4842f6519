"""GetCode's API, answered by the engine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from theo_mcp.backend import Caller, Observe, check_prompt
from theo_mcp.engine import counting, loop, respond
from theo_mcp.engine.deadline import Deadline, within
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.files import open_artifact
from theo_mcp.engine.memory.audit import Request
from theo_mcp.engine.routing import Route
from theo_mcp.engine.served import not_served
from theo_mcp.wire.getcode import GenerateEvent, GenerateRequest, GenerateToken, Improved, ImproveRequest
from theo_mcp.wire.model import read_json
from theo_mcp.wire.openai import ChatMessage, ChatUsage
from theo_mcp.wire.words import OutputType

if TYPE_CHECKING:
    from theo_mcp.wire.files import Fetched

_KEY: Final = "GETCODE_API_KEY"
_SLOTS: Final[dict[OutputType, tuple[str, ...]]] = {
    "website": ("purpose", "audience", "sections", "visual style"),
    "chart": ("purpose", "data", "axes", "visual style"),
    "api": ("purpose", "resources", "endpoints", "error handling"),
    "email": ("purpose", "audience", "message", "tone"),
    "pdf": ("purpose", "audience", "sections", "tone"),
    "excel": ("purpose", "columns", "calculations", "layout"),
    "word": ("purpose", "audience", "sections", "tone"),
    "powerpoint": ("purpose", "audience", "slides", "tone"),
    "video": ("purpose", "audience", "scenes", "mood"),
    "image": ("subject", "composition", "colours", "mood"),
}
_SYSTEM: Final = "You write short requirements. Answer with one sentence."
_WHOLE: Final = re.compile(r".*\w.*?[.!?](?=\s|$)")
_SLOT_TOKENS: Final = 80
_SLOT_CHARS: Final = 300
_LINE_CHARS: Final = 1000  # what a model in a loop adds beyond that is no requirement


class EngineGetCode:
    """The arm that answers on this machine; see `theo_mcp.backend.GetCode` for what each method promises."""

    upload = not_served("upload", _KEY)

    def __init__(self, engine: Engine, caller: Caller = Caller()) -> None:
        self._engine = engine
        self._caller = caller

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        """The user's words first, as they are; every further line is the model's. A slot that the model leaves without
        a whole sentence is left out."""
        with self.began("improve").under_way() as noted:
            check_prompt(request.prompt, self._engine.settings.max_prompt_chars)
            way = await self._engine.router.route("fast", observe=observe, caller=self._caller)
            noted.answers("improve", way.model)
            small = way.model.draft or not (await way.provider.capabilities(way.model.id)).schema
            fill = _one_by_one if small else _at_once
            with within(self._caller.deadline_s):
                lines, counted = await fill(way, request, observe)
            used = respond.usage(counted, way.model)
            noted.done(used)
        return Improved(
            improved="\n".join([request.prompt, *_distinct(lines)]),
            tokensUsed=counted.total_tokens or 0,
            theo_mcp=respond.about(way.model, notices=way.notices, cost_cents=used.cost_cents),
        )

    @asynccontextmanager
    async def generate(self, request: GenerateRequest) -> AsyncIterator[AsyncIterator[GenerateEvent]]:
        """Website, api, email and chart as their source; what has to be rendered raises `NotAvailableError`."""
        from theo_mcp.engine import making
        from theo_mcp.engine.making import generation

        async with AsyncExitStack() as stack:
            noted = stack.enter_context(self.began("generate").under_way())
            check_prompt(request.prompt, self._engine.settings.max_prompt_chars)
            how = making.making_of(request.output_type)
            wish = making.Wish(request.prompt, request.language or "auto")
            events = await stack.enter_async_context(
                generation.run(how, wish, self._engine, noted, original_prompt=request.original_prompt)
            )
            if self._caller.deadline_s is None:
                yield events
                return
            yield await stack.enter_async_context(aclosing(Deadline(self._caller.deadline_s).each(events, _text)))

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await open_artifact(url, max_bytes)

    def for_caller(self, caller: Caller) -> EngineGetCode:
        return EngineGetCode(self._engine, caller)

    def began(self, method: str) -> Request:
        return self._engine.memory.account.began(self._caller, method, method)


def _text(event: GenerateEvent) -> str:
    return event.text if isinstance(event, GenerateToken) else ""


async def _one_by_one(way: Route, request: ImproveRequest, observe: Observe | None) -> tuple[list[str], ChatUsage]:
    """A question a slot: what a small model can do."""
    way = replace(way, max_tokens=_SLOT_TOKENS)
    lines: list[str] = []
    counted: list[ChatUsage] = []
    for slot in _SLOTS[request.output_type]:
        if observe is not None:
            observe(f"writing about the {slot}")
        question = (
            f"A person asks for a {request.output_type}: {request.prompt}\n\n"
            f"Write one sentence that says what its {slot} should be."
        )
        step = await loop.whole(way, _chat(question), observe=observe)
        lines.append(step.text)
        counted.append(step.usage)
    return lines, counting.total(counted)


async def _at_once(way: Route, request: ImproveRequest, observe: Observe | None) -> tuple[list[str], ChatUsage]:
    """One request for all slots, in the shape of a schema: cheaper where a model keeps to it."""
    slots = _SLOTS[request.output_type]
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {slot: {"type": "string", "maxLength": _SLOT_CHARS} for slot in slots},
        "required": list(slots),
        "additionalProperties": False,
    }
    question = (
        f"A person asks for a {request.output_type}: {request.prompt}\n\n"
        f"For each of {', '.join(slots)}: write one sentence that says what it should be. Answer as a JSON object."
    )
    step = await loop.whole(
        way,
        _chat(question),
        response_format={"type": "json_schema", "json_schema": {"name": "brief", "schema": schema}},
        observe=observe,
    )
    try:
        filled = read_json(step.text)
    except ValueError:
        filled = {}
    values = [filled.get(slot) for slot in slots] if isinstance(filled, dict) else []
    return [value for value in values if isinstance(value, str)], step.usage


def _chat(question: str) -> tuple[ChatMessage, ...]:
    return (ChatMessage(role="system", content=_SYSTEM), ChatMessage(role="user", content=question))


def _distinct(lines: list[str]) -> list[str]:
    """The whole sentences of each line, cut behind the last one, without lines that say the same again."""
    kept: dict[str, str] = {}
    for line in lines:
        whole = _WHOLE.match(" ".join(line[:_LINE_CHARS].split()))
        if whole:
            text = whole[0]
            kept.setdefault(re.sub(r"\W+", " ", text.lower()), text)
    return list(kept.values())
