"""Theo's API, answered by the pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, aclosing, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING

from theo_mcp.backend import Caller, Observe, ObserveJob, UsageScope
from theo_mcp.engine import respond
from theo_mcp.engine.deadline import Deadline, within
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.files import open_artifact
from theo_mcp.engine.memory.answering import answered
from theo_mcp.engine.memory.audit import Request
from theo_mcp.engine.served import not_served
from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
from theo_mcp.wire.chats import chat_of
from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Gathered, Token
from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest
from theo_mcp.wire.model import Extension
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.parts import now
from theo_mcp.wire.service import Health, Models
from theo_mcp.wire.skills import ToolEntry, Tools

if TYPE_CHECKING:
    from theo_mcp.wire.files import Fetched
    from theo_mcp.wire.skills import Skill, SkillChange, SkillList
    from theo_mcp.wire.words import SkillFilter

_KEY = "THEO_API_KEY"


class EngineTheo:
    """The arm that answers on this machine; see `theo_mcp.backend.Theo` for what each method promises."""

    images = not_served("images", _KEY)
    document = not_served("document", _KEY)
    video = not_served("video", _KEY)

    def __init__(self, engine: Engine, caller: Caller = Caller()) -> None:
        self._engine = engine
        self._caller = caller

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        return await self._complete(request, observe, "completions")

    async def _complete(self, request: CompletionRequest, observe: Observe | None, method: str) -> Completion:
        gathered = Gathered(request)
        tokens = 0
        with self._noted(request, method) as noted, within(self._caller.deadline_s):
            async with answered(request, self._engine, noted, observe) as events:
                async for event in events:
                    gathered.add(event)
                    if isinstance(event, Token):
                        tokens += 1
                        if observe is not None and tokens % 10 == 1:
                            observe(f"writing, {tokens} tokens")
        return gathered.completion(created=now())

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        return chat_of(await self.complete(request, observe=observe))

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        deadline = Deadline(self._caller.deadline_s)
        async with AsyncExitStack() as stack:
            noted = stack.enter_context(self._noted(request, "completions"))
            with deadline.kept():  # the model may be silent before its first word, too
                events = await stack.enter_async_context(answered(request, self._engine, noted))
            if self._caller.deadline_s is not None:
                events = await stack.enter_async_context(aclosing(deadline.each(events, _text)))
            yield events

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        lines = [request.prompt]
        if request.prompt.strip():  # else it is refused, as an empty prompt is
            lines += [f"Language: {request.language}."] if request.language else []
            lines += [f"Framework: {request.framework}."] if request.framework else []
        asked = CompletionRequest(prompt="\n".join(lines), mode="code")
        completion = await self._complete(asked, observe, "code")
        return respond.code(completion, request.language)

    async def skills(self, filter: SkillFilter | None = None) -> SkillList:
        return await self._engine.shelf.skills(filter, self._caller)

    async def skill(self, slug_or_id: str) -> Skill:
        return await self._engine.shelf.skill(slug_or_id)

    async def install_skill(self, slug_or_id: str) -> SkillChange:
        return await self._engine.shelf.install(slug_or_id, self._caller)

    async def uninstall_skill(self, slug_or_id: str) -> SkillChange:
        return await self._engine.shelf.uninstall(slug_or_id, self._caller)

    async def tools(self) -> Tools:
        """The built-in tools that may be used here; those of requests and skills are known by them alone."""
        from theo_mcp.engine.tools import Context, all_tools

        context = Context(self._engine.settings, self._caller.tenant)
        return Tools(
            tools=tuple(
                ToolEntry(
                    name=tool.name,
                    description=tool.description,
                    input_schema=tool.input_schema,
                    category="built-in",
                    permission_level="write" if tool.effects else "read",
                )
                for tool in all_tools().values()
                if tool.available(context)
            ),
            theo_mcp=Extension(backend="engine"),
        )

    async def research(self, request: ResearchRequest, *, observe: Observe | None = None) -> JobStarted:
        from theo_mcp.engine.research import job

        with self.began("research").under_way() as noted:
            work = job.work_of(request, self._engine, self._caller)
            return await self._engine.memory.jobs.start("research", work, noted, "A research")

    async def job(self, job_id: str, *, timeout: float | None = None) -> Job:
        with within(timeout):
            return await self._engine.memory.jobs.job(job_id, self._caller)

    async def wait_for_job(
        self, job_id: str, *, poll_s: float = 2.0, deadline_s: float = 300.0, observe: ObserveJob | None = None
    ) -> Job:
        """As the seam says; nobody polls, so `poll_s` is not needed."""
        return await self._engine.memory.jobs.wait(job_id, self._caller, deadline_s=deadline_s, observe=observe)

    async def conversations(self, *, cursor: str | None = None) -> ConversationPage:
        return await self._engine.memory.conversations.page(self._caller, cursor)

    async def conversation(self, conversation_id: str) -> StoredConversation:
        return await self._engine.memory.conversations.read(conversation_id, self._caller)

    async def delete_conversation(self, conversation_id: str) -> ConversationDeleted:
        return await self._engine.memory.conversations.delete(conversation_id, self._caller)

    async def usage(
        self, *, start: date | str | None = None, end: date | str | None = None, scope: UsageScope | None = None
    ) -> UsageReport:
        return await self._engine.memory.account.report(self._caller, start, end, scope)

    async def models(self) -> Models:
        return await self._engine.report.models(self._engine.modes)

    async def health(self) -> Health:
        return await self._engine.report.health(self._engine.modes)

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await open_artifact(url, max_bytes)

    def for_caller(self, caller: Caller) -> EngineTheo:
        return EngineTheo(self._engine, caller)

    def began(self, method: str) -> Request:
        return self._engine.memory.account.began(self._caller, method, method)

    def _noted(self, request: CompletionRequest, method: str) -> AbstractContextManager[Request]:
        account, mode = self._engine.memory.account, request.mode or "auto"
        return account.began(self._caller, method, mode, request.metadata).under_way()


def _text(event: CompletionEvent) -> str:
    return event.token if isinstance(event, Token) else ""
