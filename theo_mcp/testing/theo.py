"""Theo as its documents describe it: the endpoints that we call, with their validation, errors and shapes."""

from __future__ import annotations

import json
import mimetypes
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cached_property, partial
from urllib.parse import parse_qsl, unquote, urlsplit

import anyio

from theo_mcp.testing import theo_replies as replies
from theo_mcp.testing.http import Exchange, Fields, HttpServer
from theo_mcp.testing.theo_replies import CODE, FOLLOW_UPS, MODEL, USAGE, WORDS, completion, openai_completion
from theo_mcp.testing.theo_requests import MODES, problem_of

__all__ = ["CODE", "FOLLOW_UPS", "KEY", "MODEL", "MODES", "USAGE", "WORDS", "FakeTheo", "completion", "refuse"]

KEY = "theo_sk_test_0123456789abcdef"
_BASE = "/api/v1/"
Handle = Callable[[Exchange, Fields], Awaitable[None]]


class FakeTheo(HttpServer):
    """The service. Each attribute is a knob; the defaults are a service in good health."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._answer, tls=tls)
        self.key = KEY
        """The key that it accepts."""
        self.silent_after: int | None = None
        """After so many tokens nothing comes any more; the client's closing ends it."""
        self.silent = anyio.Event()
        """Set when `silent_after` has been reached."""
        self.words = list(WORDS)
        """The tokens of every text. One may end in half a character, as JavaScript sends it."""
        self.artifacts: list[Fields] = []
        """Come with every completion."""
        self.caching = False
        """Whether the second of two equal completions comes from the cache, as the documents say."""
        self.status = "healthy"
        self.queue_available = True
        """Without its queue it takes no research and no video."""
        self.wrap_jobs = False
        """Whether a job comes as ``{"job": {…}}``."""
        self.jobs: dict[str, list[Fields]] = {}
        """The states of each job, one for each look at it; the last one stays."""
        self.jobs_take_time = True
        """Whether a job is queued and at work before it ends."""
        self.installed: set[str] = set()
        self.conversations = [replies.conversation(number) for number in range(1, 6)]
        self.page_size = 2
        self.org_usage = False
        """Whether the key may see the organisation's usage."""
        self.silent_changes = False
        """Whether a change is answered 204 without a body."""
        self.code_takes_s = 0.0
        """How long it writes at code."""
        self.files: dict[str, bytes] = {}
        """Every image ("img"), video ("vid") and document ("doc"), served here; without any, they have the addresses of
        the documents."""
        self._cache: set[str] = set()

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        target = urlsplit(request.path)
        endpoint, _, id = target.path.removeprefix(_BASE).partition("/")
        if (endpoint, id) == ("chat", "completions"):
            endpoint, id = "chat/completions", ""
        handle = self._handlers.get((request.method, endpoint, bool(id)))
        if (request.method, target.path) == ("GET", f"{_BASE}health"):
            await self._health(exchange)
        elif request.method == "GET" and (file := self.files.get(target.path.split("/")[1])) is not None:
            kind = mimetypes.guess_type(target.path)[0] or "application/octet-stream"
            await exchange.reply(200, file, content_type=kind)
        elif request.headers.get("authorization") != f"Bearer {self.key}":
            await refuse(exchange, 401, "invalid_api_key", "Missing or invalid API key", "authentication_error")
        elif handle is None or not target.path.startswith(_BASE):
            await refuse(exchange, 404, "not_found", "Not found", "not_found_error")
        elif request.method == "GET" or id:
            await handle(exchange, dict(parse_qsl(target.query)) | {"id": unquote(id)})
        elif problem := problem_of(endpoint, _json(request.body)):
            await refuse(exchange, 400, *problem)
        else:
            await handle(exchange, request.json)

    @cached_property
    def _handlers(self) -> dict[tuple[str, str, bool], Handle]:
        """What answers, by method, endpoint, and whether one thing of a collection is named."""
        return {
            ("POST", "completions", False): self._complete,
            ("POST", "chat/completions", False): self._chat,
            ("POST", "code", False): self._code,
            ("POST", "images", False): self._images,
            ("POST", "documents", False): self._document,
            ("POST", "research", False): partial(self._begin, "research", "res_abc123"),
            ("POST", "video", False): partial(self._begin, "video", "vid_abc123"),
            ("GET", "jobs", True): self._job,
            ("GET", "skills", False): self._skills,
            ("GET", "skills", True): self._skill,
            ("POST", "skills", False): self._install,
            ("DELETE", "skills", False): self._uninstall,
            ("GET", "tools", False): self._tools,
            ("GET", "conversations", False): self._conversations,
            ("GET", "conversations", True): self._conversation,
            ("DELETE", "conversations", True): self._delete_conversation,
            ("GET", "usage", False): self._usage,
            ("GET", "models", False): self._models,
        }

    async def _complete(self, exchange: Exchange, fields: Fields) -> None:
        if fields.get("conversation_id") == "unknown":
            await refuse(exchange, 404, "not_found", "Conversation ID not found", "not_found_error")
        elif fields.get("stream"):
            await self._stream(exchange, fields)
        elif fields.get("format") == "openai":
            await reply(exchange, openai_completion(fields))
        else:
            made = completion(fields) | {"content": "".join(self.words), "artifacts": self.artifacts}
            made |= {"conversation_id": fields.get("conversation_id"), "request_id": "req_1"}
            await reply(exchange, made | self._from_cache(fields))

    def _from_cache(self, fields: Fields) -> Fields:
        """The page "Semantic Caching": prompt, mode, skills and tools make the key; conversations, research, images and
        videos are never cached."""
        if not self.caching or fields.get("conversation_id") or fields.get("mode") in ("research", "image", "video"):
            return {}
        key = json.dumps([fields.get(name) for name in ("prompt", "mode", "skills", "tools")])
        if key in self._cache:
            return {"_cached": True, "usage": {"cost_cents": 0, "prompt_tokens": 0, "completion_tokens": 0}}
        self._cache.add(key)
        return {}

    async def _stream(self, exchange: Exchange, fields: Fields) -> None:
        await exchange.start_events()
        await exchange.event(".", "thinking")
        about = {"conversation_id": fields.get("conversation_id"), "request_id": "req_1"}
        active = [skill for skill in replies.SKILLS if skill["slug"] in fields.get("skills", ())]
        shown = [{"id": skill["id"], "slug": skill["slug"], "name": skill["name"]} for skill in active]
        await exchange.event(
            {"id": "cmpl_abc123", "mode": fields.get("mode", "auto"), "resolved_mode": replies.resolved(fields),
             "model": MODEL, "tools": [], "artifacts": [], **about},
            "meta",
        )  # fmt: skip
        if shown:
            await exchange.event({"active": shown}, "skills")
        if fields.get("mode") == "genui":
            library = fields.get("component_library", "theo")
            await exchange.event({"library": library, "tools": ["search"]}, "genui_meta")
        for tool in fields.get("tools", ()):
            await exchange.event({"name": tool["name"], "status": "success"}, "tool")
        for artifact in self.artifacts:
            await exchange.event(artifact, "artifact")
        await exchange.event({"something": "new"}, "of_the_future")
        async for word in self._spoken():
            await exchange.event({"token": word}, "token")
        await exchange.event(
            {"id": "cmpl_abc123", "content": "".join(self.words), "follow_ups": FOLLOW_UPS, "usage": USAGE,
             "skills_active": shown, **about},
            "done",
        )  # fmt: skip

    async def _spoken(self) -> AsyncIterator[str]:
        for number, word in enumerate(self.words):
            if number == self.silent_after:
                self.silent.set()
                await anyio.sleep_forever()
            yield word

    async def _chat(self, exchange: Exchange, fields: Fields) -> None:
        if not fields.get("stream"):
            await reply(exchange, openai_completion(fields))
            return
        await exchange.start_events()
        async for word in self._spoken():
            await exchange.event(replies.chat_chunk(word))
        await exchange.event(replies.chat_chunk(None, "stop"))
        await exchange.event("[DONE]")

    async def _code(self, exchange: Exchange, _: Fields) -> None:
        await anyio.sleep(self.code_takes_s)
        made = {"id": "code_abc123", "created": replies.CREATED, "content": CODE}
        await reply(exchange, made | {"artifacts": self.artifacts, "tools_used": [], "usage": {"cost_cents": 0.05}})

    async def _images(self, exchange: Exchange, fields: Fields) -> None:
        await reply(exchange, self._here(replies.images(fields)))

    async def _document(self, exchange: Exchange, fields: Fields) -> None:
        await reply(exchange, self._here(replies.document(fields)))

    def _here(self, answer: Fields) -> Fields:
        """`answer` with the addresses of files that are served here."""
        if not self.files:
            return answer
        here: Fields = json.loads(json.dumps(answer).replace(replies.ARTIFACTS, self.origin))
        return here

    async def _begin(self, kind: str, id: str, exchange: Exchange, _: Fields) -> None:
        if not self.queue_available:
            await refuse(exchange, 503, "queue_unavailable", "The queue is unavailable", "server_error")
            return
        job_id = f"job_{len(self.jobs) + 1}"
        ended = replies.job(job_id, kind, "completed", 100, self._here(replies.RESULTS[kind]))
        before = [replies.job(job_id, kind, "queued", 0), replies.job(job_id, kind, "active", 40)]
        self.jobs[job_id] = [*(before if self.jobs_take_time else []), ended]
        await reply(exchange, replies.job_started(id, job_id), 202)

    async def _job(self, exchange: Exchange, fields: Fields) -> None:
        states = self.jobs.get(fields["id"])
        if not states:
            await refuse(exchange, 404, "not_found", "Job not found", "not_found_error")
            return
        state = states.pop(0) if len(states) > 1 else states[0]
        await reply(exchange, {"job": state} if self.wrap_jobs else state)

    async def _skills(self, exchange: Exchange, fields: Fields) -> None:
        wanted = fields.get("filter", "marketplace")
        if wanted not in ("installed", "marketplace"):
            await refuse(exchange, 400, "validation_error", "invalid filter")
            return
        shown = [skill for skill in replies.SKILLS if wanted == "marketplace" or skill["id"] in self.installed]
        await reply(exchange, {"skills": shown})

    async def _skill(self, exchange: Exchange, fields: Fields) -> None:
        await self._one(exchange, "skill", [skill for skill in replies.SKILLS if skill["id"] == fields["id"]])

    async def _install(self, exchange: Exchange, fields: Fields) -> None:
        if not any(skill["id"] == fields["skillId"].lower() for skill in replies.SKILLS):
            await refuse(exchange, 404, "not_found", "Skill not found", "not_found_error")
            return
        self.installed.add(fields["skillId"].lower())
        await self._changed(exchange, {"installed": True}, 201)

    async def _uninstall(self, exchange: Exchange, fields: Fields) -> None:
        if fields["skillId"].lower() not in self.installed:
            await refuse(exchange, 404, "not_found", "Skill not installed", "not_found_error")
            return
        self.installed.remove(fields["skillId"].lower())
        await self._changed(exchange, {"installed": False}, 200)

    async def _tools(self, exchange: Exchange, _: Fields) -> None:
        await reply(exchange, {"tools": replies.TOOLS})

    async def _conversations(self, exchange: Exchange, fields: Fields) -> None:
        start = int(fields.get("cursor", 0))
        page = self.conversations[start : start + self.page_size]
        more = start + self.page_size < len(self.conversations)
        listed = [{name: value for name, value in one.items() if name != "messages"} for one in page]
        cursor = str(start + self.page_size) if more else None
        await reply(exchange, {"conversations": listed, "has_more": more, "next_cursor": cursor})

    async def _conversation(self, exchange: Exchange, fields: Fields) -> None:
        await self._one(exchange, "conversation", [one for one in self.conversations if one["id"] == fields["id"]])

    async def _delete_conversation(self, exchange: Exchange, fields: Fields) -> None:
        left = [one for one in self.conversations if one["id"] != fields["id"]]
        if len(left) == len(self.conversations):
            await refuse(exchange, 404, "not_found", "Conversation not found", "not_found_error")
            return
        self.conversations = left
        await self._changed(exchange, {"deleted": True}, 200)

    async def _usage(self, exchange: Exchange, fields: Fields) -> None:
        if fields.get("scope", "user") not in ("user", "org"):
            await refuse(exchange, 400, "validation_error", "invalid scope")
        elif fields.get("scope") == "org" and not self.org_usage:
            await refuse(exchange, 403, "missing_scope", "You may not see this team's usage", "permission_error")
        else:
            await reply(exchange, replies.usage(fields.get("from", "2026-04-01"), fields.get("to", "2026-04-30")))

    async def _models(self, exchange: Exchange, _: Fields) -> None:
        row = {"mode": "fast", "model_id": "theo-1-flash", "label": "Theo Flash", "engine": "theo-core"}
        await reply(exchange, {"models": [row | {"description": "Quick."}]})

    async def _health(self, exchange: Exchange) -> None:
        providers = {"core": {"status": self.status}}
        body = {"status": self.status, "timestamp": "t", "version": "1", "providers": providers}
        if self.status == "down":
            await exchange.reply(503, body, retry_after="30")
        else:
            await exchange.reply(200, body, x_cache="MISS")

    async def _one(self, exchange: Exchange, name: str, found: list[Fields]) -> None:
        if found:
            await reply(exchange, {name: found[0]})
        else:
            await refuse(exchange, 404, "not_found", f"{name.capitalize()} not found", "not_found_error")

    async def _changed(self, exchange: Exchange, body: Fields, status: int) -> None:
        await (reply(exchange, "", 204) if self.silent_changes else reply(exchange, body, status))


async def reply(exchange: Exchange, body: object, status: int = 200) -> None:
    """A reply with the headers that all of Theo's have."""
    await exchange.reply(status, body, x_request_id="req_1", theo_api_version="2026-03-28")


async def refuse(exchange: Exchange, status: int, code: str, message: str, kind: str = "invalid_request_error") -> None:
    """An error in Theo's envelope."""
    error = {"message": message, "type": kind, "code": code, "request_id": "req_err"}
    await exchange.reply(status, {"error": error}, x_request_id="req_err")


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
