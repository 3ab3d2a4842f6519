"""Theo's documents. Source: the vendor's page on documents and its SDK."""

from __future__ import annotations

from pydantic import Field, field_validator

from theo_mcp.wire.model import Extended, Request, text_of
from theo_mcp.wire.parts import Usage, url_of
from theo_mcp.wire.words import DocumentFormat


class DocumentRequest(Request):
    """The body of ``POST /api/v1/documents``; without a format the service makes a pdf."""

    prompt: str
    format: DocumentFormat | None = None


class Document(Extended):
    """The answer of ``POST /api/v1/documents``: where the file is, and its content as text."""

    id: str = ""
    created: str = ""
    format: str = ""
    title: str = ""
    download_url: str | None = None
    size_bytes: int | None = None
    content: str = ""
    usage: Usage = Field(default_factory=Usage)

    _url = field_validator("download_url", mode="before")(url_of)
    _content = field_validator("content", mode="before")(text_of)

    @property
    def delivered(self) -> bool:
        return bool(self.content or self.download_url)
