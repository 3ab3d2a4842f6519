"""Stage five: what the caller gets beside the text: usage, follow-ups, checks, and an honest word on who answered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from theo_mcp.artifacts import check, fences
from theo_mcp.engine.classify import Intent
from theo_mcp.engine.providers import ServedModel
from theo_mcp.engine.repetition import NOTICE
from theo_mcp.engine.routing import Route
from theo_mcp.engine.skills import Prepared
from theo_mcp.engine.working import Working
from theo_mcp.wire.completions import Code, Completion, CompletionRequest
from theo_mcp.wire.events import Done, Meta
from theo_mcp.wire.model import Check, Extension
from theo_mcp.wire.openai import ChatUsage
from theo_mcp.wire.parts import Artifact, FollowUp, Model, Usage

DRAFT_NOTICE: Final = (
    "A draft by the small built-in model: read it before you use it. For better answers set THEO_API_KEY, name a model "
    "server with --engine-url (Ollama: http://127.0.0.1:11434/v1), or add a larger model with "
    "`theo-mcp engine pull --from-file MODEL.gguf`."
)
_FOLLOW_UP_CHARS = 200


def meta(request: CompletionRequest, intent: Intent, model: ServedModel) -> Meta:
    """The stream's first event."""
    return Meta(
        id=new_id("cmpl"),
        mode=request.mode or "auto",
        resolved_mode=intent.mode,
        model=Model(id=model.id, label=model.label, engine=model.engine),
        theo_mcp=about(model),
    )


def done(
    request: CompletionRequest, intent: Intent, prepared: Prepared, route: Route, working: Working, id: str
) -> Done:
    """The stream's last event."""
    answer = fences.read(working.text) if intent.mode == "code" else fences.Answer(())
    checks = tuple(_check(block) for block in answer.blocks)
    suggested = follow_ups(request.prompt, intent.mode, checks[0].language if checks else "")
    return Done(
        id=id,
        content=working.text,
        follow_ups=suggested,
        usage=usage(working.usage, route.model),
        metadata=request.metadata,
        structured_output=working.structured_output,
        skills_active=prepared.active,
        theo_mcp=about(
            route.model,
            working,
            checks=checks,
            follow_ups="rule" if suggested else "",
            notices=[*prepared.notices, *working.notices],
        ),
    )


def code(completion: Completion, language_hint: str | None) -> Code:
    """A completion in mode code as the answer of the code endpoint: the code alone, files as artifacts."""
    answer = fences.read(completion.content)
    blocks = answer.blocks or (fences.Block(language_hint or "", "", completion.content),)
    named = [block for block in blocks if block.file]
    if len(named) > 1:  # several files; an unnamed block before them is the code that they belong to
        shown = named if blocks[0].file else [blocks[0], *named]
    else:
        wanted = check.check(language_hint, " ").language if language_hint else ""
        shown = [next((block for block in blocks if wanted and _check(block).language == wanted), blocks[0])]
    main = shown[0]
    # Further blocks of one unnamed answer are examples of use and variants; they stay with the explanation.
    explanation = answer.without(shown) if answer.blocks else ""
    checks = tuple(_check(block, language_hint) for block in shown)
    artifacts = tuple(
        Artifact(id=new_id("art"), type="code", title=block.file, code=block.code, language=checked.language)
        for block, checked in zip(shown, checks, strict=True)
        if len(shown) > 1
    )
    return Code(
        id=completion.id.replace("cmpl_", "code_"),
        created=completion.created,
        content=main.code,
        artifacts=artifacts,
        usage=completion.usage,
        theo_mcp=completion.theo_mcp.model_copy(
            update={"explanation": explanation, "checks": checks, "follow_ups": ""}
        ),
    )


def about(
    model: ServedModel,
    working: Working | None = None,
    *,
    checks: tuple[Check, ...] = (),
    follow_ups: str = "",
    notices: Sequence[str] = (),
) -> Extension:
    """Who answered, and what the caller should know of it."""
    finish = working.finish_reason if working else ""
    notices = [*notices, *([DRAFT_NOTICE] if model.draft else [])]
    if finish == "length" and NOTICE not in notices:
        notices.append("The answer was cut at the longest that is allowed; max_output_tokens is a setting.")
    return Extension(
        backend="engine",
        engine=model.engine,
        model=model.id,
        draft=model.draft,
        notice=" ".join(notices),
        checks=checks,
        follow_ups=follow_ups,
        finish_reason=finish,
    )


def usage(counted: ChatUsage, model: ServedModel) -> Usage:
    """The server's own count. A model on this machine costs nothing; another server's price is not known here."""
    return Usage(
        cost_cents=0.0 if model.local else None,
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
        total_tokens=counted.total_tokens,
    )


def follow_ups(prompt: str, mode: str, language: str) -> tuple[FollowUp, ...]:
    """What people ask next, by rule: for code, its tests and an explanation. Each prompt stands alone."""
    if mode != "code":
        return ()
    task = " ".join(prompt.split())
    task = task if len(task) <= _FOLLOW_UP_CHARS else task[:_FOLLOW_UP_CHARS] + "…"
    kind = {
        "python": "pytest tests",
        "javascript": "Jest tests",
        "typescript": "Jest tests",
        "go": "table-driven tests",
    }
    tests = kind.get(language, "unit tests")
    return (
        FollowUp(label="Write tests", prompt=f"Write {tests} for the code of this task: {task}"),
        FollowUp(label="Explain it", prompt=f"Explain, step by step, how code for this task works: {task}"),
    )


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def unix_time(created: str) -> int:
    """Such a time as the OpenAI format writes it."""
    return int(datetime.fromisoformat(created).timestamp())


def _check(block: fences.Block, hint: str | None = None) -> Check:
    return check.check(block.language or check.language_of(block.file) or hint or "", block.code)
