"""The application: every endpoint behind its gate, without I/O until a request comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from theo_mcp.gateway.call import Answer, Call, Endpoint, Whole
from theo_mcp.gateway.gate import Gate, Gateway
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.routes import all_endpoints
from theo_mcp.gateway.shown import dumped

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SHORT: Final = {
    "/health": "/api/v1/health",
    "/openapi.json": "/api/v1/openapi.json",
    "/v1/models": "/api/v1/models",
    "/v1/chat/completions": "/api/v1/chat/completions",
}
"""Where probes, and clients of OpenAI's API that are told no more than a host, look first."""
_SHOWN: Final = (
    "X-Request-Id", "Retry-After", "Theo-Api-Version", "Idempotency-Replayed", "X-Ratelimit-Limit-Requests",
    "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests", "X-Ratelimit-Limit-Tokens",
    "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
)  # fmt: skip


def build(gateway: Gateway, *, origins: Sequence[str] = (), pages: Sequence[BaseRoute] = ()) -> ASGIApp:
    """The ASGI application. `origins` are the web pages elsewhere that a browser may let call it, by default none;
    `pages` are the playground's."""
    home = Endpoint("GET", "/", "Where everything is", _playground if pages else _home, keyed=False)
    gates = {path: Gate(gateway, endpoints) for path, endpoints in _by_path([home, *all_endpoints()])}
    gates |= {short: gates[path] for short, path in _SHORT.items()}
    routes = [Route(path, gate) for path, gate in gates.items() if "{" in path]
    router = Router([*routes, *pages], redirect_slashes=False, default=_for_all(gateway, _nowhere))
    stranger = _for_all(gateway, _misdirected)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        found: ASGIApp = gates.get(scope["path"], router)  # most paths need no search
        await (found if gateway.knows(scope) else stranger)(scope, receive, send)

    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["*"],  # SDKs send many of their own
        expose_headers=list(_SHOWN),
        max_age=600,
    )


def _by_path(endpoints: Iterable[Endpoint]) -> list[tuple[str, list[Endpoint]]]:
    ordered = sorted(endpoints, key=lambda endpoint: endpoint.path)
    return [(path, list(group)) for path, group in groupby(ordered, key=lambda endpoint: endpoint.path)]


def _for_all(gateway: Gateway, work: Callable[[Call], Awaitable[Answer]]) -> Gate:
    return Gate(gateway, [Endpoint(method, "*", "", work, keyed=False) for method in _METHODS])


async def _misdirected(call: Call) -> Answer:
    raise Refusal(421, "bad_request", "This gateway is not known by that name; --allow-host adds one.")


async def _playground(call: Call) -> Answer:
    return Whole(b"{}", 303, {"location": "/playground"})


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
