"""GetCode's wire: generate and its events, improve, upload; camelCase JSON. Source: the GetCode API reference."""

from __future__ import annotations

import base64
import binascii
import io
import json
from typing import Literal, TypeAlias

from pydantic import Field, field_validator

from theo_mcp.wire.model import Extended, Reply, Request, read_json, scrubbed_json, text_of
from theo_mcp.wire.pairs import Pairs
from theo_mcp.wire.words import CodeLanguage, OutputType, UploadType

_BASE64_STEP = 3 * 2**16


class GenerateRequest(Request):
    """The body of ``POST /api/generate``. The service applies `language` to websites and APIs only."""

    prompt: str
    output_type: OutputType = Field(alias="outputType")
    original_prompt: str | None = Field(None, alias="originalPrompt")
    """What the user typed, where `prompt` is an improved text; the service keeps it in its history."""
    language: CodeLanguage | None = None


class GenerateQueue(Reply):
    """The notice that a free account waits before its generation begins."""

    type: Literal["queue"] = "queue"
    message: str = ""

    _message = field_validator("message", mode="before")(text_of)


class GenerateToken(Reply):
    """A piece of the result. What it is for binary kinds is not documented, so it is text and nothing is decoded."""

    type: Literal["token"] = "token"
    text: str = ""

    _text = field_validator("text", mode="before")(text_of)


class GenerateDone(Extended):
    """The last event; it has no content of its own."""

    type: Literal["done"] = "done"
    tokens_used: int | None = Field(None, alias="tokensUsed")
    model: str = ""


class GenerateError(Reply):
    """The generation failed; nothing more comes."""

    type: Literal["error"] = "error"
    message: str = ""

    _message = field_validator("message", mode="before")(text_of)


GenerateEvent: TypeAlias = GenerateQueue | GenerateToken | GenerateDone

_EVENTS: dict[str, type[GenerateEvent | GenerateError]] = {
    "queue": GenerateQueue,
    "token": GenerateToken,
    "done": GenerateDone,
    "error": GenerateError,
}


def parse_generate_event(name: str, data: str, pairs: Pairs) -> GenerateEvent | GenerateError | None:
    """One event of a generation, by the ``type`` in its JSON, or where there is none by the stream's `name` for it;
    None for what is neither. `pairs` joins the halves of characters that were cut between tokens.

    Raises:
        ValueError: it cannot be read, and text or the end would be missing.
    """
    try:
        fields = read_json(data, keep_halves=True)
    except ValueError:
        if name in ("token", "done") or data.lstrip().startswith("{"):
            raise
        return GenerateError(message=data) if name == "error" else None
    if not isinstance(fields, dict):
        fields = {"message" if name == "error" else "text" if isinstance(fields, str) else name: fields}
    kind = _kind(fields, name)
    if kind == "token":
        text = pairs.feed_json(fields.pop("text", None))
        return GenerateToken.model_validate({**scrubbed_json(fields), "type": "token", "text": text})
    others = scrubbed_json(fields | {"type": kind})
    match kind:
        case "error":
            said = others.get("message") or others.get("error")
            return GenerateError(message=text_of(said.get("message") if isinstance(said, dict) else said))
        case _:
            model = _EVENTS.get(kind)
            return model.model_validate(others) if model else None


def _kind(fields: dict[str, object], name: str) -> str:
    if isinstance(kind := fields.get("type"), str):
        return kind
    if name in _EVENTS:
        return name
    return "error" if "error" in fields else "token" if "text" in fields else ""


class Generated:
    """Puts the events of one generation together."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self.notices: list[str] = []
        """What the queue said."""
        self.done: GenerateDone | None = None
        """The last event, once it has come."""

    def add(self, event: GenerateEvent) -> None:
        match event:
            case GenerateToken():
                self._text.append(event.text)
            case GenerateQueue():
                self.notices.append(event.message)
            case GenerateDone():
                self.done = event

    @property
    def text(self) -> str:
        """The result so far."""
        return "".join(self._text)


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


class UploadRequest(Request):
    """The body of ``POST /api/upload``. Give the file's bytes; base64 happens once, here, when the body is made.

    A string is read as the wire's own base64 and becomes bytes. How large a file may be is not documented.
    """

    file_data: bytes = Field(alias="fileData", min_length=1, repr=False)
    mime_type: UploadType = Field(alias="mimeType")
    file_name: str = Field(alias="fileName", pattern=r"^[^/\\]+\.[A-Za-z0-9]+$")
    """The file's name with its extension, without any folder."""
    output_type: OutputType = Field(alias="outputType")

    @field_validator("file_data", mode="before")
    @classmethod
    def _bytes(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("should be the bytes of a file, or their base64") from None

    def body(self) -> bytes:
        """The JSON to send; a file of any size is encoded in steps straight into it."""
        others = self.model_dump(by_alias=True, exclude={"file_data"})
        out = io.BytesIO()
        out.write(b'{"fileData":"')
        data = memoryview(self.file_data)
        for start in range(0, len(data), _BASE64_STEP):
            out.write(binascii.b2a_base64(data[start : start + _BASE64_STEP], newline=False))
        out.write(b'",' + json.dumps(scrubbed_json(others), ensure_ascii=False).encode()[1:])
        return out.getvalue()


class Analysed(Extended):
    """The answer of ``POST /api/upload``: a prompt to pass on to ``POST /api/generate``."""

    analysed_prompt: str = Field("", alias="analysedPrompt")
    file_name: str = Field("", alias="fileName")
    file_type: str = Field("", alias="fileType")

    _prompt = field_validator("analysed_prompt", mode="before")(text_of)

    @property
    def delivered(self) -> bool:
        return bool(self.analysed_prompt)
