"""Theo over HTTP."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from theo_mcp import errors
from theo_mcp.backend import Observe, check_prompt
from theo_mcp.http.address import checked_base_url
from theo_mcp.http.client import WHOLE_REPLY, HttpClient
from theo_mcp.http.envelope import parse as parse_error
from theo_mcp.http.library import AsyncClient
from theo_mcp.http.options import Options, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.secret import Secret
from theo_mcp.settings import required_key
from theo_mcp.wire.model import Extension, read_json
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.theo import (
    Code,
    CodeRequest,
    Completion,
    CompletionEvent,
    CompletionRequest,
    Done,
    Health,
    Meta,
    Model,
    Models,
    Token,
    parse_event,
)

BASE_URL = "https://www.hitheo.ai"
_APEX = "hitheo.ai"
_PATH = "/api/v1"


class TheoClient:
    """Theo's hosted service.

    ``async with TheoClient("theo_sk_…") as theo: answer = await theo.complete(CompletionRequest(prompt="…"))``

    Raises:
        ConfigError: the key cannot be sent as it stands, or the base URL is not one that a key may be sent to.
    """

    def __init__(
        self,
        api_key: str | Secret,
        *,
        base_url: str = BASE_URL,
        timeouts: Timeouts = Timeouts(),
        retries: RetryPolicy = RetryPolicy(),
        http_client: AsyncClient | None = None,
        max_prompt_chars: int = 200_000,
        allow_insecure_http: bool = False,
    ) -> None:
        url = _canonical(checked_base_url(base_url, "theo_base_url", allow_insecure_http=allow_insecure_http))
        self._max_prompt_chars = max_prompt_chars
        self._http = HttpClient(
            url,
            required_key(api_key, "Theo"),
            service="Theo",
            billed=True,
            options=Options(timeouts=timeouts, policy=retries),
            http_client=http_client,
        )

    @property
    def base_url(self) -> str:
        """Where the requests go."""
        return self._http.base_url

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        """``POST /api/v1/completions``."""
        check_prompt(request.prompt, self._max_prompt_chars)
        body = request.model_copy(update={"stream": None, "format": None}).body()
        _tell(observe, "sent")
        answer = await self._http.json("POST", f"{_PATH}/completions", Completion, body)
        return answer.model_copy(update={"theo_mcp": _by_hosted(answer.model)})

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        """``POST /api/v1/completions`` with ``format: "openai"``."""
        check_prompt(request.prompt, self._max_prompt_chars)
        body = request.model_copy(update={"stream": None, "format": "openai"}).body()
        _tell(observe, "sent")
        answer = await self._http.json("POST", f"{_PATH}/completions", ChatCompletion, body)
        return answer.model_copy(update={"theo_mcp": _by_hosted(Model(id=answer.model))})

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        """``POST /api/v1/completions`` with ``stream: true``; leaving the context closes the socket."""
        check_prompt(request.prompt, self._max_prompt_chars)
        body = request.model_copy(update={"stream": True, "format": None}).body()
        async with (
            self._http.events(f"{_PATH}/completions", body) as events,
            aclosing(_completion_events(events)) as read,
        ):
            yield read

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        """``POST /api/v1/code``."""
        check_prompt(request.prompt, self._max_prompt_chars)
        _tell(observe, "sent")
        answer = await self._http.json("POST", f"{_PATH}/code", Code, request.body())
        return answer.model_copy(update={"theo_mcp": _by_hosted(Model())})

    async def models(self) -> Models:
        """``GET /api/v1/models``: also the cheapest check of a key."""
        answer = await self._http.json("GET", f"{_PATH}/models", Models)
        return answer.model_copy(update={"theo_mcp": _by_hosted(Model())})

    async def health(self) -> Health:
        """``GET /api/v1/health``: sent without the key; 503 is an answer here."""
        answer = await self._http.json("GET", f"{_PATH}/health", Health, authenticate=False, accept_status=(503,))
        return answer.model_copy(update={"theo_mcp": _by_hosted(Model())})

    def with_options(self, options: Options) -> Self:
        """A client over the same connections whose calls follow `options`; close only the first."""
        other = copy.copy(self)
        other._http = self._http.with_options(options)  # noqa: SLF001 - its own
        return other

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _completion_events(events: AsyncIterator[ServerSentEvent]) -> AsyncGenerator[CompletionEvent, None]:
    """Reads the stream up to its terminator; whatever else ends it is an error with the text so far."""
    model = Model()
    text: list[str] = []
    try:
        async for sent in events:
            if sent.event == WHOLE_REPLY:
                for known in _events_of(Completion.model_validate(read_json(sent.data))):
                    yield known
                return
            if sent.event == "error":
                message, code, request_id = parse_error(sent.data.encode())
                raise errors.StreamError(
                    message or "Theo ended the stream with an error.", code=code, request_id=request_id, attempts=1
                )
            try:
                event = parse_event(sent.event, sent.data)
            except ValueError:
                raise errors.ProtocolError(f"Theo sent a {sent.event} event that is not JSON.", attempts=1) from None
            match event:
                case None:
                    continue
                case Token():
                    text.append(event.token)
                case Meta():
                    model = event.model
                    event = event.model_copy(update={"theo_mcp": _by_hosted(model)})
                case Done():
                    yield event.model_copy(update={"theo_mcp": _by_hosted(model)})
                    return
                case _:
                    pass
            yield event
        raise errors.StreamError(
            "Theo's stream ended before the answer was complete.",
            hint="What came so far is kept; the work may have been billed, so look before you call again.",
            attempts=1,
        )
    except errors.TheoError as error:
        error.partial = "".join(text)
        raise


def _events_of(answer: Completion) -> list[CompletionEvent]:
    """The events of an answer that came whole, from a service that does not stream."""
    about = _by_hosted(answer.model)
    meta = Meta(mode=answer.mode, resolved_mode=answer.resolved_mode, model=answer.model, theo_mcp=about)
    done = Done.model_validate(answer.model_dump(by_alias=True, exclude={"model"}))
    return [meta, Token(token=answer.content), done.model_copy(update={"theo_mcp": about})]


def _by_hosted(model: Model) -> Extension:
    return Extension(backend="hosted", engine=model.engine or "theo", model=model.id)


def _canonical(url: str) -> str:
    """The origin that Theo answers from: the apex redirects, and a redirect drops the key."""
    parts = urlsplit(url.removesuffix(_PATH))
    if parts.hostname == _APEX:
        parts = parts._replace(netloc="www." + parts.netloc)
    return urlunsplit(parts).rstrip("/")


def _tell(observe: Observe | None, phase: str) -> None:
    if observe is not None:
        observe(phase)
