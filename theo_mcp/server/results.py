"""Answers as replies: the same facts once as text and once as data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import JsonValue

from theo_mcp.artifacts.fences import fenced
from theo_mcp.server.reply import Reply, SavedFile, one_line

if TYPE_CHECKING:  # the models are the backend's; a server that starts needs none of them
    from theo_mcp.wire.completions import Code, Completion
    from theo_mcp.wire.getcode import Improved
    from theo_mcp.wire.model import Check, Extension
    from theo_mcp.wire.parts import Artifact, FollowUp, ToolUse, Usage

_OF_TOOL = {"name", "status", "description"}
_EMPTY = "(The answer is empty.)"


def completion(answer: Completion, *, files: Sequence[SavedFile] = (), notes: Sequence[str] = ()) -> Reply:
    """A completion: the answer itself first, the facts about it below."""
    about = answer.theo_mcp
    facts = who(about) | {
        "mode": answer.mode,
        "resolved_mode": answer.resolved_mode,
        **usage_facts(answer.usage),
        "cached": answer.was_cached or None,
        "id": answer.id,
        "conversation_id": answer.conversation_id,
        "request_id": answer.request_id,
        "metadata": dict(answer.metadata) if answer.metadata else None,
        "skills_active": [skill.slug or skill.name or skill.id for skill in answer.skills_active],
    }
    structured = answer.structured_output
    data: dict[str, JsonValue] = {"text": answer.content}
    if structured:
        data["structured_output"] = structured.model_dump(exclude_none=True, include={"type", "data", "parse_error"})
        facts["output_type"] = structured.type
        notes = (
            [*notes, f"The output could not be read as data: {structured.parse_error}"]
            if structured.parse_error
            else notes
        )
    shown = [answer.content, *files_shown([file for file in answer.artifacts if not _stands_in(answer, file)])]
    if structured and structured.data is not None and not _is_json_of(answer.content, structured.data):
        shown.append(fenced(json.dumps(structured.data, ensure_ascii=False, indent=1), "json"))
    return reply_of(
        "\n\n".join(part for part in shown if part) or _EMPTY,
        data,
        facts,
        about,
        follow_ups=() if _is_small_talk(answer) else answer.follow_ups,
        artifacts=answer.artifacts,
        tools_used=answer.tools_used,
        files=files,
        notes=notes,
    )


def _stands_in(answer: Completion, file: Artifact) -> bool:
    """Whether the answer's text has the file whole, as one that was taken from it does."""
    return bool(file.code) and (file.code or "").strip() in answer.content


def _is_small_talk(answer: Completion) -> bool:
    """Whether the follow-ups are what anybody could ask, which an assistant need not be told."""
    return answer.theo_mcp.follow_ups == "rule" and answer.resolved_mode != "code"


def code(answer: Code, *, language: str = "", files: Sequence[SavedFile] = (), notes: Sequence[str] = ()) -> Reply:
    """Code: in a fence, each file of several under its name; `language` is what was asked for."""
    about = answer.theo_mcp
    language = about.checks[0].language if about.checks else language
    alone = answer.content and answer.content not in [artifact.code for artifact in answer.artifacts]
    shown = [fenced(answer.content, language)] if alone else []
    shown += files_shown(answer.artifacts)
    body = "\n\n".join(part for part in [*shown, about.explanation] if part) or _EMPTY
    data: dict[str, JsonValue] = {"code": answer.content, "language": language, "explanation": about.explanation}
    facts = who(about) | usage_facts(answer.usage) | {"id": answer.id}
    reply = reply_of(
        body, data, facts, about, artifacts=answer.artifacts, tools_used=answer.tools_used, files=files, notes=notes
    )
    if len(shown) == 1 and alone:  # one file: where it is too long, the code alone is what is saved
        reply = replace(reply, raw=answer.content, raw_name=f"code{extension_of(language)}")
    return reply


def improved(answer: Improved) -> Reply:
    """A brief, ready to be passed on as a prompt."""
    facts = who(answer.theo_mcp) | {"tokens": answer.tokens_used}
    return reply_of(answer.improved or _EMPTY, {"improved": answer.improved}, facts, answer.theo_mcp)


def files_shown(artifacts: Sequence[Artifact]) -> list[str]:
    """Each artifact that is code: its name and its text in a fence."""
    return [f"{one_line(file.title)}\n{fenced(file.code, file.language or '')}" for file in artifacts if file.code]


def check_line(check: Check) -> str:
    """What a parser said, as a sentence for a person or a model."""
    name = check.language or "the code"
    match check.status:
        case "parses":
            return f"Check: {name} parses."
        case "fails":
            return f"Check: {name} DOES NOT PARSE ({check.message})."
        case _:
            said = f"Check: {check.language} is not checked" if check.language else "Check: not checked"
            return f"{said} ({check.message})." if check.message else f"{said}."


def reply_of(
    body: str,
    data: Mapping[str, JsonValue],
    facts: Mapping[str, JsonValue],
    about: Extension,
    *,
    follow_ups: Sequence[FollowUp] = (),
    artifacts: Sequence[Artifact] = (),
    tools_used: Sequence[ToolUse] = (),
    files: Sequence[SavedFile] = (),
    notes: Sequence[str] = (),
) -> Reply:
    """A reply of the parts that answers share."""
    lines = [check_line(check) for check in about.checks]
    said = [note for note in (about.notice, *notes) if note]
    lines += [f"Note: {note}" for note in said]
    lines += [one_line(f"Artifact: {_artifact_line(artifact)}") for artifact in artifacts]
    lines += [one_line(_tool_line(tool)) for tool in tools_used]
    if follow_ups:
        lines.append("Follow-ups (made by rule):" if about.follow_ups == "rule" else "Follow-ups:")
        lines += [one_line(f"- {follow_up.label}: {follow_up.prompt}") for follow_up in follow_ups]
    everything: dict[str, JsonValue] = {
        **data,
        "checks": [check.model_dump(exclude_defaults=False) for check in about.checks],
        "artifacts": [_artifact_data(artifact) for artifact in artifacts],
        "tools_used": [_tool_data(tool) for tool in tools_used],
        "follow_ups": [follow_up.model_dump(include={"label", "prompt"}) for follow_up in follow_ups],
        "follow_ups_by": about.follow_ups,
        "notice": "\n".join(said),
    }
    kept = {name: value for name, value in everything.items() if value not in (None, "", [], {}) or name in data}
    return Reply(body, facts, tuple(lines), kept, tuple(files))


def who(about: Extension) -> dict[str, JsonValue]:
    """Who answered."""
    return {
        "backend": about.backend,
        "engine": about.engine,
        "model": about.model,
        "draft": about.draft or None,
        "finish_reason": about.finish_reason if about.finish_reason not in ("", "stop") else None,
    }


def usage_facts(usage: Usage) -> dict[str, JsonValue]:
    """What it cost, in cents and tokens."""
    return {
        "cost_cents": usage.cost_cents,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


def _artifact_line(artifact: Artifact) -> str:
    """All that is known of an artifact but its code; the documents leave its fields open."""
    names = (artifact.title, artifact.id, artifact.type, artifact.language, artifact.provider_id, artifact.model_id)
    size = f"{artifact.size_bytes} bytes" if artifact.size_bytes is not None else ""
    return " · ".join(part for part in (*names, size, *artifact.urls) if part)


def _artifact_data(artifact: Artifact) -> dict[str, JsonValue]:
    """The same as data. What else a service puts there may be a file in base64, and stays out."""
    urls = {name for name in artifact.model_extra or {} if name.lower().endswith("url")}
    known = artifact.model_dump(by_alias=True, exclude_none=True, include={*type(artifact).model_fields, *urls})
    return {name: value for name, value in known.items() if value != ""}


def _tool_data(tool: ToolUse) -> JsonValue:
    """A tool; the arguments of one that waits for somebody to carry it out are what the host needs for that."""
    data: dict[str, JsonValue] = tool.model_dump(exclude_none=True, include=_OF_TOOL)
    return data | {"arguments": tool.arguments} if tool.status == "pending" else data


def _tool_line(tool: ToolUse) -> str:
    about = f": {tool.description}" if tool.description else ""
    return f"Tool used: {tool.name} ({tool.status}){about}"


def _is_json_of(text: str, data: JsonValue) -> bool:
    """Whether a text says already what the data is."""
    try:
        return bool(text) and json.loads(text) == data
    except (ValueError, RecursionError):
        return False


_EXTENSIONS = {
    "python": ".py", "typescript": ".ts", "tsx": ".tsx", "javascript": ".js", "jsx": ".jsx", "html": ".html",
    "css": ".css", "json": ".json", "rust": ".rs", "go": ".go", "java": ".java", "kotlin": ".kt", "swift": ".swift",
    "c": ".c", "cpp": ".cpp", "csharp": ".cs", "php": ".php", "ruby": ".rb", "bash": ".sh", "shell": ".sh",
    "sql": ".sql", "yaml": ".yaml", "toml": ".toml", "vue": ".vue", "markdown": ".md",
}  # fmt: skip


def extension_of(language: str) -> str:
    """The usual extension of a file in `language`; ``.txt`` for what is not known."""
    return _EXTENSIONS.get(language.lower(), ".txt")
