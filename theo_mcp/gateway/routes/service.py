"""What the gateway says of itself: models, health, limits, and the description of all of it."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

from theo_mcp.gateway.call import Answer, Call, Endpoint, Whole
from theo_mcp.gateway.refusals import Refusal
from theo_mcp.gateway.shown import dumped, fields_of, shown
from theo_mcp.wire.model import Reply
from theo_mcp.wire.service import Health, Models

_AUTO: Final = "theo-1-auto"
_CREATED: Final = 1_774_656_000  # of the version 2026-03-28; when a model was made is not known here


async def _models(call: Call) -> Answer:
    """Theo's rows, and beside them the same as OpenAI's list, so that the clients of both find theirs."""
    models = await call.backend.theo.models()
    return Whole(dumped({**fields_of(models), "object": "list", "data": _rows(models)}))


async def _model(call: Call) -> Answer:
    """One row of OpenAI's list, as its clients retrieve it."""
    found = [row for row in _rows(await call.backend.theo.models()) if row["id"] == call.path["id"]]
    if not found:
        raise Refusal(404, "not_found", "There is no such model; /api/v1/models lists those that are.")
    return Whole(dumped(found[0]))


def _rows(models: Models) -> list[dict[str, JsonValue]]:
    owners = {_AUTO: "theo-mcp"} | {entry.model_id: entry.engine for entry in models.models if entry.model_id}
    return [
        {"id": id, "object": "model", "created": _CREATED, "owned_by": owner or "theo-mcp"}
        for id, owner in owners.items()
    ]


async def _health(call: Call) -> Answer:
    """Whoever has no key is not told where the servers are."""
    health, fresh = await call.gateway.health()
    if not call.key.id and health.theo_mcp.notice:
        about = health.theo_mcp.model_copy(update={"notice": "What is amiss is told to whoever asks with a key."})
        health = health.model_copy(update={"theo_mcp": about})
    down = health.status == "down"
    headers = {"x-cache": "MISS" if fresh else "HIT"} | ({"retry-after": "30"} if down else {})
    return Whole(shown(health), 503 if down else 200, headers)


async def _limits(call: Call) -> Answer:
    credits = call.key.credits
    left = await call.gateway.credits.left(call.key)
    return Whole(
        dumped(
            {
                "tier": call.key.plan,
                "limits": call.gateway.minutes.report(call.key),
                "credits": None if credits is None else {"given_cents": credits, "left_cents": left},
            }
        )
    )


async def _description(call: Call) -> Answer:
    from theo_mcp.gateway.openapi import description
    from theo_mcp.gateway.routes import all_endpoints

    return Whole(dumped(description(all_endpoints())))


ENDPOINTS = (
    Endpoint("GET", "/api/v1/models", "List the models", _models, None, Models),
    Endpoint("GET", "/api/v1/models/{id}", "One model, as OpenAI has it", _model, None, Reply, refuses=(404,)),
    Endpoint("GET", "/api/v1/health", "Whether a model can answer", _health, None, Health, keyed=False),
    Endpoint("GET", "/api/v1/rate-limits", "The limits of the key, and how it stands", _limits, None, Reply),
    Endpoint("GET", "/api/v1/openapi.json", "This description", _description, None, Reply, keyed=False),
)
