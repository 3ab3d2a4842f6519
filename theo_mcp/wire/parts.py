"""The parts that several of Theo's answers share: who answered, tools, artifacts, follow-ups, usage.

Sources: the pages "Create Completion", "Generate Code" and "Generate Images"; for artifacts by type, the vendor's page
on streaming. Defaults mean "was not there".
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from pydantic import Field, JsonValue, field_validator, model_validator

from theo_mcp.wire.model import Reply, alone, text_of

_CENTS = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:¢|cents?)?\s*")


class Model(Reply):
    """The engine that answered. Some of the vendor's own mocks say ``provider`` for ``engine``."""

    id: str = ""
    label: str = ""
    engine: str = ""


def model_of(value: object) -> object:
    """The fields of a `Model` in whichever form a service names it: an object, or its id alone."""
    if isinstance(value, str):
        return {"id": value}
    if isinstance(value, dict) and not value.get("engine") and isinstance(value.get("provider"), str):
        return {**value, "engine": value["provider"]}
    return value


class ToolUse(Reply):
    """A tool that was called; its status is a free word (success, error, complete and ok are seen). The engine's own
    word ``pending`` means that nobody here can carry out the call, whose `arguments` are then given."""

    name: str = ""
    status: str = ""
    description: str | None = None
    arguments: dict[str, JsonValue] | None = None

    _alone = model_validator(mode="before")(alone("name"))


class Artifact(Reply):
    """A generated file. The documents leave its shape open; these are the fields that the vendor's pages show."""

    id: str = ""
    type: str = ""
    title: str = ""
    code: str | None = None
    language: str | None = None
    image_url: str | None = Field(None, alias="imageUrl")
    video_url: str | None = Field(None, alias="videoUrl")
    download_url: str | None = Field(None, alias="downloadUrl")
    size_bytes: int | None = Field(None, alias="sizeBytes")
    provider_id: str | None = Field(None, alias="providerId")
    model_id: str | None = Field(None, alias="modelId")

    _alone = model_validator(mode="before")(lambda fields: artifact_of(fields))
    _code = field_validator("code", mode="before")(lambda value: None if value is None else text_of(value))
    _urls = field_validator("image_url", "video_url", "download_url", mode="before")(lambda value: url_of(value))

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address that it gives, under whatever name."""
        known = [self.image_url, self.video_url, self.download_url]
        others = [url_of(value) for name, value in (self.model_extra or {}).items() if name.lower().endswith("url")]
        return tuple(dict.fromkeys(url for url in [*known, *others] if url))


class FollowUp(Reply):
    """A next prompt that the service suggests."""

    label: str = ""
    prompt: str = ""

    _alone = model_validator(mode="before")(alone("prompt"))


class Usage(Reply):
    """Cost in cents (fractions are usual; 1 credit is 1 cent) and tokens. None means that nobody said."""

    cost_cents: float | None = Field(None, allow_inf_nan=False)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cached: bool | None = None

    _cost = field_validator("cost_cents", mode="before")(lambda value: cents_of(value))


class ActiveSkill(Reply):
    """A skill that took part in an answer."""

    id: str = ""
    slug: str = ""
    name: str = ""
    intensity: float | None = None

    _alone = model_validator(mode="before")(alone("slug"))


class StructuredOutput(Reply):
    """What a mode or skill returned as data; `parse_error` says why there is none."""

    type: str = ""
    data: JsonValue = None
    parse_error: str | None = None


def url_of(value: object) -> str | None:
    """The address in a value that may be the address, an object around it, or nothing (a placeholder ``{}``, null)."""
    if isinstance(value, dict):
        return next((url for name in ("url", "href", "src") if (url := url_of(value.get(name)))), None)
    return value.strip() or None if isinstance(value, str) else None


def artifact_of(value: object) -> object:
    """The fields of an `Artifact`, also where it came as an address or a text alone; None for nothing."""
    if isinstance(value, dict) or not value:
        return value
    text = text_of(value)
    return {"url" if text.startswith(("https://", "http://")) else "code": text}


def new_id(prefix: str) -> str:
    """An id for what is answered here, such as ``cmpl_3f…``."""
    return f"{prefix}_{secrets.token_hex(12)}"


def now() -> str:
    """The time as the API writes it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cents_of(value: object) -> object:
    """Cents in whichever form: one of the vendor's pages writes "3¢"."""
    if isinstance(value, str) and (written := _CENTS.fullmatch(value)):
        return written[1]
    return None if isinstance(value, bool) else value
