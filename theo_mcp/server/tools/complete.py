"""``theo_complete``: a completion in any mode, streamed."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field, JsonValue, ValidationError

from theo_mcp.errors import InputError, TheoError
from theo_mcp.server import results
from theo_mcp.server.arguments import Arguments
from theo_mcp.server.attachments import attached
from theo_mcp.server.call import Call
from theo_mcp.server.files import MOST_FILES, fetch, not_saved, save, stem_of
from theo_mcp.server.project import project_of, tried, with_project, with_remarks
from theo_mcp.server.reply import Reply, SavedFile, one_line
from theo_mcp.server.tools import Tool
from theo_mcp.wire.words import MODES, Mode

if TYPE_CHECKING:
    from theo_mcp.wire.completions import Completion, CompletionRequest, InlineTool, Persona


class CompleteArguments(Arguments):
    """The documented fields of a completion, made flat."""

    prompt: str = Field(description='What to answer: "Explain microservices architecture".')
    mode: Mode | None = Field(None, description="How to answer; auto chooses by the prompt.")
    conversation_id: str | None = Field(
        None, description='Continues a conversation: "conv_1"; on this machine "new" begins one.'
    )
    skills: list[str] | None = Field(None, description='Slugs of skills: ["inventory-check"].')
    tools: list[str] | None = Field(
        None, description='Tools for the model, each as JSON: {"name": "…", "description": "…", "input_schema": {}}.'
    )
    persona: str | None = Field(None, description='theo, none, or a system prompt: "You are Atlas.".')
    temperature: float | None = Field(None, ge=0, le=2, description="0 (exact) to 2 (free).")
    max_iterations: int | None = Field(None, ge=1, le=20, description="Most steps of the agent loop; unsaid 8.")
    model_overrides: list[str] | None = Field(None, description='Engines by mode: ["code=theo-1-reason"].')
    metadata: list[str] | None = Field(None, description='Facts to echo and audit: ["team=web"].')
    component_library: str | None = Field(None, description='For mode genui: "theo".')
    attachments: list[str] | None = Field(None, description='Paths of images to look at: ["docs/login.png"].')
    fresh: bool | None = Field(None, description="Past the cache; a hosted service is sent a random word for it.")


def request_of(arguments: CompleteArguments) -> CompletionRequest:
    """The request that flat arguments stand for, without attachments.

    Raises:
        InputError: a tool is not a JSON tool definition, or a pair has no "=".
    """
    from theo_mcp.wire.completions import CompletionRequest

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


async def _run(call: Call, arguments: CompleteArguments) -> Reply:
    plain = request_of(arguments)
    if arguments.fresh:
        call, plain = _fresh(call, plain)
    if arguments.attachments:
        plain = plain.model_copy(update={"attachments": await attached(call.rooms, arguments.attachments)})
    project = await project_of(call.rooms)
    request = with_project(plain, project)
    reply = await tried(request, plain, lambda request: _answer(call, request, arguments.prompt))
    return with_remarks(reply, call.rooms, project)


def _fresh(call: Call, request: CompletionRequest) -> tuple[Call, CompletionRequest]:
    """Past the cache. The engine is told; a hosted service cannot be, and looks at the prompt, the mode, the skills and
    the tools and at nothing else."""
    if call.backend.theo_choice.answers != "hosted":
        caller = replace(call.backend.caller, fresh=True)
        return replace(call, backend=call.backend.for_caller(caller)), request
    nonce = f"\n\n(Answer anew: {secrets.token_hex(4)}.)" if request.prompt.strip() else ""
    return call, request.model_copy(update={"prompt": request.prompt + nonce})


async def _answer(call: Call, request: CompletionRequest, prompt: str) -> Reply:
    if request.mode in ("research", "video"):
        return await _by_job(call, request)
    completion = await _streamed(call, request)
    files, notes = await _saved(call, completion, prompt)
    completion, pages, unsaved = await _pages(call, completion, prompt)
    files, notes = [*files, *pages], [*notes, *unsaved]
    reply = results.completion(completion, files=files, notes=notes)
    return replace(reply, raw_name=f"{stem_of(prompt, 'completion')}.md")


async def _streamed(call: Call, request: CompletionRequest) -> Completion:
    """The completion, its text told as it comes."""
    from theo_mcp.wire.events import Gathered, Token
    from theo_mcp.wire.parts import now

    gathered = Gathered(request)
    async with call.backend.theo.stream(request) as events:
        async for event in events:
            gathered.add(event)
            if isinstance(event, Token):
                call.text(event.token)
    return gathered.completion(created=now())


async def _by_job(call: Call, request: CompletionRequest) -> Reply:
    """Research and video outlast a completion's request; the vendor answers them as jobs of their own."""
    from theo_mcp.server import jobs
    from theo_mcp.wire.jobs import ResearchRequest, VideoRequest

    plain = {"prompt", "mode"}
    left_out = sorted(name for name in request.model_fields_set - plain if getattr(request, name) is not None)
    notes = [f"The mode {request.mode} was answered by POST /{request.mode}, as a job."]
    if left_out:
        notes.append(f"It has no place for: {', '.join(left_out)}.")
    if request.mode == "research":
        return await jobs.research(call, ResearchRequest(prompt=request.prompt), notes)
    return await jobs.video(call, VideoRequest(prompt=request.prompt), notes)


async def _saved(call: Call, completion: Completion, prompt: str) -> tuple[list[SavedFile], list[str]]:
    """The files that the artifacts point to."""
    files: list[SavedFile] = []
    notes: list[str] = []
    places = [(artifact, url) for artifact in completion.artifacts for url in artifact.urls]
    for artifact, url in places[:MOST_FILES]:
        try:
            files.append(await fetch(call.backend, call.rooms, url, stem_of(artifact.title or prompt, "artifact")))
        except TheoError as error:
            name = one_line((artifact.title or artifact.type or artifact.id)[:60])
            notes.append(not_saved(f"The artifact {name}", url, error))
    if len(places) > MOST_FILES:
        notes.insert(0, f"{len(places) - MOST_FILES:,} more files of artifacts were not fetched.")
    return files, notes


async def _pages(call: Call, completion: Completion, prompt: str) -> tuple[Completion, list[SavedFile], list[str]]:
    """The pages of mode genui as files, and the completion without their HTML, which nobody reads in a result."""
    files: list[SavedFile] = []
    notes: list[str] = []
    artifacts = list(completion.artifacts)
    for place, artifact in enumerate(artifacts[:MOST_FILES]):
        if artifact.type != "genui" or not artifact.code:
            continue
        try:
            name = f"{stem_of(artifact.title or prompt, 'page')}.html"
            files.append(await save(call.rooms, name, artifact.code.encode("utf-8", "replace")))
            artifacts[place] = artifact.model_copy(update={"code": None})
        except TheoError as error:
            notes.append(f"The page was not saved: {error}")
    return completion.model_copy(update={"artifacts": tuple(artifacts)}), files, notes


def _persona(text: str | None) -> Persona | str | None:
    from theo_mcp.wire.completions import Persona

    return text if text in (None, "theo", "none") else Persona(system_prompt=text or "")


def _tool(text: str) -> InlineTool:
    from theo_mcp.wire.completions import InlineTool

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
        "Not for code alone (theo_code), pictures (theo_image) or sharpening a request (theo_improve). "
        "Returns the text, artifacts, who answered, tokens, cost in cents and ids. A hosted answer costs credits; "
        "on this machine it is free. Takes half a second to a minute; research and video take minutes."
    ),
    arguments=CompleteArguments,
    run=_run,
    icon="M4 5h16v11H9l-5 4z",
    api="theo",
)
