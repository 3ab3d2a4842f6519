"""The description of every endpoint as OpenAPI 3.1, made from the wire models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

from pydantic import JsonValue
from pydantic.json_schema import models_json_schema

from theo_mcp.gateway.call import Endpoint
from theo_mcp.wire.events import ArtifactEvent, Done, GenuiMeta, Meta, Skills, Token, ToolEvent
from theo_mcp.wire.getcode import GenerateDone, GenerateError, GenerateQueue, GenerateToken
from theo_mcp.wire.model import Reply, Request

_WHY: Final[Mapping[int, str]] = {
    400: "The request is wrong: validation_error, missing_prompt, invalid_format or empty_prompt.",
    401: "The key is missing or not accepted: invalid_api_key, key_expired.",
    402: "The key has no credits left: insufficient_credits.",
    403: "The key lacks a scope: missing_scope.",
    404: "There is no such thing: not_found.",
    409: "The Idempotency-Key was used for another body: conflict.",
    413: "The body is too large: validation_error.",
    422: "It cannot be made as it is asked for: image_engine_required.",
    429: "The limit of the plan is reached: rate_limit_exceeded, mode_rate_limit_exceeded, token_limit_exceeded.",
    500: "The gateway failed: server_error.",
    501: "It is documented, and not available here: not_available_here.",
    502: "The model server failed: server_error.",
    503: "No model is free, or the gateway is being stopped: queue_unavailable, server_error.",
}
_ALWAYS: Final = (500, 501)
_STREAMS: Final[Mapping[str, tuple[type[Reply], ...]]] = {
    "/api/v1/completions": (Meta, Skills, GenuiMeta, ToolEvent, ArtifactEvent, Token, Done),
    "/api/generate": (GenerateQueue, GenerateToken, GenerateDone, GenerateError),
}
_VARIABLE: Final = re.compile(r"\{(\w+)\}")
_REFERENCE: Final = "#/components/schemas/{model}"
_THEO_ERROR: Final[JsonValue] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code", "request_id"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "code": {"type": "string"},
                "request_id": {"type": ["string", "null"]},
            },
        }
    },
}
_GETCODE_ERROR: Final[JsonValue] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}


def description(endpoints: Sequence[Endpoint]) -> dict[str, JsonValue]:
    """The whole document."""
    taken = [endpoint.takes for endpoint in endpoints if endpoint.takes is not None]
    given = [endpoint.gives for endpoint in endpoints if endpoint.gives is not None]
    events = [event for stream in _STREAMS.values() for event in stream]
    names, schemas = models_json_schema(
        [*((model, "validation") for model in dict.fromkeys([*taken, *given, *events]))], ref_template=_REFERENCE
    )
    references: dict[type[Request] | type[Reply], JsonValue] = {}
    for (model, _), reference in names.items():
        if issubclass(model, Request | Reply):
            references[model] = {"$ref": str(reference["$ref"])}
    definitions = schemas.get("$defs", {})
    for definition in definitions.values():
        definition.pop("additionalProperties", None)  # unknown fields are ignored, here and in answers
    paths: dict[str, JsonValue] = {}
    for endpoint in endpoints:
        of_path = paths.setdefault(endpoint.path, {})
        assert isinstance(of_path, dict)
        of_path[endpoint.method.lower()] = _operation(endpoint, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Theo and GetCode, served by theo-mcp", "version": version("theo-mcp")},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions, "TheoError": _THEO_ERROR, "GetCodeError": _GETCODE_ERROR},
        },
    }


def _operation(endpoint: Endpoint, references: Mapping[type[Request] | type[Reply], JsonValue]) -> dict[str, JsonValue]:
    parameters: list[JsonValue] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(endpoint.path)
    ]
    if endpoint.works:
        parameters.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    operation: dict[str, JsonValue] = {
        "summary": endpoint.summary,
        "operationId": f"{endpoint.method.lower()}{re.sub(r'[^a-z]+', '_', endpoint.path.lower()).rstrip('_')}",
        "parameters": parameters,
        "responses": _responses(endpoint, references),
    }
    if endpoint.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": references[endpoint.takes]}},
        }
    if not endpoint.keyed:
        operation["security"] = []
    return operation


def _responses(endpoint: Endpoint, references: Mapping[type[Request] | type[Reply], JsonValue]) -> dict[str, JsonValue]:
    content: dict[str, JsonValue] = {}
    if endpoint.gives is not None and endpoint.path != "/api/generate":
        content["application/json"] = {"schema": references[endpoint.gives]}
    if stream := _STREAMS.get(endpoint.path):
        content["text/event-stream"] = {"schema": {"oneOf": [references[event] for event in stream]}}
    responses: dict[str, JsonValue] = {}
    if 501 not in endpoint.refuses:
        responses[str(endpoint.status)] = {"description": endpoint.summary, "content": content}
    schema = f"#/components/schemas/{'TheoError' if endpoint.api == 'theo' else 'GetCodeError'}"
    keyed = (401, 429, *((403,) if endpoint.scope else ())) if endpoint.keyed else ()
    working = (409, 413, 502, 503) if endpoint.works else ()
    for status in sorted({*keyed, *working, *endpoint.refuses, *_ALWAYS}):
        responses[str(status)] = {
            "description": _WHY[status],
            "content": {"application/json": {"schema": {"$ref": schema}}},
        }
    return responses
