"""Theo's long work: research and video, and the jobs that do it.

Sources: the vendor's pages on research, video and jobs, and its SDK, which finds a job inside ``{"job": …}`` where the
pages show it flat; both are read.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import unquote

from pydantic import Field, JsonValue, field_validator, model_validator

from theo_mcp.wire.model import Extended, Request, text_of
from theo_mcp.wire.parts import Usage, url_of

_TEXTS = ("report", "text", "content", "summary", "answer")
_URLS = ("videoUrl", "video_url", "url", "downloadUrl", "download_url", "imageUrl", "image_url", "href")


class ResearchRequest(Request):
    """The body of ``POST /api/v1/research``. The sources name two defaults for `depth`, so none is sent for you."""

    prompt: str
    depth: Literal["basic", "advanced"] | None = None
    max_sources: int | None = Field(None, ge=1, le=50)


class VideoRequest(Request):
    """The body of ``POST /api/v1/video``; the result always carries a watermark."""

    prompt: str
    duration: Literal["5s", "10s", "15s"] | None = None
    style: str | None = None


class JobStarted(Extended):
    """The answer of research and video (202): the work has begun, and `job_id` is what to ask for."""

    id: str = ""
    job_id: str = ""
    status: str = ""
    created: str = ""
    poll_url: str = ""

    @model_validator(mode="before")
    @classmethod
    def _find_the_job(cls, fields: object) -> object:
        fields = _unwrapped(fields)
        if not isinstance(fields, dict) or _id(fields.get("job_id")):
            return fields
        url = fields.get("poll_url")
        polled = url.partition("?")[0].rpartition("/jobs/")[2] if isinstance(url, str) and "/jobs/" in url else ""
        return {**fields, "job_id": unquote(polled.strip("/")) or _id(fields.get("id"))}

    _ids = field_validator("id", "job_id", mode="before")(lambda value: _id(value))

    @property
    def delivered(self) -> bool:
        return bool(self.job_id)


class Job(Extended):
    """The answer of ``GET /api/v1/jobs/{id}``."""

    id: str = ""
    type: str = ""
    status: str = ""
    """queued, active, completed or failed; any other word is kept."""
    progress: float | None = Field(None, allow_inf_nan=False)
    """0 to 100."""
    result: JsonValue = None
    """An address or a text in the older pages, an object in the newer."""
    error: JsonValue = None
    created_at: str = ""
    completed_at: str = ""
    usage: Usage = Field(default_factory=Usage)

    _unwrap = model_validator(mode="before")(lambda fields: _unwrapped(fields))
    _ids = field_validator("id", mode="before")(lambda value: _id(value))

    @property
    def finished(self) -> bool:
        """Whether it will not change any more. An undocumented status is final once the job has an end."""
        status = self.status.lower()
        if status in ("queued", "active"):
            return False
        return status in ("completed", "failed") or bool(self.completed_at or self.error or self.result)

    @property
    def failed(self) -> bool:
        """Whether it ended without what was asked."""
        status = self.status.lower()
        return status == "failed" or (self.finished and status != "completed" and not self.result)

    @property
    def delivered(self) -> bool:
        return bool(self.result)

    @property
    def text(self) -> str:
        """The result as text: the report of a research, the text or address of an old result. A result of unknown shape
        comes as its JSON, because it was paid for; one that is an address alone has no text beside it."""
        if not isinstance(self.result, dict):
            return text_of(self.result)
        found = next((text for name in _TEXTS if (text := text_of(self.result.get(name)))), "")
        return found or ("" if self.url or not self.result else text_of(self.result))

    @property
    def url(self) -> str | None:
        """Where the result can be fetched, if it names a place."""
        if isinstance(self.result, dict):
            return next((url for name in _URLS if (url := url_of(self.result.get(name)))), None)
        alone = url_of(self.result)
        return alone if alone and alone.startswith(("https://", "http://")) and not set(alone) & set(" \n\t") else None

    @property
    def reason(self) -> str:
        """Why it failed, as the service says it."""
        error = self.error
        return text_of(error.get("message") or error) if isinstance(error, dict) else text_of(error)


def _unwrapped(fields: object) -> object:
    """The job's own fields, also where they came as ``{"job": {…}}``."""
    if isinstance(fields, dict) and isinstance(job := fields.get("job"), dict):
        return {**{name: value for name, value in fields.items() if name != "job"}, **job}
    return fields


def _id(value: object) -> str:
    """An id; one that came as a number is still one."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text_of(value).strip()
