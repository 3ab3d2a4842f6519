"""What belongs to a key at Theo: its conversations and its usage.

Sources: the vendor's pages on each, and its SDK. Conversations are camelCase, usage is snake_case.
"""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from theo_mcp.wire.model import Extended, Reply, text_of
from theo_mcp.wire.parts import Artifact, FollowUp, Model, ToolUse, cents_of, model_of


class ConversationMessage(Reply):
    """One turn of a conversation that the service keeps."""

    id: str = ""
    role: str = ""
    content: str = ""
    created_at: str = Field("", alias="createdAt")
    mode: str = ""
    resolved_mode: str = Field("", alias="resolvedMode")
    model: Model | None = None
    tools: tuple[ToolUse, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    follow_ups: tuple[FollowUp, ...] = Field((), alias="followUps")
    status: str = ""
    error_message: str | None = Field(None, alias="errorMessage")
    cost_cents: float | None = Field(None, alias="costCents", allow_inf_nan=False)

    _content = field_validator("content", mode="before")(text_of)
    _cost = field_validator("cost_cents", mode="before")(cents_of)
    _model = field_validator("model", mode="before")(model_of)


class ConversationEntry(Reply):
    """A conversation in the list."""

    id: str = ""
    title: str = ""
    created_at: str = Field("", alias="createdAt")
    updated_at: str = Field("", alias="updatedAt")
    last_message: str | None = Field(None, alias="lastMessage")


class ConversationPage(Extended):
    """One page of ``GET /api/v1/conversations``; pass `next_cursor` for the next."""

    conversations: tuple[ConversationEntry, ...] = ()
    has_more: bool = False
    next_cursor: str | None = None


class StoredConversation(Extended):
    """The answer of ``GET /api/v1/conversations/{id}``: every turn."""

    id: str = ""
    title: str = ""
    created_at: str = Field("", alias="createdAt")
    updated_at: str = Field("", alias="updatedAt")
    messages: tuple[ConversationMessage, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, fields: object) -> object:
        if isinstance(fields, dict) and isinstance(conversation := fields.get("conversation"), dict):
            return conversation
        return fields


class ConversationDeleted(Extended):
    """The answer of ``DELETE /api/v1/conversations/{id}``, whose shape nobody documents."""


class Period(Reply):
    """From when to when, as the service says it."""

    start: str = Field("", alias="from")
    end: str = Field("", alias="to")


class UsageTotals(Reply):
    """Counts and cost, of everything or of one mode or model; None means that nobody said."""

    requests: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cost_cents: float | None = Field(None, allow_inf_nan=False)

    _cost = field_validator("cost_cents", mode="before")(cents_of)


class UsageReport(Extended):
    """The answer of ``GET /api/v1/usage``."""

    period: Period = Field(default_factory=Period)
    totals: UsageTotals = Field(default_factory=UsageTotals)
    by_mode: dict[str, UsageTotals] = Field(default_factory=dict)
    by_model: dict[str, UsageTotals] = Field(default_factory=dict)
