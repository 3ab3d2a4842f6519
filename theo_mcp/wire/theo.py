"""Theo's completions, code, models and health, field by field as documented.

Sources: the pages "Create Completion" and "Generate Code", and for stream events, models and health the vendor's public
documentation and SDK. Defaults of optional reply fields mean "was not there".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

from pydantic import Field, JsonValue, field_validator

from theo_mcp.wire.model import Extended, Reply, Request, read_json, text_of

Mode = Literal["auto", "fast", "think", "code", "image", "video", "research", "roast", "genui"]
MODES: tuple[Mode, ...] = get_args(Mode)


class InlineTool(Request):
    """A tool that the model may call; Theo executes it, a client cannot answer the call."""

    name: str
    description: str
    input_schema: dict[str, JsonValue] | None = None


class Persona(Request):
    """A persona of the caller's own."""

    system_prompt: str


class Message(Request):
    """One turn of an inline conversation."""

    role: Literal["user", "assistant"]
    content: str


class Conversation(Request):
    """A stateless history that comes before the prompt."""

    id: str | None = None
    title: str | None = None
    messages: tuple[Message, ...] = ()


class CompletionRequest(Request):
    """The body of ``POST /api/v1/completions``: the 13 documented fields, and the SDK's inline `conversation`."""

    prompt: str
    mode: Mode | None = None
    stream: bool | None = None
    conversation_id: str | None = None
    skills: tuple[str, ...] | None = None
    tools: tuple[InlineTool, ...] | None = None
    persona: Literal["theo", "none"] | Persona | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    max_iterations: int | None = Field(None, ge=1, le=20)
    model_overrides: dict[str, str] | None = None
    format: Literal["theo", "openai"] | None = None
    metadata: dict[str, JsonValue] | None = None
    component_library: str | None = None
    conversation: Conversation | None = None


class CodeRequest(Request):
    """The body of ``POST /api/v1/code``; language and framework are hints."""

    prompt: str
    language: str | None = None
    framework: str | None = None


class Model(Reply):
    """The engine that answered. Some of the vendor's own mocks say ``provider`` for ``engine``."""

    id: str = ""
    label: str = ""
    engine: str = ""


class ToolUse(Reply):
    name: str = ""
    status: str = ""
    description: str | None = None


class Artifact(Reply):
    """A generated file. The documents leave its shape open; these are the fields that the vendor's pages show."""

    id: str = ""
    type: str = ""
    title: str = ""
    code: str | None = None
    language: str | None = None

    _code = field_validator("code", mode="before")(lambda value: None if value is None else text_of(value))


class FollowUp(Reply):
    label: str = ""
    prompt: str = ""


class Usage(Reply):
    """Cost in cents (fractions are usual; 1 credit is 1 cent) and tokens. None means that nobody said."""

    cost_cents: float | None = Field(None, allow_inf_nan=False)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cached: bool | None = None


class Completion(Extended):
    """The answer of ``POST /api/v1/completions``."""

    id: str = ""
    object: str = "completion"
    created: str = ""
    content: str = ""
    mode: str = ""
    resolved_mode: str = ""
    model: Model = Field(default_factory=Model)
    tools_used: tuple[ToolUse, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    usage: Usage = Field(default_factory=Usage)
    metadata: dict[str, JsonValue] | None = None
    conversation_id: str | None = None
    request_id: str | None = None
    cached: bool = Field(False, alias="_cached")

    _content = field_validator("content", mode="before")(text_of)
    _model = field_validator("model", mode="before")(lambda value: _model_object(value))

    @property
    def delivered(self) -> bool:
        return bool(self.content or self.artifacts)

    @property
    def was_cached(self) -> bool:
        """Whether a cache answered; the sources name three places for the flag."""
        return self.cached or bool(self.usage.cached) or bool(self.metadata and self.metadata.get("cached") is True)


class Code(Extended):
    """The answer of ``POST /api/v1/code``; `content` is the code."""

    id: str = ""
    created: str = ""
    content: str = ""
    artifacts: tuple[Artifact, ...] = ()
    tools_used: tuple[ToolUse, ...] = ()
    usage: Usage = Field(default_factory=Usage)

    _content = field_validator("content", mode="before")(text_of)

    @property
    def delivered(self) -> bool:
        return bool(self.content or self.artifacts)


class ModelEntry(Reply):
    """One row of ``GET /api/v1/models``."""

    mode: str = ""
    model_id: str = ""
    label: str = ""
    engine: str = ""
    description: str = ""


class Models(Extended):
    """The answer of ``GET /api/v1/models``."""

    models: tuple[ModelEntry, ...] = ()


class ProviderHealth(Reply):
    status: str = ""


class Health(Extended):
    """The answer of ``GET /api/v1/health`` (no key needed): healthy, degraded or down."""

    status: str = ""
    timestamp: str = ""
    version: str = ""
    providers: dict[str, ProviderHealth] = Field(default_factory=dict)


class Meta(Extended):
    """The stream's first facts: who answers, in which mode."""

    event: Literal["meta"] = "meta"
    id: str = ""
    mode: str = ""
    resolved_mode: str = ""
    model: Model = Field(default_factory=Model)
    conversation_id: str | None = None
    request_id: str | None = None

    _model = field_validator("model", mode="before")(lambda value: _model_object(value))


class Skills(Reply):
    event: Literal["skills"] = "skills"
    active: tuple[dict[str, JsonValue], ...] = ()


class GenuiMeta(Reply):
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
    usage: Usage = Field(default_factory=Usage)
    metadata: dict[str, JsonValue] | None = None
    conversation_id: str | None = None
    request_id: str | None = None
    cached: bool = Field(False, alias="_cached")

    _content = field_validator("content", mode="before")(text_of)


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


def parse_event(name: str, data: str) -> CompletionEvent | None:
    """One event of a streamed completion; None for heartbeats (``thinking`` is not JSON), unknown names, and events
    that only inform and cannot be read.

    Raises:
        ValueError: a ``token`` or ``done`` event cannot be read: text would be missing.
    """
    kind = _EVENTS.get(name)
    if kind is None:
        return None
    try:
        fields = read_json(data)
        if kind is Token and not isinstance(fields, dict):
            return Token(token=text_of(fields))
        if not isinstance(fields, dict):
            raise ValueError("not a JSON object")
    except ValueError:
        if kind in (Token, Done):
            raise
        return None
    return kind.model_validate(fields | {"event": name})


class Gathered:
    """Puts the events of one stream together into the completion that a call without a stream returns."""

    def __init__(self, request: CompletionRequest) -> None:
        self._request = request
        self._meta = Meta()
        self._done: Done | None = None
        self._tokens: list[str] = []
        self._tools: list[ToolEvent] = []
        self._artifacts: list[ArtifactEvent] = []

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
            tools_used=tuple(ToolUse(**_fields(tool)) for tool in self._tools),
            artifacts=tuple(Artifact(**_fields(artifact)) for artifact in self._artifacts),
            follow_ups=done.follow_ups,
            usage=done.usage,
            metadata=done.metadata if done.metadata is not None else self._request.metadata,
            conversation_id=done.conversation_id or meta.conversation_id,
            request_id=done.request_id or meta.request_id,
            cached=done.cached,
            theo_mcp=done.theo_mcp if done.theo_mcp.backend else meta.theo_mcp,
        )


def now() -> str:
    """The time as the API writes it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fields(event: Reply) -> dict[str, JsonValue]:
    return event.model_dump(exclude={"event"}, exclude_unset=True)


def _model_object(value: object) -> object:
    if isinstance(value, str):
        return {"id": value}
    if isinstance(value, dict) and not value.get("engine") and isinstance(value.get("provider"), str):
        return {**value, "engine": value["provider"]}
    return value
