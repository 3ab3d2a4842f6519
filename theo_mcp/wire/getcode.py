"""GetCode's wire: improve. Source: the GetCode API reference. Its JSON is camelCase."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field, field_validator

from theo_mcp.wire.model import Extended, Request, text_of

OutputType = Literal["website", "chart", "api", "email", "pdf", "excel", "word", "powerpoint", "video", "image"]
OUTPUT_TYPES: tuple[OutputType, ...] = get_args(OutputType)


class ImproveRequest(Request):
    """The body of ``POST /api/improve``: a rough request, and what it will be used for."""

    prompt: str
    output_type: OutputType = Field(alias="outputType")


class Improved(Extended):
    """The answer of ``POST /api/improve``: the detailed brief."""

    improved: str = ""
    tokens_used: int | None = Field(None, alias="tokensUsed")

    _improved = field_validator("improved", mode="before")(text_of)

    @property
    def delivered(self) -> bool:
        return bool(self.improved)
