"""Arms that are made at their first call, so that a server which only lists its tools imports nothing for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from theo_mcp.backend import Caller, GetCode, Observe, ObserveJob, Theo, UsageScope
    from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
    from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
    from theo_mcp.wire.documents import Document, DocumentRequest
    from theo_mcp.wire.events import CompletionEvent
    from theo_mcp.wire.files import Fetched
    from theo_mcp.wire.getcode import Analysed, GenerateEvent, GenerateRequest, Improved, ImproveRequest, UploadRequest
    from theo_mcp.wire.images import Images, ImagesRequest
    from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest, VideoRequest
    from theo_mcp.wire.openai import ChatCompletion
    from theo_mcp.wire.service import Health, Models
    from theo_mcp.wire.skills import SkillChange, SkillList
    from theo_mcp.wire.words import SkillFilter

ArmT = TypeVar("ArmT")


class _Late(Generic[ArmT]):
    """Makes the arm; what is wrong with its settings is told by every call."""

    def __init__(self, make: Callable[[], ArmT]) -> None:
        self._make = make

    @cached_property
    def _arm(self) -> ArmT:
        return self._make()


class LateTheo(_Late["Theo"]):
    """A `Theo` that is made at its first call."""

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        return await self._arm.complete(request, observe=observe)

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        return await self._arm.complete_openai(request, observe=observe)

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        async with self._arm.stream(request) as events:
            yield events

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        return await self._arm.code(request, observe=observe)

    async def images(self, request: ImagesRequest, *, observe: Observe | None = None) -> Images:
        return await self._arm.images(request, observe=observe)

    async def document(self, request: DocumentRequest, *, observe: Observe | None = None) -> Document:
        return await self._arm.document(request, observe=observe)

    async def research(self, request: ResearchRequest, *, observe: Observe | None = None) -> JobStarted:
        return await self._arm.research(request, observe=observe)

    async def video(self, request: VideoRequest, *, observe: Observe | None = None) -> JobStarted:
        return await self._arm.video(request, observe=observe)

    async def job(self, job_id: str, *, timeout: float | None = None) -> Job:
        return await self._arm.job(job_id, timeout=timeout)

    async def wait_for_job(
        self, job_id: str, *, poll_s: float = 2.0, deadline_s: float = 300.0, observe: ObserveJob | None = None
    ) -> Job:
        return await self._arm.wait_for_job(job_id, poll_s=poll_s, deadline_s=deadline_s, observe=observe)

    async def skills(self, filter: SkillFilter | None = None) -> SkillList:
        return await self._arm.skills(filter)

    async def install_skill(self, slug_or_id: str) -> SkillChange:
        return await self._arm.install_skill(slug_or_id)

    async def conversations(self, *, cursor: str | None = None) -> ConversationPage:
        return await self._arm.conversations(cursor=cursor)

    async def conversation(self, conversation_id: str) -> StoredConversation:
        return await self._arm.conversation(conversation_id)

    async def delete_conversation(self, conversation_id: str) -> ConversationDeleted:
        return await self._arm.delete_conversation(conversation_id)

    async def usage(
        self, *, start: date | str | None = None, end: date | str | None = None, scope: UsageScope | None = None
    ) -> UsageReport:
        return await self._arm.usage(start=start, end=end, scope=scope)

    async def models(self) -> Models:
        return await self._arm.models()

    async def health(self) -> Health:
        return await self._arm.health()

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> Theo:
        return LateTheo(lambda: self._arm.for_caller(caller))


class LateGetCode(_Late["GetCode"]):
    """A `GetCode` that is made at its first call."""

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        return await self._arm.improve(request, observe=observe)

    @asynccontextmanager
    async def generate(self, request: GenerateRequest) -> AsyncIterator[AsyncIterator[GenerateEvent]]:
        async with self._arm.generate(request) as events:
            yield events

    async def upload(self, request: UploadRequest, *, observe: Observe | None = None) -> Analysed:
        return await self._arm.upload(request, observe=observe)

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> GetCode:
        return LateGetCode(lambda: self._arm.for_caller(caller))
