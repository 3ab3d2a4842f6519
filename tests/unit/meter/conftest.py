"""An arm that says what a test wants, behind a meter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal

import anyio
import pytest

from theo_mcp import (
    CodeRequest,
    CompletionRequest,
    DocumentRequest,
    GenerateRequest,
    ImagesRequest,
    ImproveRequest,
    ResearchRequest,
    UploadRequest,
    VideoRequest,
    errors,
)
from theo_mcp.backend import Caller, GetCode, Observe, ObserveJob, Theo, UsageScope, Used
from theo_mcp.meter import Meter
from theo_mcp.meter.ledger import Ledger, MemoryLedger
from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
from theo_mcp.wire.completions import Code, Completion
from theo_mcp.wire.documents import Document
from theo_mcp.wire.events import CompletionEvent, Done, Token
from theo_mcp.wire.files import Fetched
from theo_mcp.wire.getcode import Analysed, GenerateDone, GenerateEvent, GenerateToken, Improved
from theo_mcp.wire.images import Images
from theo_mcp.wire.jobs import Job, JobStarted
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.service import Health, Models
from theo_mcp.wire.skills import Skill, SkillChange, SkillList, Tools
from theo_mcp.wire.words import SkillFilter

HELLO = CompletionRequest(prompt="Hello")
FREE = Decimal(0)


class Scripted:
    """An arm that answers with what is put into `answer`, or fails with it; `calls` counts what reached it."""

    def __init__(self) -> None:
        self.answer: dict[str, object] | BaseException = {"usage": {"cost_cents": 0.02}}
        self.says_sent = True
        self.states: list[dict[str, object]] = []
        """What looks at a job see, one after the other; the last one stays."""
        self.calls = 0
        self.reached = anyio.Event()
        self.go_on = anyio.Event()
        self.go_on.set()

    async def _reply(self, observe: Observe | None) -> dict[str, object]:
        self.calls += 1
        if observe is not None and self.says_sent:
            observe("sent")
        self.reached.set()
        await self.go_on.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        return Completion.model_validate(await self._reply(observe))

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        return ChatCompletion.model_validate(await self._reply(observe))

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        answer = await self._reply(None)

        async def events() -> AsyncIterator[CompletionEvent]:
            yield Token(token="Hi")
            yield Token(token=" there")
            yield Done.model_validate(answer)

        yield events()

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        return Code.model_validate(await self._reply(observe))

    async def images(self, request: ImagesRequest, *, observe: Observe | None = None) -> Images:
        return Images.model_validate(await self._reply(observe))

    async def document(self, request: DocumentRequest, *, observe: Observe | None = None) -> Document:
        return Document.model_validate(await self._reply(observe))

    async def research(self, request: ResearchRequest, *, observe: Observe | None = None) -> JobStarted:
        return JobStarted.model_validate(await self._reply(observe))

    async def video(self, request: VideoRequest, *, observe: Observe | None = None) -> JobStarted:
        return JobStarted.model_validate(await self._reply(observe))

    async def job(self, job_id: str, *, timeout: float | None = None) -> Job:
        await self._reply(None)
        return Job.model_validate(self.states.pop(0) if len(self.states) > 1 else self.states[0])

    async def wait_for_job(
        self, job_id: str, *, poll_s: float = 2.0, deadline_s: float = 300.0, observe: ObserveJob | None = None
    ) -> Job:
        while True:
            job = await self.job(job_id)
            if observe is not None:
                observe(job)
            if job.failed:
                raise errors.ServiceError("The job ended as failed.", job_id=job_id)
            if job.finished:
                return job

    async def skills(self, filter: SkillFilter | None = None) -> SkillList:
        return SkillList.model_validate(await self._reply(None))

    async def skill(self, slug_or_id: str) -> Skill:
        return Skill.model_validate(await self._reply(None))

    async def install_skill(self, slug_or_id: str) -> SkillChange:
        return SkillChange.model_validate(await self._reply(None))

    async def uninstall_skill(self, slug_or_id: str) -> SkillChange:
        return SkillChange.model_validate(await self._reply(None))

    async def tools(self) -> Tools:
        return Tools.model_validate(await self._reply(None))

    async def delete_conversation(self, conversation_id: str) -> ConversationDeleted:
        return ConversationDeleted.model_validate(await self._reply(None))

    async def conversations(self, *, cursor: str | None = None) -> ConversationPage:
        return ConversationPage.model_validate(await self._reply(None))

    async def conversation(self, conversation_id: str) -> StoredConversation:
        return StoredConversation.model_validate(await self._reply(None))

    async def usage(
        self, *, start: date | str | None = None, end: date | str | None = None, scope: UsageScope | None = None
    ) -> UsageReport:
        return UsageReport.model_validate(await self._reply(None))

    async def models(self) -> Models:
        return Models.model_validate(await self._reply(None))

    async def health(self) -> Health:
        return Health.model_validate(await self._reply(None))

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        return Improved.model_validate(await self._reply(observe))

    @asynccontextmanager
    async def generate(self, request: GenerateRequest) -> AsyncIterator[AsyncIterator[GenerateEvent]]:
        answer = await self._reply(None)

        async def events() -> AsyncIterator[GenerateEvent]:
            yield GenerateToken(text="Hi")
            yield GenerateDone.model_validate(answer)

        yield events()

    async def upload(self, request: UploadRequest, *, observe: Observe | None = None) -> Analysed:
        return Analysed.model_validate(await self._reply(observe))

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return Fetched(url.encode(), "text/plain", "a.txt")

    def for_caller(self, caller: Caller) -> Scripted:
        self.caller = caller
        return self


@pytest.fixture
def arm() -> Scripted:
    return Scripted()


def metered(
    arm: Scripted,
    budget: str | None = None,
    ledger: Ledger | None = None,
    today: Callable[[], date] | None = None,
    session: str | None = None,
) -> tuple[Meter, Theo, GetCode]:
    meter = Meter(
        ledger or MemoryLedger(),
        budget_cents=None if budget is None else Decimal(budget),
        max_cents=None if session is None else Decimal(session),
        today=today or date.today,
    )
    return meter, meter.theo(arm, billed=True), meter.getcode(arm)


async def used(meter: Meter) -> Used:
    (only,) = (await meter.spending()).used
    return only


async def read_all(hosted: Theo, request: CompletionRequest = HELLO) -> list[CompletionEvent]:
    async with hosted.stream(request) as events:
        return [event async for event in events]
