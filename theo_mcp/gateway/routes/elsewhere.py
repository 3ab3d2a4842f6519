"""What Theo's documents have and this gateway has not: 501 with a sentence, so that nobody looks for a typing error."""

from __future__ import annotations

from typing import Final, NoReturn

from theo_mcp.gateway.call import Call, Endpoint
from theo_mcp.gateway.refusals import Refusal

_PATHS: Final = (
    ("POST", "audio/tts", "Text to speech"),
    ("POST", "audio/stt", "Speech to text"),
    ("GET", "skills/{id}/versions", "Versions of a skill"),
    ("GET", "skills/{id}/reviews", "Reviews of a skill"),
    ("POST", "skills/create", "Creating a skill"),
    ("POST", "skills/submit", "Submitting a skill"),
    ("GET", "usage/export", "Exporting the usage"),
    ("GET", "benchmarks", "Benchmarks"),
    ("POST", "rate-limits/request-increase", "Asking for a higher limit"),
    *((method, "settings", "Settings") for method in ("GET", "PATCH")),
    ("POST", "keys", "Making keys over HTTP"),
    ("GET", "audit", "The audit log"),
    *(
        (method, name, told)
        for name, told in (
            ("workflows", "Workflows"),
            ("webhooks", "Webhooks"),
            ("hooks", "Hooks"),
            ("events", "Events"),
            ("evi/canvases", "Canvases"),
            ("browser/sessions", "Browser sessions"),
            ("guardrail-policies", "Guardrail policies"),
            ("routing-preferences", "Routing preferences"),
        )
        for method in ("GET", "POST")
    ),
    ("POST", "billing/checkout", "Billing"),
    ("POST", "billing/portal", "Billing"),
)
_INSTEAD: Final = {
    "POST keys": "`theo-mcp gateway keys create` makes one.",
    "GET audit": "`theo-mcp history --requests` shows it, on the machine itself.",
}


async def _not_here(call: Call) -> NoReturn:
    name = call.endpoint.path.removeprefix("/api/v1/")
    instead = _INSTEAD.get(f"{call.endpoint.method} {name}", "")
    raise Refusal(501, "not_available_here", f"{call.endpoint.summary}: not available here. {instead}".rstrip())


ENDPOINTS = tuple(
    Endpoint(method, f"/api/v1/{path}", summary, _not_here, refuses=(501,)) for method, path, summary in _PATHS
)
