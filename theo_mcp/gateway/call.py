"""One request and its two kinds of answer, as the routes see them: a route is an `Endpoint`, a value in a list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from theo_mcp.gateway.bodies import BODY_BYTES, request_of
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.shown import shown
from theo_mcp.wire.model import Reply, Request

if TYPE_CHECKING:
    from theo_mcp.backend import Api, Backend
    from theo_mcp.gateway.credits import Spent
    from theo_mcp.gateway.gate import Gateway
    from theo_mcp.gateway.keys import Key, Scope
    from theo_mcp.gateway.plans import Counted

RequestT = TypeVar("RequestT", bound=Request)

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"


@dataclass(frozen=True)
class Whole:
    """An answer in one piece."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = JSON


@dataclass(frozen=True)
class Streamed:
    """An answer in frames. Nothing is sent before the first of them, so what fails before it has its status."""

    frames: AsyncGenerator[bytes, None]
    beat: bytes
    """Sent in silence."""
    failed: Callable[[Refusal, str], bytes]
    """The last frame of a stream that fails, from the reason and the request's id."""


Answer: TypeAlias = Whole | Streamed


@dataclass
class Call:
    """One request whose key is known and whose body is read."""

    endpoint: Endpoint
    gateway: Gateway
    id: str
    """The request's id, which every answer carries."""
    key: Key
    backend: Backend
    """In the name of the key."""
    fields: Mapping[str, object]
    """The body's fields."""
    query: Mapping[str, str]
    path: Mapping[str, str]
    spent: Spent
    """To be filled in by the route, as far as it is known."""

    def read(self, model: type[RequestT]) -> RequestT:
        """The body as `model`.

        Raises:
            Refusal: it is not one.
        """
        return request_of(model, self.fields, self.endpoint.no_prompt)

    def whole(self, answer: Reply, **more: object) -> Whole:
        """`answer` with the status of this endpoint, and the fields `more`."""
        return Whole(shown(answer, **more), self.endpoint.status)


@dataclass(frozen=True)
class Endpoint:
    """One method of one path."""

    method: str
    path: str
    summary: str
    work: Callable[[Call], Awaitable[Answer]]
    takes: type[Request] | None = None
    gives: type[Reply] | None = None
    status: int = 200
    api: Api = "theo"
    scope: Scope | None = None
    """What the key must be allowed to do."""
    keyed: bool = True
    no_prompt: str = "validation_error"
    """The documented code where the prompt is missing."""
    mode: str = ""
    """Whose limit of the plan counts: a mode of Theo; ``*`` for the one in the body."""
    counted: Counted | None = None
    """Whose limit of GetCode counts."""
    works: bool = False
    """Whether it has a model work, which credits pay and an Idempotency-Key makes one."""
    most: int = BODY_BYTES
    refuses: tuple[int, ...] = ()
    """The statuses that the documents name beside those of every endpoint."""
