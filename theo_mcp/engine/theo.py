"""Theo's API, answered by the pipeline."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from theo_mcp.backend import Caller, EventStream, Observe, check_prompt
from theo_mcp.engine import pipeline, respond
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.files import each_within, open_artifact, within
from theo_mcp.engine.routing import TABLE
from theo_mcp.engine.served import not_served
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.errors import TheoError, TimeoutExceededError
from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Gathered, Token
from theo_mcp.wire.model import Extension
from theo_mcp.wire.openai import ChatChoice, ChatCompletion, ChatUsage, FunctionDelta, Reasoned, ToolCallDelta
from theo_mcp.wire.parts import now
from theo_mcp.wire.service import Health, ModelEntry, Models, ProviderHealth

if TYPE_CHECKING:
    from theo_mcp.wire.files import Fetched

_KEY = "THEO_API_KEY"
_DESCRIPTIONS: dict[ResolvedMode, str] = {
    "fast": "Short, direct answers.",
    "think": "Answers with their reasoning.",
    "code": "Code, parsed before it is shown.",
    "roast": "Answers with humour.",
}


class EngineTheo:
    """The arm that answers on this machine; see `theo_mcp.backend.Theo` for what each method promises."""

    images = not_served("images", _KEY)
    document = not_served("document", _KEY)
    research = not_served("research", _KEY)
    video = not_served("video", _KEY)
    job = not_served("job", _KEY)
    wait_for_job = not_served("wait_for_job", _KEY)
    skills = not_served("skills", _KEY)
    install_skill = not_served("install_skill", _KEY)
    conversations = not_served("conversations", _KEY)
    conversation = not_served("conversation", _KEY)
    usage = not_served("usage", _KEY)

    def __init__(self, engine: Engine, caller: Caller = Caller()) -> None:
        self._engine = engine
        self._caller = caller

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        gathered = Gathered(request)
        tokens = 0
        with within(self._caller.deadline_s):
            async with self._run(request, observe) as events:
                async for event in events:
                    gathered.add(event)
                    if isinstance(event, Token):
                        tokens += 1
                        if observe is not None and tokens % 10 == 1:
                            observe(f"writing, {tokens} tokens")
        return gathered.completion(created=now())

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        answer = await self.complete(request, observe=observe)
        usage = answer.usage
        return ChatCompletion(
            id=answer.id.replace("cmpl_", "chatcmpl_"),
            created=respond.unix_time(answer.created),
            model=answer.model.id,
            choices=(
                ChatChoice(
                    message=Reasoned(content=answer.content, tool_calls=_pending(answer) or None),
                    finish_reason=answer.theo_mcp.finish_reason or "stop",
                ),
            ),
            usage=ChatUsage(
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                total_tokens=usage.total_tokens,
            ),
            theo_metadata={
                "mode": answer.mode,
                "resolved_mode": answer.resolved_mode,
                "tools_used": [tool.model_dump(exclude_none=True) for tool in answer.tools_used],
                "artifacts": [],
                "engine": answer.model.engine,
            },
            theo_mcp=answer.theo_mcp,
        )

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        async with self._run(request, None) as events:
            if self._caller.deadline_s is None:
                yield events
                return
            async with (
                aclosing(each_within(events, self._caller.deadline_s)) as limited,
                aclosing(_kept(limited)) as kept,
            ):
                yield kept

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        check_prompt(request.prompt, self._engine.settings.max_prompt_chars)
        hints = [f"Language: {request.language}."] if request.language else []
        hints += [f"Framework: {request.framework}."] if request.framework else []
        asked = CompletionRequest(prompt="\n".join([request.prompt, *hints]), mode="code")
        completion = await self.complete(asked, observe=observe)
        return respond.code(completion, request.language)

    async def models(self) -> Models:
        model = await self._engine.router.provider.model()
        entries = tuple(
            ModelEntry(
                mode=mode,
                model_id=model.id,
                label=model.label,
                engine=model.engine,
                description=_DESCRIPTIONS[mode],
            )
            for mode in TABLE
        )
        return Models(models=entries, theo_mcp=respond.about(model))

    async def health(self) -> Health:
        """Healthy where a model can answer; what is missing is in the notice. Nothing is started."""
        try:
            model = await self._engine.router.provider.check()
        except TheoError as error:
            providers, about = "unconfigured", Extension(backend="engine", notice=str(error))
        else:
            providers, about = "healthy", respond.about(model)
        return Health(
            status="healthy" if providers == "healthy" else "down",
            timestamp=now(),
            version=version("theo-mcp"),
            providers={"engine": ProviderHealth(status=providers)},
            theo_mcp=about,
        )

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await open_artifact(url, max_bytes)

    def for_caller(self, caller: Caller) -> EngineTheo:
        return EngineTheo(self._engine, caller)

    def _run(self, request: CompletionRequest, observe: Observe | None) -> EventStream:
        return pipeline.run(request, self._engine, self._caller, observe)


def _pending(answer: Completion) -> tuple[ToolCallDelta, ...]:
    """The calls that nobody here can carry out, as OpenAI's clients know them."""
    return tuple(
        ToolCallDelta(
            id=f"call_{number}",
            type="function",
            function=FunctionDelta(name=tool.name, arguments=json.dumps(tool.arguments, ensure_ascii=False)),
        )
        for number, tool in enumerate(answer.tools_used, 1)
        if tool.status == "pending"
    )


async def _kept(events: AsyncIterator[CompletionEvent]) -> AsyncGenerator[CompletionEvent, None]:
    """The same events; an error that ends them has the text so far."""
    text: list[str] = []
    try:
        async for event in events:
            if isinstance(event, Token):
                text.append(event.token)
            yield event
    except TimeoutExceededError as error:
        error.partial = "".join(text)
        raise
