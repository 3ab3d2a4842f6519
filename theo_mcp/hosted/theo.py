"""Theo over HTTP: one method for each endpoint."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit, urlunsplit

import anyio

from theo_mcp.backend import Observe, ObserveJob, UsageScope, check_prompt
from theo_mcp.errors import ProtocolError
from theo_mcp.hosted.paths import segment, with_query
from theo_mcp.hosted.service import HostedService, by_hosted
from theo_mcp.http.address import checked_base_url
from theo_mcp.http.client import HttpClient
from theo_mcp.http.library import AsyncClient
from theo_mcp.http.options import Limits, Options, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.keys import required_key
from theo_mcp.secret import Secret
from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
from theo_mcp.wire.model import Extended, Request
from theo_mcp.wire.parts import Model

if TYPE_CHECKING:  # every model costs a third of a millisecond, so each method imports its own
    from theo_mcp.wire.account import ConversationDeleted, ConversationPage, StoredConversation, UsageReport
    from theo_mcp.wire.documents import Document, DocumentRequest
    from theo_mcp.wire.events import CompletionEvent
    from theo_mcp.wire.images import Images, ImagesRequest
    from theo_mcp.wire.jobs import Job, JobStarted, ResearchRequest, VideoRequest
    from theo_mcp.wire.openai import ChatChunk, ChatCompletion, ChatCompletionRequest
    from theo_mcp.wire.service import Health, Models
    from theo_mcp.wire.skills import Skill, SkillChange, SkillList, Tools
    from theo_mcp.wire.words import SkillFilter

ReplyT = TypeVar("ReplyT", bound=Extended)
RequestT = TypeVar("RequestT", bound=Request)

log = logging.getLogger(__name__)

BASE_URL = "https://www.hitheo.ai"
_APEX = "hitheo.ai"
_PATH = "/api/v1"
_KEY_PREFIX = "theo_sk_"
_COMPLETION, _CHAT = "text_completion", "chat"
_OPERATIONS = {"completions": _COMPLETION, "chat/completions": _CHAT}  # what the GenAI conventions call them


class TheoClient(HostedService):
    """Theo's hosted service.

    ``async with TheoClient("theo_sk_…") as theo: answer = await theo.complete(CompletionRequest(prompt="…"))``

    Raises:
        ConfigError: the key cannot be sent as it stands, or the base URL is not one that a key may be sent to.
    """

    api = "theo"
    file_hosts = frozenset({"artifacts.hitheo.ai"})

    def __init__(
        self,
        api_key: str | Secret,
        *,
        base_url: str = BASE_URL,
        timeouts: Timeouts = Timeouts(),
        retries: RetryPolicy = RetryPolicy(),
        limits: Limits = Limits(),
        http_client: AsyncClient | None = None,
        max_prompt_chars: int = 200_000,
        allow_insecure_http: bool = False,
    ) -> None:
        url = _canonical(checked_base_url(base_url, "theo_base_url", allow_insecure_http=allow_insecure_http))
        key = required_key(api_key, "Theo")
        if not key.reveal().startswith(_KEY_PREFIX):  # the documents differ on which keys exist, so none is refused
            log.warning("The key for Theo does not begin with %s; it is sent as it is.", _KEY_PREFIX)
        options = Options(timeouts=timeouts, limits=limits, policy=retries)
        http = HttpClient(url, key, service="Theo", billed=True, options=options, http_client=http_client)
        super().__init__(http, max_prompt_chars)

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        """``POST /api/v1/completions``. Any documented mode is sent; for research and video the vendor's newer pages
        name `research` and `video` instead, because these modes outlast a request."""
        body = _as(request, stream=None, format=None)
        return await self._generate("completions", Completion, body, observe, request.prompt)

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        """``POST /api/v1/completions`` with ``format: "openai"``."""
        from theo_mcp.wire.openai import ChatCompletion

        body = _as(request, stream=None, format="openai")
        return await self._generate("completions", ChatCompletion, body, observe, request.prompt)

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        """``POST /api/v1/completions`` with ``stream: true``; leaving the context closes the socket."""
        from theo_mcp.hosted.streams import completion_events

        check_prompt(request.prompt, self._max_prompt_chars)
        body = _as(request, stream=True, format=None).body()
        async with (
            self._http.events(f"{_PATH}/completions", body, operation=_COMPLETION) as events,
            aclosing(completion_events(events, events.answered, events.ended)) as read,
        ):
            yield read

    async def chat(self, request: ChatCompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        """``POST /api/v1/chat/completions``: OpenAI's form of a completion."""
        from theo_mcp.wire.openai import ChatCompletion

        body = _as(request, stream=None)
        return await self._generate("chat/completions", ChatCompletion, body, observe, request.prompt)

    @asynccontextmanager
    async def chat_stream(self, request: ChatCompletionRequest) -> AsyncIterator[AsyncIterator[ChatChunk]]:
        """``POST /api/v1/chat/completions`` with ``stream: true``; leaving the context closes the socket."""
        from theo_mcp.hosted.chunks import chat_chunks

        check_prompt(request.prompt, self._max_prompt_chars)
        body = _as(request, stream=True).body()
        async with (
            self._http.events(f"{_PATH}/chat/completions", body, operation=_CHAT) as events,
            aclosing(chat_chunks(events, events.answered, events.ended)) as read,
        ):
            yield read

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        """``POST /api/v1/code``."""
        return await self._generate("code", Code, request, observe, request.prompt)

    async def images(self, request: ImagesRequest, *, observe: Observe | None = None) -> Images:
        """``POST /api/v1/images``: answered when the images are there."""
        from theo_mcp.wire.images import Images

        return await self._generate("images", Images, request, observe, request.prompt)

    async def document(self, request: DocumentRequest, *, observe: Observe | None = None) -> Document:
        """``POST /api/v1/documents``: answered when the document is there."""
        from theo_mcp.wire.documents import Document

        return await self._generate("documents", Document, request, observe, request.prompt)

    async def research(self, request: ResearchRequest, *, observe: Observe | None = None) -> JobStarted:
        """``POST /api/v1/research``: begins a job; `wait_for_job` waits for its report."""
        from theo_mcp.wire.jobs import JobStarted

        return await self._generate("research", JobStarted, request, observe, request.prompt)

    async def video(self, request: VideoRequest, *, observe: Observe | None = None) -> JobStarted:
        """``POST /api/v1/video``: begins a job; `wait_for_job` waits for its video."""
        from theo_mcp.wire.jobs import JobStarted

        return await self._generate("video", JobStarted, request, observe, request.prompt)

    async def job(self, job_id: str, *, timeout: float | None = None) -> Job:
        """``GET /api/v1/jobs/{id}``: how a job stands. Every error names the job."""
        from theo_mcp.hosted import jobs
        from theo_mcp.wire.jobs import Job

        path = f"jobs/{segment(job_id, 'job')}"
        with jobs.about(job_id):
            return jobs.real(await self._get(path, Job, timeout=timeout))

    async def wait_for_job(
        self,
        job_id: str,
        *,
        poll_s: float = 2.0,
        deadline_s: float = 300.0,
        observe: ObserveJob | None = None,
        clock: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> Job:
        """The job once it has ended well, looked at every `poll_s` seconds (1 or more). Cancelling ends the waiting at
        once; the job itself goes on. A few failing looks in a row are waited out; every error names the job.

        Raises:
            ServiceError: the job failed.
            TimeoutExceededError: it has not ended within `deadline_s`.
        """
        from theo_mcp.hosted import jobs

        return await jobs.wait(
            lambda seconds: self.job(job_id, timeout=seconds),
            job_id,
            poll_s=poll_s,
            deadline_s=deadline_s,
            observe=observe,
            clock=clock,
            sleep=sleep,
        )

    async def skills(self, filter: SkillFilter | None = None) -> SkillList:
        """``GET /api/v1/skills``: those of the marketplace, or those that are installed."""
        from theo_mcp.wire.skills import SkillList

        return await self._get(with_query("skills", filter=filter), SkillList)

    async def skill(self, slug_or_id: str) -> Skill:
        """``GET /api/v1/skills/{id}``; a slug is looked up first."""
        from theo_mcp.hosted.skills import skill_id
        from theo_mcp.wire.skills import Skill

        found = await skill_id(slug_or_id, ("marketplace", "installed"), self.skills)
        return await self._get(f"skills/{segment(found, 'skill')}", Skill)

    async def install_skill(self, slug_or_id: str) -> SkillChange:
        """``POST /api/v1/skills``; a slug is looked up first, because the service takes ids only."""
        from theo_mcp.hosted.skills import skill_id
        from theo_mcp.wire.skills import SkillChange, SkillChoice

        found = await skill_id(slug_or_id, ("marketplace", "installed"), self.skills)
        return await self._change(
            "POST", "skills", SkillChange(skill_id=found, installed=True), SkillChoice(skill_id=found)
        )

    async def uninstall_skill(self, slug_or_id: str) -> SkillChange:
        """``DELETE /api/v1/skills``, which carries a body."""
        from theo_mcp.hosted.skills import skill_id
        from theo_mcp.wire.skills import SkillChange, SkillChoice

        found = await skill_id(slug_or_id, ("installed", "marketplace"), self.skills)
        done = SkillChange(skill_id=found, installed=False)
        return await self._change("DELETE", "skills", done, SkillChoice(skill_id=found))

    async def tools(self) -> Tools:
        """``GET /api/v1/tools``."""
        from theo_mcp.wire.skills import Tools

        return await self._get("tools", Tools)

    async def conversations(self, *, cursor: str | None = None) -> ConversationPage:
        """``GET /api/v1/conversations``: one page; pass its `next_cursor` as `cursor` for the next. (The vendor shows
        the cursor in the answer only; that the query calls it ``cursor`` is the usual name, not a documented one.)"""
        from theo_mcp.wire.account import ConversationPage

        return await self._get(with_query("conversations", cursor=cursor), ConversationPage)

    async def conversation(self, conversation_id: str) -> StoredConversation:
        """``GET /api/v1/conversations/{id}``: with all its turns."""
        from theo_mcp.wire.account import StoredConversation

        return await self._get(f"conversations/{segment(conversation_id, 'conversation')}", StoredConversation)

    async def delete_conversation(self, conversation_id: str) -> ConversationDeleted:
        """``DELETE /api/v1/conversations/{id}``."""
        from theo_mcp.wire.account import ConversationDeleted

        path = f"conversations/{segment(conversation_id, 'conversation')}"
        return await self._change("DELETE", path, ConversationDeleted())

    async def usage(
        self, *, start: date | str | None = None, end: date | str | None = None, scope: UsageScope | None = None
    ) -> UsageReport:
        """``GET /api/v1/usage``: requests, tokens and cost from `start` to `end` (ISO 8601), of the user or the
        organisation."""
        from theo_mcp.wire.account import UsageReport

        first, last = (day.isoformat() if isinstance(day, date) else day for day in (start, end))
        return await self._get(with_query("usage", from_=first, to=last, scope=scope), UsageReport)

    async def models(self) -> Models:
        """``GET /api/v1/models``: also the cheapest check of a key."""
        from theo_mcp.wire.service import Models

        return await self._get("models", Models)

    async def health(self) -> Health:
        """``GET /api/v1/health``: sent without the key; 503 is an answer here."""
        from theo_mcp.wire.service import Health

        answer = await self._http.json("GET", f"{_PATH}/health", Health, authenticate=False, accept_status=(503,))
        return _stamped(answer)

    async def _generate(
        self, path: str, reply: type[ReplyT], request: Request, observe: Observe | None, prompt: str
    ) -> ReplyT:
        check_prompt(prompt, self._max_prompt_chars)
        operation = _OPERATIONS.get(path, "generate_content")
        return _stamped(
            await self._http.json(
                "POST", f"{_PATH}/{path}", reply, request.body(), operation=operation, observe=observe
            )
        )

    async def _get(self, path: str, reply: type[ReplyT], *, timeout: float | None = None) -> ReplyT:
        return _stamped(await self._http.json("GET", f"{_PATH}/{path}", reply, timeout=timeout))

    async def _change(self, method: str, path: str, done: ReplyT, request: Request | None = None) -> ReplyT:
        """A change whose answer nobody documents: what the service says of it, or `done` where it says nothing."""
        body = request.body() if request else None
        try:
            said = await self._http.json(method, f"{_PATH}/{path}", type(done), body)
        except ProtocolError as error:
            if error.status not in (200, 201, 202, 204) or error.partial:
                raise
            return _stamped(done)
        return _stamped(done.model_copy(update=said.model_dump(exclude_unset=True)))


def _as(request: RequestT, **fields: object) -> RequestT:
    """`request` with these fields, as itself where it has them already."""
    changed = {name: value for name, value in fields.items() if getattr(request, name) != value}
    return request.model_copy(update=changed) if changed else request


def _stamped(answer: ReplyT) -> ReplyT:
    """`answer` with who made it: the documents have no field for that, so it is ours to say."""
    model = getattr(answer, "model", None)
    if isinstance(model, str):
        model = Model(id=model)
    about = by_hosted(model if isinstance(model, Model) else Model(), answer.theo_mcp)
    return answer.model_copy(update={"theo_mcp": about})


def _canonical(url: str) -> str:
    """The origin that Theo answers from: the apex redirects, and a redirect drops the key."""
    parts = urlsplit(url.removesuffix(_PATH))
    if parts.hostname == _APEX:
        parts = parts._replace(netloc="www." + parts.netloc)
    return urlunsplit(parts).rstrip("/")
