"""The seam: what a face may ask of whatever answers, hosted or embedded.

Both arms take and return wire models, so a caller cannot tell them apart but by what the answer says of itself
(`theo_mcp.backend`). What the engine does not serve yet raises `NotAvailableError` there; see `theo_mcp.engine.served`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias

import anyio

from theo_mcp.errors import InputError

if TYPE_CHECKING:  # the models of both APIs cost 20 ms, and whoever calls one of them imports its own
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
    from theo_mcp.wire.skills import Skill, SkillChange, SkillList, Tools
    from theo_mcp.wire.words import SkillFilter

Observe: TypeAlias = Callable[[str], None]
"""Told what a call without a stream is doing ("sent", "writing, 40 tokens"). It must return at once."""

EventStream: TypeAlias = "AbstractAsyncContextManager[AsyncIterator[CompletionEvent]]"
"""Enter it to send the request; leave it to stop the work, wherever it is."""

GenerateStream: TypeAlias = "AbstractAsyncContextManager[AsyncIterator[GenerateEvent]]"
"""As `EventStream`, of GetCode's events."""

ObserveJob: TypeAlias = "Callable[[Job], None]"
"""Told each state that a wait sees. It must return at once."""

Api: TypeAlias = Literal["theo", "getcode"]
UsageScope: TypeAlias = Literal["user", "org"]
Outcome: TypeAlias = Literal["ok", "failed", "cancelled"]


@dataclass(frozen=True)
class Caller:
    """One caller among several behind a shared backend: whose conversations, usage and handles are meant, how many
    seconds each call may take, and the key that makes one logical call one."""

    tenant: str = ""
    deadline_s: float | None = None
    idempotency_key: str | None = None
    fresh: bool = False
    """The engine makes a new answer, also where it knows one to the same request."""
    request_id: str = ""
    """The id that the caller is told for this one request, which the engine then answers and notes it under."""


class Theo(Protocol):
    """Theo's API. Every method raises `theo_mcp.errors.TheoError` and nothing else."""

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        """``POST /api/v1/completions``, in Theo's own format."""

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        """The same request with ``format: "openai"``, answered in that format."""

    def stream(self, request: CompletionRequest) -> EventStream:
        """The same request with ``stream: true``. The last event is `Done`; a stream that fails or ends before it
        raises an error whose ``partial`` has the text so far."""

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        """``POST /api/v1/code``."""

    async def images(self, request: ImagesRequest, *, observe: Observe | None = None) -> Images:
        """``POST /api/v1/images``."""

    async def document(self, request: DocumentRequest, *, observe: Observe | None = None) -> Document:
        """``POST /api/v1/documents``."""

    async def research(self, request: ResearchRequest, *, observe: Observe | None = None) -> JobStarted:
        """``POST /api/v1/research``: begins a job."""

    async def video(self, request: VideoRequest, *, observe: Observe | None = None) -> JobStarted:
        """``POST /api/v1/video``: begins a job."""

    async def job(self, job_id: str, *, timeout: float | None = None) -> Job:
        """``GET /api/v1/jobs/{id}``: how a job stands."""

    async def wait_for_job(
        self, job_id: str, *, poll_s: float = 2.0, deadline_s: float = 300.0, observe: ObserveJob | None = None
    ) -> Job:
        """The job once it has ended well. Cancelling ends the waiting, not the job."""

    async def skills(self, filter: SkillFilter | None = None) -> SkillList:
        """``GET /api/v1/skills``."""

    async def skill(self, slug_or_id: str) -> Skill:
        """``GET /api/v1/skills/{id}``: one skill, with its text."""

    async def install_skill(self, slug_or_id: str) -> SkillChange:
        """``POST /api/v1/skills``: from now on it takes part in each completion."""

    async def uninstall_skill(self, slug_or_id: str) -> SkillChange:
        """``DELETE /api/v1/skills``."""

    async def tools(self) -> Tools:
        """``GET /api/v1/tools``."""

    async def conversations(self, *, cursor: str | None = None) -> ConversationPage:
        """``GET /api/v1/conversations``: one page."""

    async def conversation(self, conversation_id: str) -> StoredConversation:
        """``GET /api/v1/conversations/{id}``: with all its turns."""

    async def delete_conversation(self, conversation_id: str) -> ConversationDeleted:
        """``DELETE /api/v1/conversations/{id}``."""

    async def usage(
        self, *, start: date | str | None = None, end: date | str | None = None, scope: UsageScope | None = None
    ) -> UsageReport:
        """``GET /api/v1/usage``."""

    async def models(self) -> Models:
        """``GET /api/v1/models``."""

    async def health(self) -> Health:
        """``GET /api/v1/health``. What is missing is said in the notice of its extension."""

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        """The file that an answer points to, without the key; ``address_not_allowed`` where it is nobody's here."""

    def for_caller(self, caller: Caller) -> Theo:
        """The same arm for one caller; it shares everything that must be closed."""


class GetCode(Protocol):
    """GetCode's API. Every method raises `theo_mcp.errors.TheoError` and nothing else."""

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        """``POST /api/improve``."""

    def generate(self, request: GenerateRequest) -> GenerateStream:
        """``POST /api/generate``, streamed. The last event is `GenerateDone`; otherwise as `Theo.stream`."""

    async def upload(self, request: UploadRequest, *, observe: Observe | None = None) -> Analysed:
        """``POST /api/upload``: a file in, a prompt for `generate` out."""

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        """As `Theo.open`."""

    def for_caller(self, caller: Caller) -> GetCode:
        """As `Theo.for_caller`."""


@dataclass(frozen=True)
class Choice:
    """What answers one API, and the setting that decided it, as a person would say it."""

    answers: Literal["hosted", "engine", "nothing"]
    why: str


@dataclass(frozen=True)
class Used:
    """What the calls of one method have used since the start. Its costs are cents."""

    api: Api
    method: str
    calls: int
    failures: int
    cached: int
    tokens: int
    cost_cents: Decimal
    maybe_cents: Decimal
    """The estimate for calls that may have been billed, and whose cost nobody told."""


@dataclass
class Spent:
    """What Theo's hosted calls have cost since the start, in micro-cents; all connections of a process may share it."""

    cost: int = 0
    maybe: int = 0
    under_way: int = 0


@dataclass(frozen=True)
class Session:
    """What Theo's hosted calls have cost since the start, in cents."""

    spent_cents: Decimal
    maybe_cents: Decimal
    """The estimate for calls that may have been billed, and for jobs whose cost is not known yet."""
    max_cents: Decimal | None

    @property
    def cents(self) -> Decimal:
        """Both together: what the session has cost as far as anybody can know."""
        return self.spent_cents + self.maybe_cents


@dataclass(frozen=True)
class Spending:
    """What was used since the start, and what today has cost, with what is reserved or may have been billed."""

    used: tuple[Used, ...]
    today_cents: Decimal
    budget_cents: Decimal | None
    session_cents: Decimal
    max_cents: Decimal | None


@dataclass(frozen=True)
class Limited:
    """A rate limit that a service has told of and that is not over: no request goes there before."""

    api: Api
    what: str
    """The endpoint, such as ``generate``; empty where it is all of them."""
    seconds: float
    """Until the time that the service named."""


class Audit(Protocol):
    """Where each request is noted, without what was asked or answered."""

    def settled(self, caller: Caller, method: str, *, mode: str, began: float, outcome: Outcome, code: str) -> None:
        """Notes how a request ended that began at the time `began`, unless an arm has noted it under the caller's
        `request_id`; returns at once. Whoever gives callers such an id calls this at the end of each of them."""


@dataclass(frozen=True)
class Backend:
    """Both APIs, each with what answers it, chosen once by `theo_mcp.connection`. Close it, or use it in a ``with``."""

    theo: Theo
    getcode: GetCode
    theo_choice: Choice
    getcode_choice: Choice
    closers: tuple[Callable[[], Awaitable[None]], ...] = ()
    check_engine: Callable[[], Awaitable[object]] | None = None
    """Raises what the engine lacks, where it answers one of the APIs; nothing is started."""
    spending: Callable[[], Awaitable[Spending]] | None = None
    """What was used and spent so far, where it is counted."""
    session: Callable[[], Session] | None = None
    """What was spent since the start, read without any I/O, for every result of a paid call."""
    limits: Callable[[], tuple[Limited, ...]] | None = None
    """The rate limits that are reached just now, as far as the services told."""
    background: Callable[[], AbstractAsyncContextManager[None]] | None = None
    """Where work goes on that outlives its call, such as the engine's jobs: open for as long as the ``with``."""
    audit: Callable[[], Audit] | None = None
    """Where the engine notes requests, for a face that refuses some by itself."""
    caller: Caller = Caller()
    """Whom `for_caller` chose."""
    _entered: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False, compare=False)

    async def open(self, url: str, *, max_bytes: int = 64 * 2**20) -> Fetched:
        """The file at `url`, which an answer of either API gave.

        Raises:
            InputError: it is nobody's here (``address_not_allowed``), or has more than `max_bytes`.
            APIError, TransportError: it could not be read.
        """
        try:
            return await self.theo.open(url, max_bytes=max_bytes)
        except InputError as error:
            if error.code != "address_not_allowed":
                raise
        return await self.getcode.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> Self:
        """The same backend for one caller. Close only the first."""
        theo, getcode = self.theo.for_caller(caller), self.getcode.for_caller(caller)
        return replace(self, theo=theo, getcode=getcode, closers=(), caller=caller)

    async def aclose(self) -> None:
        """Closes connections and ends the model's process; safe to call twice."""
        with anyio.CancelScope(shield=True):
            async with AsyncExitStack() as stack:  # one that fails does not keep the others open
                for close in self.closers:
                    stack.push_async_callback(close)

    async def __aenter__(self) -> Self:
        if self.background is not None:
            await self._entered.enter_async_context(self.background())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._entered.__aexit__(kind, error, trace)
        finally:
            await self.aclose()


def check_prompt(prompt: str, max_prompt_chars: int) -> None:
    """What both arms refuse before anything is sent or started.

    Raises:
        InputError: the prompt is blank or has more than `max_prompt_chars` characters.
    """
    if not prompt.strip():
        raise InputError("The prompt is empty.", code="missing_prompt", hint="Say what you want made.")
    if len(prompt) > max_prompt_chars:
        raise InputError(
            f"The prompt has {len(prompt):,} characters, and the limit is {max_prompt_chars:,}.",
            code="prompt_too_long",
            hint="Shorten it, or raise max_prompt_chars in the settings.",
        )
