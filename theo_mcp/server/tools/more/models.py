"""``theo_models``: which engine answers each mode."""

from __future__ import annotations

from pydantic import JsonValue

from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.call import Call
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool


class ModelsArguments(Arguments):
    """It takes none."""


async def _run(call: Call, arguments: ModelsArguments) -> Reply:
    answer = await call.backend.theo.models()
    lines = [
        " · ".join(part for part in (entry.mode, entry.model_id, entry.label, entry.engine, entry.description) if part)
        for entry in answer.models
    ]
    models: list[JsonValue] = [
        entry.model_dump(include={"mode", "model_id", "label", "engine", "description"}) for entry in answer.models
    ]
    return results.reply_of(
        "\n".join(lines) or "No model is listed.", {"models": models}, results.who(answer.theo_mcp), answer.theo_mcp
    )


TOOL = Tool(
    name="theo_models",
    title="List models",
    description=(
        "Lists the modes, and the model and engine behind each. "
        "Use when model_overrides of theo_complete are to be set, or when asked which models there are. "
        "Not for checking the set-up (theo_status). "
        "Returns a line for each mode. Free; takes a second."
    ),
    arguments=ModelsArguments,
    run=_run,
    icon="M4 6h16M4 12h16M4 18h16",
    output={"status": "string", "models": "array"},
    read_only=True,
    idempotent=True,
)
