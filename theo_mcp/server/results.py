"""Answers as replies: the same facts once as text and once as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from theo_mcp.server.reply import Reply
from theo_mcp.wire.completions import Code, Completion
from theo_mcp.wire.getcode import Improved
from theo_mcp.wire.model import Check, Extension
from theo_mcp.wire.parts import Artifact, FollowUp, ToolUse, Usage

_EMPTY = "(The answer is empty.)"


def completion(answer: Completion) -> Reply:
    """A completion: the answer itself first, the facts about it below."""
    about = answer.theo_mcp
    facts = _who(about) | {
        "mode": answer.mode,
        "resolved_mode": answer.resolved_mode,
        **_usage(answer.usage),
        "cached": answer.was_cached or None,
        "id": answer.id,
        "conversation_id": answer.conversation_id,
        "request_id": answer.request_id,
        "metadata": dict(answer.metadata) if answer.metadata else None,
    }
    return _reply(
        "\n\n".join(part for part in [answer.content, *files_shown(answer.artifacts)] if part) or _EMPTY,
        {"text": answer.content},
        facts,
        about,
        follow_ups=answer.follow_ups,
        artifacts=answer.artifacts,
        tools_used=answer.tools_used,
    )


def code(answer: Code) -> Reply:
    """Code: in a fence, each file of several under its name."""
    about = answer.theo_mcp
    language = about.checks[0].language if about.checks else ""
    alone = answer.content and answer.content not in [artifact.code for artifact in answer.artifacts]
    shown = [_fenced(answer.content, language)] if alone else []
    shown += files_shown(answer.artifacts)
    body = "\n\n".join(part for part in [*shown, about.explanation] if part) or _EMPTY
    data: dict[str, JsonValue] = {"code": answer.content, "language": language, "explanation": about.explanation}
    facts = _who(about) | _usage(answer.usage) | {"id": answer.id}
    return _reply(body, data, facts, about, artifacts=answer.artifacts, tools_used=answer.tools_used)


def improved(answer: Improved) -> Reply:
    """A brief, ready to be passed on as a prompt."""
    facts = _who(answer.theo_mcp) | {"tokens": answer.tokens_used}
    return _reply(answer.improved or _EMPTY, {"improved": answer.improved}, facts, answer.theo_mcp)


def files_shown(artifacts: Sequence[Artifact]) -> list[str]:
    """Each artifact that is code: its name and its text in a fence."""
    return [f"{file.title}\n{_fenced(file.code, file.language or '')}" for file in artifacts if file.code]


def facts_line(facts: Mapping[str, JsonValue]) -> str:
    """Facts in one line: ``backend engine · model smollm2-135m · cost 0 cents``."""
    shown = []
    for name, value in facts.items():
        if value in (None, "", [], {}) or value is False:
            continue
        if name == "cost_cents":
            shown.append(f"cost {value:g} cents" if isinstance(value, int | float) else f"cost {value}")
        elif value is True:
            shown.append(name)
        else:
            shown.append(f"{name.replace('_', ' ')} {value}")
    return " · ".join(shown)


def check_line(check: Check) -> str:
    """What a parser said, as a sentence for a person or a model."""
    name = check.language or "the code"
    match check.status:
        case "parses":
            return f"Check: {name} parses."
        case "fails":
            return f"Check: {name} DOES NOT PARSE ({check.message})."
        case _:
            return f"Check: not checked ({check.message})." if check.message else "Check: not checked."


def _reply(
    body: str,
    data: Mapping[str, JsonValue],
    facts: Mapping[str, JsonValue],
    about: Extension,
    *,
    follow_ups: Sequence[FollowUp] = (),
    artifacts: Sequence[Artifact] = (),
    tools_used: Sequence[ToolUse] = (),
) -> Reply:
    lines = [facts_line(facts)]
    lines += [check_line(check) for check in about.checks]
    lines += [f"Artifact: {_artifact_line(artifact)}" for artifact in artifacts]
    lines += [f"Tool used: {tool.name} ({tool.status})" for tool in tools_used]
    if follow_ups:
        lines.append("Follow-ups (made by rule):" if about.follow_ups == "rule" else "Follow-ups:")
        lines += [f"- {follow_up.label}: {follow_up.prompt}" for follow_up in follow_ups]
    if about.notice:
        lines.append(f"Note: {about.notice}")
    everything: dict[str, JsonValue] = {
        **data,
        **facts,
        "checks": [check.model_dump(exclude_defaults=False) for check in about.checks],
        "artifacts": [artifact.model_dump(by_alias=True, exclude_none=True) for artifact in artifacts],
        "tools_used": [tool.model_dump(exclude_none=True) for tool in tools_used],
        "follow_ups": [follow_up.model_dump() for follow_up in follow_ups],
        "follow_ups_by": about.follow_ups,
        "notice": about.notice,
    }
    return Reply(
        body,
        "\n".join(lines),
        {name: value for name, value in everything.items() if value not in (None, "", [], {}) or name in data},
    )


def _who(about: Extension) -> dict[str, JsonValue]:
    return {
        "backend": about.backend,
        "engine": about.engine,
        "model": about.model,
        "draft": about.draft or None,
        "finish_reason": about.finish_reason if about.finish_reason not in ("", "stop") else None,
    }


def _usage(usage: Usage) -> dict[str, JsonValue]:
    return {
        "cost_cents": usage.cost_cents,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def _artifact_line(artifact: Artifact) -> str:
    """Name, kind and every address that the artifact gives; the documents leave its fields open."""
    return " · ".join(part for part in (artifact.title or artifact.id, artifact.type, *artifact.urls) if part)


def _fenced(code: str, language: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code.rstrip()}\n{fence}"
