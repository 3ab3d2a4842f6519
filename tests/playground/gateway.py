"""The page and both fakes on one origin and behind one key, as the gateway has them."""

from __future__ import annotations

import anyio

from theo_mcp.gateway.playground import asset, page
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.http import Exchange, Handler, HttpServer

KEY = theo.KEY
_LIMITS = {"x_request_id": "req_7f3a", "x_ratelimit_limit_requests": "60", "x_ratelimit_remaining_requests": "9"}
LIMITS = {**_LIMITS, "x_ratelimit_reset_requests": "58s"}
"""The headers of an answer whose key is near its limit."""


class FakeGateway(HttpServer):
    """Serves the playground and hands each API's requests to its fake. Handlers queued in `next_call` answer the coming
    calls of an API that are not the page's look at models and skills."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.theo = theo.FakeTheo()
        self.getcode = getcode.FakeGetCode()
        self.calls: list[Exchange] = []
        self.skills_may_come: anyio.Event | None = None
        """Until then the list of skills is not told."""

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        name = request.path.removeprefix("/playground/")
        file = page() if request.path == "/playground" else asset(name) if name != request.path else None
        if file is not None:
            headers = {header.replace("-", "_"): value for header, value in file.headers.items()}
            await exchange.reply(200, file.body, content_type=file.content_type, **headers)
            return
        if request.path not in ("/api/v1/models", "/api/v1/skills"):
            self.calls.append(exchange)
            if self.next_call:
                await self.next_call.pop(0)(exchange)
                return
        if request.path == "/api/v1/skills" and self.skills_may_come is not None:
            await self.skills_may_come.wait()
        if request.path.startswith("/api/v1/"):
            await self.theo._answer(exchange)
            return
        if request.headers.get("authorization") == f"Bearer {KEY}":
            request.headers["authorization"] = f"Bearer {getcode.KEY}"
        await self.getcode._answer(exchange)

    @property
    def next_call(self) -> list[Handler]:
        return self.theo.next
