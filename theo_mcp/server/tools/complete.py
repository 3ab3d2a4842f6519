"""``theo_complete``: a completion in any mode, streamed."""

from __future__ import annotations

from pydantic import Field, JsonValue, ValidationError

from theo_mcp.backend import Backend
from theo_mcp.errors import InputError
from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.progress import Progress
from theo_mcp.server.reply import Reply
from theo_mcp.server.tools import Tool
from theo_mcp.wire.completions import MODES, Completion, CompletionRequest, InlineTool, Mode, Persona
from theo_mcp.wire.events import Gathered, Token
from theo_mcp.wire.parts import now


class CompleteArguments(Arguments):
    """The documented fields of a completion, made flat."""

    prompt: str = Field(description='What to answer, such as "Explain microservices architecture".')
    mode: Mode | None = Field(None, description="How to answer; auto (the default) chooses by the prompt.")
    conversation_id: str | None = Field(None, description="Continue this conversation; the id is in earlier results.")
    skills: list[str] | None = Field(None, description='Slugs of skills to activate, such as ["inventory-check"].')
    tools: list[str] | None = Field(
        None,
        description="Tools that the model may call, each one JSON text: "
        '{"name": "…", "description": "…", "input_schema": {}}.',
    )
    persona: str | None = Field(None, description="theo (the default), none, or the text of a system prompt.")
    temperature: float | None = Field(None, ge=0, le=2, description="Sampling temperature, 0 (exact) to 2 (free).")
    max_iterations: int | None = Field(None, ge=1, le=20, description="Most steps of the agent loop, 1 to 20 (8).")
    model_overrides: list[str] | None = Field(
        None, description='Engines to use for modes, each as mode=engine-id, such as ["code=theo-1-reason"].'
    )
    metadata: list[str] | None = Field(None, description='Facts to echo and audit, each as key=value: ["team=web"].')
    component_library: str | None = Field(None, description="The component library for the mode genui.")


def request_of(arguments: CompleteArguments) -> CompletionRequest:
    """The request that flat arguments stand for.

    Raises:
        InputError: a tool is not a JSON tool definition, or a pair has no "=".
    """
    overrides = _pairs("model_overrides", arguments.model_overrides)
    unknown = next((mode for mode in overrides or {} if mode not in MODES), None)
    if unknown is not None:
        raise InputError(
            f"The argument 'model_overrides' names {unknown[:60]!r}, which is not a mode.",
            hint=f"The modes are: {', '.join(MODES)}.",
        )
    return CompletionRequest(
        prompt=arguments.prompt,
        mode=arguments.mode,
        conversation_id=arguments.conversation_id,
        skills=tuple(arguments.skills) if arguments.skills else None,
        tools=tuple(_tool(text) for text in arguments.tools) if arguments.tools else None,
        persona=_persona(arguments.persona),
        temperature=arguments.temperature,
        max_iterations=arguments.max_iterations,
        model_overrides=overrides,
        metadata=dict[str, JsonValue](metadata) if (metadata := _pairs("metadata", arguments.metadata)) else None,
        component_library=arguments.component_library,
    )


async def streamed(backend: Backend, request: CompletionRequest, progress: Progress) -> Completion:
    """The completion, its text going to `progress` as it comes."""
    gathered = Gathered(request)
    async with backend.theo.stream(request) as events:
        async for event in events:
            gathered.add(event)
            if isinstance(event, Token):
                progress.text(event.token)
    return gathered.completion(created=now())


async def _run(backend: Backend, arguments: CompleteArguments, progress: Progress) -> Reply:
    return results.completion(await streamed(backend, request_of(arguments), progress))


def _persona(text: str | None) -> Persona | str | None:
    return text if text in (None, "theo", "none") else Persona(system_prompt=text or "")


def _tool(text: str) -> InlineTool:
    try:
        return InlineTool.model_validate_json(text)
    except ValidationError:
        raise InputError(
            "The argument 'tools' holds a text that is not a JSON tool definition.",
            hint='One looks like {"name": "check_stock", "description": "…", "input_schema": {"type": "object"}}.',
        ) from None


def _pairs(name: str, texts: list[str] | None) -> dict[str, str] | None:
    if not texts:
        return None
    pairs = [text.partition("=") for text in texts]
    if not all(equals and key.strip() for key, equals, _ in pairs):
        raise InputError(
            f"The argument {name!r} holds a text without a name or '='.", hint="Each looks like key=value."
        )
    return {key.strip(): value.strip() for key, _, value in pairs}


TOOL = Tool(
    name="theo_complete",
    title="Complete with Theo",
    description=(
        "Answers a prompt in one of nine modes: quick, reasoned, code, research and more. "
        "Use when you want text, an explanation or a second opinion, or an answer that streams. "
        "Not for code alone (theo_code) or for sharpening a request (theo_improve). "
        "Returns the text, who answered, tokens, cost in cents and ids. A hosted answer costs credits; "
        "on this machine it is free. Takes from half a second to a minute."
    ),
    arguments=CompleteArguments,
    run=_run,
)
