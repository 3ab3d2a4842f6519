"""GetCode over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from theo_mcp.backend import Observe, check_prompt
from theo_mcp.hosted.generated import by_getcode, generate_events
from theo_mcp.hosted.service import HostedService
from theo_mcp.http.address import checked_base_url
from theo_mcp.http.client import HttpClient
from theo_mcp.http.library import AsyncClient
from theo_mcp.http.options import Limits, Options, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.keys import required_key
from theo_mcp.secret import Secret
from theo_mcp.wire.getcode import (
    Analysed,
    GenerateEvent,
    GenerateRequest,
    Improved,
    ImproveRequest,
    UploadRequest,
)

BASE_URL = "https://getcode.one"
# Its limits are for each endpoint and rolling hour: to ask again before the time that it named is a request lost.
_HOUR_S = 3600.0
_GENERATE = "generate_content"  # what the GenAI conventions call it


class GetCodeClient(HostedService):
    """GetCode's hosted service.

    ``async with GetCodeClient("gc_…") as code: await code.improve(ImproveRequest(prompt="…", output_type="api"))``

    Which plan may call what is the service's to say: nothing is refused here for a plan.

    Raises:
        ConfigError: the key cannot be sent as it stands, or the base URL is not one that a key may be sent to.
    """

    api = "getcode"

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
        url = checked_base_url(base_url, "getcode_base_url", allow_insecure_http=allow_insecure_http)
        http = HttpClient(
            url,
            required_key(api_key, "GetCode"),
            service="GetCode",
            billed=True,
            options=Options(timeouts=timeouts, limits=limits, policy=retries),
            limits_per_path=True,
            longest_pause=_HOUR_S,
            http_client=http_client,
        )
        super().__init__(http, max_prompt_chars)

    @asynccontextmanager
    async def generate(self, request: GenerateRequest) -> AsyncIterator[AsyncIterator[GenerateEvent]]:
        """``POST /api/generate``, streamed. The last event is `GenerateDone`; a stream that fails or ends before it
        raises an error whose ``partial`` has the text so far. Leaving the context closes the socket."""
        check_prompt(request.prompt, self._max_prompt_chars)
        async with (
            self._http.events("/api/generate", request.body(), operation=_GENERATE) as events,
            aclosing(generate_events(events, events.answered, events.ended)) as read,
        ):
            yield read

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        """``POST /api/improve``."""
        check_prompt(request.prompt, self._max_prompt_chars)
        answer = await self._http.json(
            "POST", "/api/improve", Improved, request.body(), operation=_GENERATE, observe=observe
        )
        return answer.model_copy(update={"theo_mcp": by_getcode(answer.theo_mcp)})

    async def upload(self, request: UploadRequest, *, observe: Observe | None = None) -> Analysed:
        """``POST /api/upload``: a file in, a prompt for `generate` out. The caller checks the file's size."""
        answer = await self._http.json(
            "POST", "/api/upload", Analysed, request.body(), operation=_GENERATE, observe=observe
        )
        return answer.model_copy(update={"theo_mcp": by_getcode(answer.theo_mcp)})
