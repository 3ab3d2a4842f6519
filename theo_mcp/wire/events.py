"""The events of a streamed completion, and the answer that they make together.

Sources: the vendor's page on streaming and its SDK. Order: thinking, meta, skills or genui_meta, then tool, artifact
and token events, then done; or error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from pydantic import Field, JsonValue, field_validator, model_validator

from theo_mcp.wire.completions import Completion, CompletionRequest, structured_of, with_conversation_id
from theo_mcp.wire.model import Extended, Reply, read_json, scrubbed_json, text_of
from theo_mcp.wire.pairs import Pairs
from theo_mcp.wire.parts import (
    ActiveSkill,
    Artifact,
    FollowUp,
    Model,
    StructuredOutput,
    ToolUse,
    Usage,
    artifact_of,
    model_of,
)


class Meta(Extended):
    """The stream's first facts: who answers, in which mode."""

    event: Literal["meta"] = "meta"
    id: str = ""
    mode: str = ""
    resolved_mode: str = ""
    model: Model = Field(default_factory=Model)
    tools: tuple[ToolUse, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    brand: dict[str, JsonValue] | None = None
    routing: dict[str, JsonValue] | None = None
    conversation_id: str | None = None
    request_id: str | None = None

    _model = field_validator("model", mode="before")(model_of)


class Skills(Reply):
    """The skills that are active for this answer."""

    event: Literal["skills"] = "skills"
    active: tuple[ActiveSkill, ...] = ()


class GenuiMeta(Reply):
    """What the components of the mode genui need."""

    event: Literal["genui_meta"] = "genui_meta"
    library: str = ""
    tools: tuple[JsonValue, ...] = ()


class ToolEvent(ToolUse):
    event: Literal["tool"] = "tool"


class ArtifactEvent(Artifact):
    event: Literal["artifact"] = "artifact"


class Token(Reply):
    """A piece of the text."""

    event: Literal["token"] = "token"
    token: str = ""

    _token = field_validator("token", mode="before")(text_of)


class Done(Extended):
    """The stream's last event; a stream without it was cut."""

    event: Literal["done"] = "done"
    id: str = ""
    content: str = ""
    follow_ups: tuple[FollowUp, ...] = ()
    structured_output: StructuredOutput | None = None
    skills_active: tuple[ActiveSkill, ...] = ()
    routing: dict[str, JsonValue] | None = None
    usage: Usage = Field(default_factory=Usage)
    metadata: dict[str, JsonValue] | None = None
    conversation_id: str | None = None
    request_id: str | None = None
    cached: bool = Field(False, alias="_cached")

    _content = field_validator("content", mode="before")(text_of)
    _structured = field_validator("structured_output", mode="before")(structured_of)
    _conversation = model_validator(mode="before")(with_conversation_id)


CompletionEvent: TypeAlias = Meta | Skills | GenuiMeta | ToolEvent | ArtifactEvent | Token | Done

_EVENTS: dict[str, type[CompletionEvent]] = {
    "meta": Meta,
    "skills": Skills,
    "genui_meta": GenuiMeta,
    "tool": ToolEvent,
    "artifact": ArtifactEvent,
    "token": Token,
    "done": Done,
}


def parse_event(name: str, data: str, pairs: Pairs | None = None) -> CompletionEvent | None:
    """One event of a streamed completion; None for heartbeats (``thinking`` is not JSON), unknown names, and events
    that only inform and cannot be read. `pairs` joins the halves of characters that were cut between tokens.

    Raises:
        ValueError: a ``token`` or ``done`` event cannot be read: text would be missing.
    """
    kind = _EVENTS.get(name)
    if kind is None:
        return None
    if kind is Token:
        return _token(data, pairs)
    try:
        fields = read_json(data)
        if kind is ArtifactEvent:
            fields = artifact_of(fields)
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
    except ValueError:
        if kind is Done:
            raise
        return None
    return kind.model_validate(fields | {"event": name})


def _token(data: str, pairs: Pairs | None) -> Token:
    fields = read_json(data, keep_halves=True)
    if not isinstance(fields, dict):
        fields = {"token": fields}
    others = scrubbed_json({name: value for name, value in fields.items() if name not in ("token", "event")})
    joining = pairs or Pairs()
    text = joining.feed_json(fields.get("token")) + ("" if pairs else joining.rest())
    return Token.model_validate({**others, "token": text})


class Gathered:
    """Puts the events of one stream together into the completion that a call without a stream returns."""

    def __init__(self, request: CompletionRequest) -> None:
        self._request = request
        self._meta = Meta()
        self._done: Done | None = None
        self._tokens: list[str] = []
        self._tools: list[ToolEvent] = []
        self._artifacts: list[ArtifactEvent] = []
        self._skills: tuple[ActiveSkill, ...] = ()

    def add(self, event: CompletionEvent) -> None:
        match event:
            case Token():
                self._tokens.append(event.token)
            case Meta():
                self._meta = event
            case Done():
                self._done = event
            case ToolEvent():
                self._tools.append(event)
            case ArtifactEvent():
                self._artifacts.append(event)
            case Skills():
                self._skills = event.active
            case _:
                pass

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._tokens)

    def completion(self, created: str) -> Completion:
        """The whole answer; `created` is the ISO 8601 time to give it, since no event carries one."""
        done, meta = self._done or Done(), self._meta
        return Completion(
            id=done.id or meta.id,
            created=created,
            content=done.content or self.text,
            mode=meta.mode or self._request.mode or "auto",
            resolved_mode=meta.resolved_mode,
            model=meta.model,
            tools_used=tuple(self._all_tools()),
            artifacts=tuple(self._all_artifacts()),
            follow_ups=done.follow_ups,
            usage=done.usage,
            metadata=done.metadata if done.metadata is not None else self._request.metadata,
            conversation_id=done.conversation_id or meta.conversation_id,
            request_id=done.request_id or meta.request_id,
            cached=done.cached,
            structured_output=done.structured_output,
            skills_active=done.skills_active or self._skills,
            routing=done.routing or meta.routing,
            theo_mcp=done.theo_mcp if done.theo_mcp.backend else meta.theo_mcp,
        )

    def _all_artifacts(self) -> Iterator[Artifact]:
        """Those that came as events, and before them those that only the first event names."""
        came = {artifact.id for artifact in self._artifacts if artifact.id}
        yield from (artifact for artifact in self._meta.artifacts if artifact.id not in came)
        yield from (Artifact(**_fields(artifact)) for artifact in self._artifacts)

    def _all_tools(self) -> Iterator[ToolUse]:
        came = {tool.name for tool in self._tools}
        yield from (tool for tool in self._meta.tools if tool.name not in came)
        yield from (ToolUse(**_fields(tool)) for tool in self._tools)


def _fields(event: Reply) -> dict[str, JsonValue]:
    return event.model_dump(exclude={"event"}, exclude_unset=True)
