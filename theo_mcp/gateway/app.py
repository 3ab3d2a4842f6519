"""The application: every endpoint behind its gate, without I/O until a request comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from theo_mcp.gateway.call import Answer, Call, Endpoint, Whole
from theo_mcp.gateway.gate import Gate, Gateway
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.routes import all_endpoints
from theo_mcp.gateway.shown import dumped

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SHOWN: Final = (
    "X-Request-Id", "Retry-After", "Theo-Api-Version", "Idempotency-Replayed", "X-Ratelimit-Limit-Requests",
    "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests", "X-Ratelimit-Limit-Tokens",
    "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
)  # fmt: skip


def build(gateway: Gateway, *, origins: Sequence[str] = ()) -> ASGIApp:
    """The ASGI application. `origins` are the web pages elsewhere that a browser may let call it; by default none."""
    gates = {path: Gate(gateway, endpoints) for path, endpoints in _by_path([_HOME, *all_endpoints()])}
    routes = [Route(path, gate) for path, gate in gates.items() if "{" in path]
    nowhere = Gate(gateway, [Endpoint(method, "*", "", _nowhere, keyed=False) for method in _METHODS])
    router = Router(routes, redirect_slashes=False, default=nowhere)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        gate: ASGIApp = gates.get(scope.get("path", ""), router)  # most paths need no search
        await gate(scope, receive, send)

    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
        expose_headers=list(_SHOWN),
        max_age=600,
    )


def _by_path(endpoints: Iterable[Endpoint]) -> list[tuple[str, list[Endpoint]]]:
    ordered = sorted(endpoints, key=lambda endpoint: endpoint.path)
    return [(path, list(group)) for path, group in groupby(ordered, key=lambda endpoint: endpoint.path)]


async def _home(call: Call) -> Answer:
    return Whole(
        dumped(
            {
                "service": "theo-mcp gateway",
                "theo": "/api/v1/completions",
                "getcode": "/api/generate",
                "openai": "/api/v1/chat/completions",
                "description": "/api/v1/openapi.json",
            }
        )
    )


async def _nowhere(call: Call) -> Answer:
    raise Refusal(404, "not_found", "There is no such path; /api/v1/openapi.json lists those that are.")


_HOME: Final = Endpoint("GET", "/", "Where everything is", _home, keyed=False)
