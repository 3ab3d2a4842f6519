"""The answer to one request as it goes out: its headers, a stream's heartbeat, and a reader that stalls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import anyio
from starlette.types import Send

from theo_mcp.gateway.call import EVENTS, Whole
from theo_mcp.gateway.patience import Patience
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.replays import Kept

if TYPE_CHECKING:
    from theo_mcp.backend import Api

VERSION: Final = b"2026-03-28"
GONE: Final = 499
"""The status of a request whose client left before it had one."""
Header = tuple[bytes, bytes]


class Outgoing:
    """One answer. Nothing is held back but by the socket: a reader that is slow slows the model."""

    def __init__(self, send: Send, id: str, api: Api, patience: Patience) -> None:
        self.id = id
        self.status = 0
        self.code = ""
        """Of what it was refused for, or broke of."""
        self.beat = b""
        self.failed: Callable[[Refusal, str], bytes] | None = None
        self.limits: Callable[[], list[Header]] = list
        self._api = api
        self._send = send
        self._patience = patience
        self.ended = False
        self._last = anyio.current_time()
        self._blocked = False

    async def whole(self, answer: Whole) -> None:
        """An answer in one piece."""
        length = (b"content-length", str(len(answer.body)).encode())
        more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
        await self._start(answer.status, answer.media, [length, *more])
        await self._body(answer.body, last=True)

    async def frame(self, data: bytes) -> None:
        """A frame of a stream, which begins with the first."""
        if not self.status:
            await self._begin()
        await self._body(data)

    async def end(self) -> None:
        """The end of a stream."""
        if not self.status:
            await self._begin()
        await self._body(b"", last=True)

    async def refuse(self, refusal: Refusal) -> None:
        """A no: with its status, or, once a stream has begun, as its last event."""
        if self.ended:
            return
        self.code = refusal.code
        if not self.status:
            headers = dict(refusal.headers)
            if refusal.wait is not None:
                headers["retry-after"] = refusal.wait
            await self.whole(Whole(refusal.body(self._api, self.id), refusal.status, headers))
        elif self.failed is not None:
            await self._body(self.failed(refusal, self.id), last=True)

    async def replay(self, kept: Kept) -> None:
        """An answer that was given before."""
        body = "".join(kept.parts).encode()
        await self.whole(Whole(body, kept.status, {"idempotency-replayed": "true"}, kept.media))

    async def pulse(self, stop: Callable[[str], None]) -> None:
        """Keeps a silent stream alive, and stops one whose reader takes nothing any more."""
        patience = self._patience
        while not self.ended:
            quiet = anyio.current_time() - self._last
            limit = patience.stalled if self._blocked else patience.silent if self.status else patience.first
            if quiet < limit:
                await anyio.sleep(limit - quiet)
            elif self._blocked:
                stop("slow")
                return
            elif not self.status:
                await self._begin()
                await self._body(self.beat)
            else:
                await self._body(self.beat)

    async def _begin(self) -> None:
        await self._start(200, EVENTS, [(b"x-accel-buffering", b"no")])

    async def _start(self, status: int, media: str, headers: list[Header]) -> None:
        self.status = status
        common = [
            (b"content-type", media.encode()),
            (b"x-request-id", self.id.encode()),
            (b"theo-api-version", VERSION),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await self._send(
            {"type": "http.response.start", "status": status, "headers": [*common, *self.limits(), *headers]}
        )

    async def _body(self, data: bytes, *, last: bool = False) -> None:
        self._blocked = True
        self.ended = self.ended or last
        try:
            await self._send({"type": "http.response.body", "body": data, "more_body": not last})
        finally:
            self._blocked = False
            self._last = anyio.current_time()
