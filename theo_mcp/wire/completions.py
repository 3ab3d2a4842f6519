"""Theo's completions and code, field by field as documented.

Sources: the pages "Create Completion" and "Generate Code"; attachments, image settings, style and inline conversations
come from the vendor's SDK. Its ``stealth_*`` fields are not here: it ignores them outside modes that the page does not
list. Defaults of optional reply fields mean "was not there".
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, JsonValue, field_validator, model_validator

from theo_mcp.wire.model import Extended, Request, text_of
from theo_mcp.wire.parts import ActiveSkill, Artifact, FollowUp, Model, StructuredOutput, ToolUse, Usage, model_of
from theo_mcp.wire.words import Mode

ImageModel = Literal[
    "auto", "theo-1-create", "theo-1-photo", "theo-1-rapid", "theo-1-design", "theo-1-studio", "theo-1-type"
]
ImageQuality = Literal["draft", "standard", "hd"]


class InlineTool(Request):
    """A tool that the model may call; Theo executes it, a client cannot answer the call.

    A definition in the form of ``GET /tools``, with ``inputSchema``, is understood too.
    """

    name: str
    description: str
    input_schema: dict[str, JsonValue] | None = None

    @model_validator(mode="before")
    @classmethod
    def _either_case(cls, fields: object) -> object:
        if isinstance(fields, dict) and "inputSchema" in fields and "input_schema" not in fields:
            return {("input_schema" if name == "inputSchema" else name): value for name, value in fields.items()}
        return fields


class Persona(Request):
    """A persona of the caller's own."""

    system_prompt: str


class Message(Request):
    """One turn of an inline conversation."""

    role: Literal["user", "assistant"]
    content: str
    id: str | None = None
    created_at: str | None = Field(None, alias="createdAt")
    mode: Mode | None = None
    artifacts: tuple[dict[str, JsonValue], ...] | None = None


class Conversation(Request):
    """A stateless history that comes before the prompt."""

    id: str | None = None
    title: str | None = None
    messages: tuple[Message, ...] = ()


class ImageUrl(Request):
    """An image to look at, by its address."""

    type: Literal["image_url"] = "image_url"
    url: str


class ImageBase64(Request):
    """An image to look at, as base64."""

    type: Literal["image_base64"] = "image_base64"
    data: str = Field(repr=False)
    mime_type: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]


Attachment: TypeAlias = Annotated[ImageUrl | ImageBase64, Field(discriminator="type")]


class Traits(Request):
    """The seven traits of a personality, each a number whose range nobody documents."""

    romantic: float
    intelligent: float
    sarcastic: float
    rude: float
    funny: float
    comedic: float
    witty: float


class PersonalityConfig(Request):
    """A personality for one request."""

    traits: Traits
    uncensored_mode: bool
    active_preset_id: str | None = None


class ResponseStyle(Request):
    """How an answer should read; the words are the service's own."""

    format: str
    preciseness: str
    intent: str


class CompletionRequest(Request):
    """The body of ``POST /api/v1/completions``: the 13 documented fields, then those of the SDK."""

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
    attachments: tuple[Attachment, ...] | None = None
    image_model: ImageModel | None = None
    image_quality: ImageQuality | None = None
    personality_config: PersonalityConfig | None = None
    response_style: ResponseStyle | None = None
    theo_branding: bool | None = None
    brand_soul: bool | None = None


class CodeRequest(Request):
    """The body of ``POST /api/v1/code``; language and framework are hints."""

    prompt: str
    language: str | None = None
    framework: str | None = None


def structured_of(value: object) -> object:
    """The fields of a `StructuredOutput`, also where the data stands there alone."""
    if value is None or isinstance(value, StructuredOutput):
        return value
    named = isinstance(value, dict) and not value.keys().isdisjoint(StructuredOutput.model_fields)
    return value if named else {"data": value}


def with_conversation_id(fields: object) -> object:
    """`fields` of a reply with its conversation's id at the top, where it stands in the metadata alone."""
    if isinstance(fields, dict) and fields.get("conversation_id") is None and isinstance(fields.get("metadata"), dict):
        return {**fields, "conversation_id": fields["metadata"].get("conversation_id")}
    return fields


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
    structured_output: StructuredOutput | None = None
    skills_active: tuple[ActiveSkill, ...] = ()
    routing: dict[str, JsonValue] | None = None

    _content = field_validator("content", mode="before")(text_of)
    _model = field_validator("model", mode="before")(model_of)
    _structured = field_validator("structured_output", mode="before")(structured_of)
    _conversation = model_validator(mode="before")(with_conversation_id)

    @property
    def delivered(self) -> bool:
        return bool(self.content or self.artifacts or self.structured_output)

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
