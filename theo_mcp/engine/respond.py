"""Stage five: what the caller gets beside the text: usage, follow-ups, checks, and an honest word on who answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import JsonValue

from theo_mcp.artifacts import check, fences
from theo_mcp.engine import counting
from theo_mcp.engine.classify import Intent
from theo_mcp.engine.follow_ups import Suggested
from theo_mcp.engine.plan import Plan
from theo_mcp.engine.providers import ServedModel
from theo_mcp.engine.repetition import NOTICE
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.engine.working import Working
from theo_mcp.wire.completions import Code, Completion
from theo_mcp.wire.events import ArtifactEvent, Done, Meta
from theo_mcp.wire.model import Check, Extension
from theo_mcp.wire.openai import ChatUsage
from theo_mcp.wire.parts import Artifact, Model, Usage, new_id

DRAFT_NOTICE: Final = (
    "A draft by the small built-in model: read it before you use it. For better answers name a model server with "
    "`--engine-url` (Ollama: http://127.0.0.1:11434/v1), or add a larger model with "
    "`theo-mcp engine pull --from-file MODEL.gguf`."
)
_WANTED: Final[dict[ResolvedMode, str]] = {
    "image": "an image",
    "video": "a video",
    "research": "research with sources",
    "genui": "an interface",
}


def meta(plan: Plan) -> Meta:
    """The stream's first event."""
    model = plan.way.model
    return Meta(
        id=new_id("cmpl"),
        mode=plan.request.mode or "auto",
        resolved_mode=plan.intent.mode,
        model=Model(id=model.id, label=model.label, engine=model.engine),
        routing=routing(plan),
        theo_mcp=about(model),
    )


def done(plan: Plan, working: Working, checks: tuple[Check, ...], suggested: Suggested, id: str) -> Done:
    """The stream's last event."""
    prepared, way = plan.prepared, plan.way
    return Done(
        id=id,
        content=working.text,
        follow_ups=suggested.follow_ups,
        usage=usage(counting.total([working.usage, *suggested.usage]), way.model),
        metadata=plan.request.metadata,
        structured_output=working.structured_output,
        skills_active=prepared.active,
        routing=routing(plan),
        theo_mcp=about(
            way.model,
            working,
            checks=checks,
            follow_ups=suggested.by,
            notices=[*unserved(plan.intent), *prepared.notices, *way.notices, *working.notices],
        ),
    )


def checks(plan: Plan, working: Working) -> tuple[Check, ...]:
    """Whether each block of an answer in mode code parses."""
    return tuple(_check(block) for block in fences.read(working.text).blocks) if plan.intent.mode == "code" else ()


def unserved(intent: Intent) -> tuple[str, ...]:
    """A word to whoever seems to want what this engine cannot make."""
    if intent.unserved is None:
        return ()
    wanted = _WANTED.get(intent.unserved, f"the mode {intent.unserved}")
    return (f"The prompt seems to ask for {wanted}, which this engine does not make; answered in mode {intent.mode}.",)


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
    checked = tuple(_check(block, language_hint) for block in shown)
    artifacts = tuple(
        Artifact(id=new_id("art"), type="code", title=block.file, code=block.code, language=found.language)
        for block, found in zip(shown, checked, strict=True)
        if len(shown) > 1
    )
    return Code(
        id=completion.id.replace("cmpl_", "code_"),
        created=completion.created,
        content=main.code,
        artifacts=artifacts,
        usage=completion.usage,
        theo_mcp=completion.theo_mcp.model_copy(
            update={"explanation": explanation, "checks": checked, "follow_ups": ""}
        ),
    )


def about(
    model: ServedModel,
    working: Working | None = None,
    *,
    checks: tuple[Check, ...] = (),
    follow_ups: str = "",
    notices: Sequence[str] = (),
    cost_cents: float | None = None,
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
        cost_cents=cost_cents,
    )


def routing(plan: Plan) -> dict[str, JsonValue]:
    """How the request came to its model, and which server ran it, once that is known."""
    return {
        "engine_id": plan.way.engine_id,
        "mode": plan.intent.mode,
        "confidence": plan.intent.confidence,
        "reason": plan.intent.reason,
        "server": plan.way.server,
    }


def usage(counted: ChatUsage, model: ServedModel) -> Usage:
    """The tokens, and what they cost: nothing on this machine, elsewhere by the user's prices."""
    return Usage(
        cost_cents=model.cost_cents(counted),
        prompt_tokens=counted.prompt_tokens,
        completion_tokens=counted.completion_tokens,
        total_tokens=counted.total_tokens,
    )


def artifacts(plan: Plan, working: Working) -> Iterator[ArtifactEvent]:
    """The files of an answer in mode code that has several: each block that is named as one."""
    blocks = fences.read(working.text).blocks if plan.intent.mode == "code" else ()
    named = [block for block in blocks if block.file]
    for block in named if len(named) > 1 else ():
        yield ArtifactEvent(
            id=new_id("art"), type="code", title=block.file, code=block.code, language=_check(block).language
        )


def _check(block: fences.Block, hint: str | None = None) -> Check:
    return check.check(block.language or check.language_of(block.file) or hint or "", block.code)
