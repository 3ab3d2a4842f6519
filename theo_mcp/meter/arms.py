"""Both arms, counted: each method is the arm's own inside `Meter.call`, and hands over what its answer says it cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Protocol, TypeVar

from theo_mcp.backend import Caller, GetCode, Observe, ObserveJob, Theo, UsageScope
from theo_mcp.meter.call import Call
from theo_mcp.wire.events import Done
from theo_mcp.wire.getcode import GenerateDone

if TYPE_CHECKING:  # whoever calls a method has its models
    from theo_mcp.meter import Meter
    from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
    from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
    from theo_mcp.wire.documents import Document, DocumentRequest
    from theo_mcp.wire.events import CompletionEvent
    from theo_mcp.wire.files import Fetched
    from theo_mcp.wire.getcode import Analysed, GenerateEvent, GenerateRequest, Improved, ImproveRequest, UploadRequest
    from theo_mcp.wire.images import Images, ImagesRequest
    from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest, VideoRequest
    from theo_mcp.wire.openai import ChatCompletion
    from theo_mcp.wire.parts import Usage
    from theo_mcp.wire.service import Health, Models
    from theo_mcp.wire.skills import SkillChange, SkillList
    from theo_mcp.wire.words import SkillFilter

AnswerT = TypeVar("AnswerT")


class _Priced(Protocol):
    """An answer that tells its cost."""

    @property
    def usage(self) -> Usage: ...


PricedT = TypeVar("PricedT", bound=_Priced)


class MeteredTheo:
    """A `Theo` whose calls are counted. A method that answers at once is one line."""

    def __init__(self, meter: Meter, arm: Theo, billed: bool) -> None:
        self._meter, self._arm, self._billed = meter, arm, billed

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        async with self._meter.call("theo", "complete", request.mode or "auto", billed=self._billed) as call:
            answer = await self._arm.complete(request, observe=_both(call.observe, observe))
            call.costs(answer.usage, cached=answer.was_cached)
            return answer

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        async with self._meter.call("theo", "complete_openai", request.mode or "auto", billed=self._billed) as call:
            answer = await self._arm.complete_openai(request, observe=_both(call.observe, observe))
            call.counts(answer.usage)  # which has no cost
            call.cached = (answer.model_extra or {}).get("_cached") is True
            call.cost = 0 if call.cached else None
            return answer

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        async with self._meter.call("theo", "stream", request.mode or "auto", billed=self._billed) as call:
            call.sent = True
            async with self._arm.stream(request) as events, aclosing(_watched(events, call)) as watched:
                call.begun = True
                yield watched

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        return await self._paid("code", "code", observe, lambda tell: self._arm.code(request, observe=tell))

    async def images(self, request: ImagesRequest, *, observe: Observe | None = None) -> Images:
        return await self._paid(
            "images", "image", observe, lambda tell: self._arm.images(request, observe=tell), request.count or 1
        )

    async def document(self, request: DocumentRequest, *, observe: Observe | None = None) -> Document:
        return await self._paid("document", "document", observe, lambda tell: self._arm.document(request, observe=tell))

    async def research(self, request: ResearchRequest, *, observe: Observe | None = None) -> JobStarted:
        return await self._begun("research", observe, lambda tell: self._arm.research(request, observe=tell))

    async def video(self, request: VideoRequest, *, observe: Observe | None = None) -> JobStarted:
        return await self._begun("video", observe, lambda tell: self._arm.video(request, observe=tell))

    async def job(self, job_id: str, *, timeout: float | None = None) -> Job:
        job = await self._free("job", lambda: self._arm.job(job_id, timeout=timeout))
        await self._meter.job_seen(job_id, job)
        return job

    async def wait_for_job(
        self, job_id: str, *, poll_s: float = 2.0, deadline_s: float = 300.0, observe: ObserveJob | None = None
    ) -> Job:
        seen: list[Job] = []  # the last of them, also where it failed and is told as an error

        def tell(job: Job) -> None:
            seen[:] = [job]
            if observe is not None:
                observe(job)

        try:
            return await self._free(
                "wait_for_job",
                lambda: self._arm.wait_for_job(job_id, poll_s=poll_s, deadline_s=deadline_s, observe=tell),
            )
        finally:
            for job in seen:
                await self._meter.job_seen(job_id, job)

    async def skills(self, filter: SkillFilter | None = None) -> SkillList:
        return await self._free("skills", lambda: self._arm.skills(filter))

    async def install_skill(self, slug_or_id: str) -> SkillChange:
        return await self._free("install_skill", lambda: self._arm.install_skill(slug_or_id))

    async def conversations(self, *, cursor: str | None = None) -> ConversationPage:
        return await self._free("conversations", lambda: self._arm.conversations(cursor=cursor))

    async def conversation(self, conversation_id: str) -> StoredConversation:
        return await self._free("conversation", lambda: self._arm.conversation(conversation_id))

    async def delete_conversation(self, conversation_id: str) -> ConversationDeleted:
        return await self._free("delete_conversation", lambda: self._arm.delete_conversation(conversation_id))

    async def usage(
        self, *, start: date | str | None = None, end: date | str | None = None, scope: UsageScope | None = None
    ) -> UsageReport:
        return await self._free("usage", lambda: self._arm.usage(start=start, end=end, scope=scope))

    async def models(self) -> Models:
        return await self._free("models", self._arm.models)

    async def health(self) -> Health:
        return await self._free("health", self._arm.health)

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> Theo:
        return MeteredTheo(self._meter, self._arm.for_caller(caller), self._billed)

    async def _paid(
        self,
        method: str,
        mode: str,
        observe: Observe | None,
        ask: Callable[[Observe], Awaitable[PricedT]],
        parts: int = 1,
    ) -> PricedT:
        async with self._meter.call("theo", method, mode, billed=self._billed, parts=parts) as call:
            answer = await ask(_both(call.observe, observe))
            call.costs(answer.usage)
            return answer

    async def _begun(
        self, method: str, observe: Observe | None, ask: Callable[[Observe], Awaitable[JobStarted]]
    ) -> JobStarted:
        async with self._meter.call("theo", method, method, billed=self._billed) as call:
            started = await ask(_both(call.observe, observe))
            call.job_id = started.job_id
            return started

    async def _free(self, method: str, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        async with self._meter.call("theo", method):
            return await ask()


class MeteredGetCode:
    """A `GetCode` whose calls are counted; its answers tell tokens and no cost."""

    def __init__(self, meter: Meter, arm: GetCode) -> None:
        self._meter, self._arm = meter, arm

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        async with self._meter.call("getcode", "improve") as call:
            answer = await self._arm.improve(request, observe=observe)
            call.uses(answer.tokens_used)
            return answer

    @asynccontextmanager
    async def generate(self, request: GenerateRequest) -> AsyncIterator[AsyncIterator[GenerateEvent]]:
        async with (
            self._meter.call("getcode", "generate") as call,
            self._arm.generate(request) as events,
            aclosing(_generated(events, call)) as watched,
        ):
            yield watched

    async def upload(self, request: UploadRequest, *, observe: Observe | None = None) -> Analysed:
        async with self._meter.call("getcode", "upload"):
            return await self._arm.upload(request, observe=observe)

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> GetCode:
        return MeteredGetCode(self._meter, self._arm.for_caller(caller))


async def _watched(events: AsyncIterator[CompletionEvent], call: Call) -> AsyncGenerator[CompletionEvent, None]:
    async for event in events:
        if isinstance(event, Done):
            metadata = event.metadata or {}
            call.costs(event.usage, cached=event.cached or metadata.get("cached") is True)
        yield event


async def _generated(events: AsyncIterator[GenerateEvent], call: Call) -> AsyncGenerator[GenerateEvent, None]:
    async for event in events:
        if isinstance(event, GenerateDone):
            call.uses(event.tokens_used)
        yield event


def _both(first: Observe, second: Observe | None) -> Observe:
    def tell(words: str) -> None:
        first(words)
        if second is not None:
            second(words)

    return tell
