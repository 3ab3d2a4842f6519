"""Theo's images, field by field as on the page "Generate Images"."""

from __future__ import annotations

from pydantic import Field, JsonValue, model_validator

from theo_mcp.wire.model import Extended, Reply, Request, alone
from theo_mcp.wire.parts import Usage, url_of
from theo_mcp.wire.words import AspectRatio


class ImagesRequest(Request):
    """The body of ``POST /api/v1/images``; the service appends `style` and `aspect_ratio` to the prompt."""

    prompt: str
    style: str | None = None
    aspect_ratio: AspectRatio | None = None
    count: int | None = Field(None, ge=1, le=4)


class Image(Reply):
    """One image. Without a `url` it is not ready, or it came in another form, which `url_as_sent` or the extra fields
    hold."""

    url: str | None = None
    engine: str = ""
    model: str = ""
    prompt: str = ""
    """The prompt as the service expanded it."""
    url_as_sent: JsonValue = None

    @model_validator(mode="before")
    @classmethod
    def _read_url(cls, fields: object) -> object:
        fields = alone("url")(fields)
        if not isinstance(fields, dict):
            return fields
        sent = fields.get("url")
        url = url_of(sent)
        kept = {} if url or sent is None or sent == {} else {"url_as_sent": sent}
        engine = fields.get("engine") or fields.get("provider")
        return {**fields, **kept, "url": url, "engine": engine}


class Images(Extended):
    """The answer of ``POST /api/v1/images``."""

    id: str = ""
    created: str = ""
    images: tuple[Image, ...] = ()
    usage: Usage = Field(default_factory=Usage)

    @property
    def delivered(self) -> bool:
        return bool(self.images)
