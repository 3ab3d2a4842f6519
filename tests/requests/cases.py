"""The requests: the documents' own examples word by word, then one for each endpoint, mode, output type and error.

The sources are named as in the wire contract: S0 to S4 are the five documents, D the vendor's public pages.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image

from tests.requests import answers
from tests.requests.shape import Shape, anything, exactly, fields, holding, matching, text

Stream = Literal["", "theo", "openai", "getcode"]
COMPLETIONS, CODE, IMAGES = "/api/v1/completions", "/api/v1/code", "/api/v1/images"
CHAT = "/api/v1/chat/completions"
GENERATED = ("website", "chart", "api", "email")
RENDERED = ("pdf", "excel", "word", "powerpoint", "video", "image")
INVENTORY = {
    "prompt": "Check current inventory levels for SKU-1234",
    "mode": "auto",
    "skills": ["inventory-check"],
    "tools": [
        {
            "name": "check_stock",
            "description": "Look up current stock levels by SKU",
            "input_schema": {
                "type": "object",
                "properties": {"sku": {"type": "string"}, "warehouse": {"type": "string"}},
                "required": ["sku"],
            },
        }
    ],
    "persona": {"system_prompt": "You are Atlas, an operations assistant."},
    "max_iterations": 5,
}
JWT = {
    "prompt": "Write a TypeScript Express middleware for JWT authentication",
    "language": "typescript",
    "framework": "express",
}
LOGO = {
    "prompt": "A minimalist tech logo, blue and white",
    "style": "photorealistic",
    "aspect_ratio": "1:1",
    "count": 2,
}


@dataclass(frozen=True)
class Case:
    """One request and what is documented of its answer."""

    name: str
    source: str
    method: str
    path: str
    body: object = None
    status: int = 200
    shape: Shape = anything
    stream: Stream = ""
    headers: Mapping[str, Shape] = field(default_factory=dict)
    key: str | None = ""
    """The key to send instead of the good one; None for no header at all."""
    keeps: Mapping[str, str] = field(default_factory=dict)
    """Names under which parts of the answer are kept, for ``{name}`` in later paths and bodies."""
    refused: str = ""
    """What has to be there for it to be served; without it the answer is the typed refusal."""


def cases() -> Iterator[Case]:
    """All of them, in the order in which they are to be sent."""
    yield from _documents()
    yield from _completions()
    yield from _others()
    yield from _getcode()
    yield from _errors()


def _documents() -> Iterator[Case]:
    explain = {"prompt": "Explain microservices architecture", "mode": "auto", "temperature": 0.7}
    modes = ("fast", "think", "code", "roast", "genui")
    yield Case("S0's JWT middleware", "S0", "POST", CODE, JWT, shape=answers.CODE)
    yield Case(
        "S1's microservices", "S1", "POST", COMPLETIONS, explain,
        shape=answers.completion("auto", *modes), headers={"x-request-id": text},
    )  # fmt: skip
    yield Case(
        "S1's microservices again: cached", "S1", "POST", COMPLETIONS, explain,
        shape=fields({"_cached": exactly(True), "usage": fields({"cost_cents": exactly(0, 0.0)})}),
    )  # fmt: skip
    yield Case(
        "S1's inventory with a skill and a tool", "S1", "POST", COMPLETIONS, INVENTORY,
        shape=answers.completion("auto", *modes),
    )  # fmt: skip
    yield Case(
        "S1's format openai", "S1", "POST", COMPLETIONS, {"prompt": "Hello", "format": "openai"}, shape=answers.CHAT
    )
    yield Case("S2's two logos", "S2", "POST", IMAGES, LOGO, shape=answers.IMAGES, refused="an image engine")


def _completions() -> Iterator[Case]:
    for mode in ("fast", "think", "code", "roast", "genui"):
        body = {"prompt": "A sign-up form for a newsletter", "mode": mode}
        yield Case(f"mode {mode}", "S1", "POST", COMPLETIONS, body, shape=answers.completion(mode, mode))
        yield Case(f"mode {mode}, streamed", "S1", "POST", COMPLETIONS, {**body, "stream": True}, stream="theo")
    for mode, needs in (("image", "an image engine"), ("video", "a video engine"), ("research", "a source")):
        yield Case(
            f"mode {mode}", "S1", "POST", COMPLETIONS, {"prompt": "The tides of the North Sea", "mode": mode},
            shape=answers.completion(mode, mode), refused=needs,
        )  # fmt: skip
    personas: dict[str, object] = {
        "theo": "theo", "none": "none", "of one's own": {"system_prompt": "You are Atlas."}
    }  # fmt: skip
    for name, persona in personas.items():
        said = {"prompt": "Hello", "persona": persona, "mode": "fast"}
        yield Case(f"persona {name}", "S1", "POST", COMPLETIONS, said, shape=answers.completion("fast", "fast"))
    told = {"team": "web", "run": 7}
    yield Case(
        "metadata is echoed", "S1", "POST", COMPLETIONS, {"prompt": "Hello", "metadata": told},
        shape=fields({"metadata": exactly(told)}),
    )  # fmt: skip
    yield Case(
        "an engine for a mode", "S1", "POST", COMPLETIONS,
        {"prompt": "Hello", "mode": "think", "model_overrides": {"think": "theo-1-flash", "code": "theo-1-reason"}},
        shape=answers.completion("think", "think"),
    )  # fmt: skip
    yield Case(
        "a component library", "S1", "POST", COMPLETIONS,
        {"prompt": "A sign-up form", "mode": "genui", "component_library": "theo"},
        shape=answers.completion("genui", "genui"),
    )  # fmt: skip
    yield Case(
        "an inline history", "SDK", "POST", COMPLETIONS,
        {"prompt": "And twice that?", "mode": "fast", "conversation": {"messages": [
            {"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "4"}]}},
        shape=answers.completion("fast", "fast"),
    )  # fmt: skip
    yield Case(
        "a conversation begins", "S1", "POST", COMPLETIONS,
        {"prompt": "My name is Ada.", "mode": "fast", "conversation_id": "new"},
        shape=fields({"conversation_id": text}), keeps={"conversation": "conversation_id"},
    )  # fmt: skip
    yield Case(
        "and is continued", "S1", "POST", COMPLETIONS,
        {"prompt": "What is my name?", "mode": "fast", "conversation_id": "{conversation}"},
        shape=fields({"conversation_id": text}),
    )  # fmt: skip


def _others() -> Iterator[Case]:
    yield Case("models", "D", "GET", "/api/v1/models", shape=answers.MODELS)
    yield Case("health needs no key", "D", "GET", "/api/v1/health", key=None, shape=answers.HEALTH)
    yield Case("openapi.json", "D", "GET", "/api/v1/openapi.json", key=None, shape=answers.OPENAPI)
    yield Case("the marketplace", "D", "GET", "/api/v1/skills", shape=answers.SKILLS, keeps={"skill": "skills.0.id"})
    yield Case(
        "a skill is installed", "D", "POST", "/api/v1/skills", {"skillId": "{skill}"}, 201,
        fields({"installed": exactly(True)}),
    )  # fmt: skip
    yield Case("what is installed", "D", "GET", "/api/v1/skills?filter=installed", shape=answers.SKILLS)
    yield Case("one skill", "D", "GET", "/api/v1/skills/{skill}", shape=anything)
    yield Case("a skill is removed", "D", "DELETE", "/api/v1/skills", {"skillId": "{skill}"})
    yield Case("tools", "D", "GET", "/api/v1/tools", shape=answers.TOOLS)
    yield Case("conversations", "D", "GET", "/api/v1/conversations", shape=answers.CONVERSATIONS)
    yield Case("one conversation", "D", "GET", "/api/v1/conversations/{conversation}", shape=answers.CONVERSATION)
    yield Case("a conversation is deleted", "D", "DELETE", "/api/v1/conversations/{conversation}")
    yield Case(
        "a deleted conversation is not found", "S1", "GET", "/api/v1/conversations/{conversation}", status=404,
        shape=answers.error("not_found"),
    )  # fmt: skip
    yield Case("usage", "SDK", "GET", "/api/v1/usage", shape=answers.USAGE_REPORT)
    yield Case("rate limits", "D", "GET", "/api/v1/rate-limits")
    yield Case(
        "research", "D", "POST", "/api/v1/research", {"prompt": "The tides of the North Sea", "depth": "basic"}, 202,
        answers.JOB_STARTED, keeps={"job": "job_id"}, refused="a source",
    )  # fmt: skip
    yield Case("its job", "D", "GET", "/api/v1/jobs/{job}", shape=answers.JOB, refused="a source")
    yield Case(
        "video", "D", "POST", "/api/v1/video", {"prompt": "A wave", "duration": "5s"}, 202, answers.JOB_STARTED,
        refused="a video engine",
    )  # fmt: skip
    for kind in ("pdf", "docx", "pptx", "xlsx", "csv"):
        yield Case(
            f"a document as {kind}", "D", "POST", "/api/v1/documents", {"prompt": "A report", "format": kind},
            refused="rendered files",
        )  # fmt: skip
    for path in ("/api/v1/audio/tts", "/api/v1/audio/stt"):
        yield Case(f"{path} is not there", "D", "POST", path, {"text": "Hello"}, refused="audio")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    chat = {"model": "theo-1-auto", "messages": messages}
    yield Case("OpenAI's chat", "D", "POST", CHAT, chat, shape=answers.CHAT)
    yield Case("OpenAI's chat, streamed", "D", "POST", CHAT, {**chat, "stream": True}, stream="openai")


def _getcode() -> Iterator[Case]:
    for kind in (*GENERATED, *RENDERED):
        asked = {"prompt": "A bakery in Lisbon that opens at 7", "outputType": kind}
        yield Case(f"improve for {kind}", "S4", "POST", "/api/improve", asked, shape=answers.IMPROVED)
        yield Case(
            f"generate {kind}", "S4", "POST", "/api/generate", {**asked, "originalPrompt": "bakery"}, stream="getcode",
            refused="rendered files" if kind in RENDERED else "",
        )  # fmt: skip
    for language in ("auto", "html", "react", "vue", "typescript", "python", "nodejs", "php"):
        kind = "website" if language in ("html", "react", "vue") else "api"
        asked = {"prompt": "A todo list", "outputType": kind, "language": language}
        yield Case(f"generate {kind} in {language}", "S4", "POST", "/api/generate", asked, stream="getcode")
    for mime, data in _files().items():
        body = {
            "fileData": base64.b64encode(data).decode(),
            "mimeType": mime,
            "fileName": f"a.{mime.rpartition('/')[2]}",
            "outputType": "website",
        }
        yield Case(
            f"upload {mime}", "S4", "POST", "/api/upload", body, shape=answers.ANALYSED, refused="upload analysis"
        )


def _errors() -> Iterator[Case]:
    for path, code, body in (
        (COMPLETIONS, "validation_error", {}),
        (COMPLETIONS, "validation_error", {"prompt": "  "}),
        (COMPLETIONS, "validation_error", {"prompt": "Hi", "mode": "sing"}),
        (COMPLETIONS, "validation_error", {"prompt": "Hi", "temperature": 3}),
        (COMPLETIONS, "validation_error", {"prompt": "Hi", "max_iterations": 21}),
        (CODE, "missing_prompt", {}),
        (IMAGES, "missing_prompt", {}),
        ("/api/v1/research", "missing_prompt", {}),
        ("/api/v1/video", "missing_prompt", {}),
        ("/api/v1/documents", "missing_prompt", {}),
        ("/api/v1/documents", "invalid_format", {"prompt": "A report", "format": "odt"}),
        (CHAT, "validation_error", {"model": "theo-1-auto"}),
        (CHAT, "empty_prompt", {"messages": [{"role": "user", "content": " "}]}),
        ("/api/v1/skills", "validation_error", {"skillId": "not-a-uuid-and-no-slug!"}),
    ):
        yield Case(
            f"400 {code} at {path}: {str(body)[:40]}", "S0-S2, D", "POST", path, body, 400, answers.error(code),
            headers={"x-request-id": text},
        )  # fmt: skip
    for path, body in ((COMPLETIONS, {"prompt": "Hi"}), (CODE, JWT), (IMAGES, LOGO)):
        for key, kind in ((None, "no key"), ("theo_sk_wrong", "a wrong key")):
            yield Case(
                f"401 with {kind} at {path}",
                "S0-S2",
                "POST",
                path,
                body,
                401,
                answers.error("invalid_api_key"),
                key=key,
            )
    for path, body in (("/api/improve", {"prompt": "Hi", "outputType": "api"}), ("/api/generate", {"prompt": "Hi"})):
        yield Case(f"401 at {path}", "S4", "POST", path, body, 401, answers.ERROR_OF_GETCODE, key="gc_wrong")
    yield Case(
        "404 of a conversation that nobody has", "S1", "POST", COMPLETIONS,
        {"prompt": "Hi", "conversation_id": "conv_nobody"}, 404, answers.error("not_found"),
    )  # fmt: skip
    yield Case("404 of a job", "D", "GET", "/api/v1/jobs/job_nobody", status=404, shape=answers.error("not_found"))
    yield Case("404 of a path", "D", "GET", "/api/v1/nothing", status=404, shape=answers.error("not_found"))
    yield Case(
        "405 of a method", "HTTP", "GET", COMPLETIONS, status=405, shape=answers.error("bad_request"),
        headers={"allow": holding("POST")},
    )  # fmt: skip
    yield Case(
        "an output type that nobody knows", "S4", "POST", "/api/improve", {"prompt": "Hi", "outputType": "song"}, 400,
        answers.ERROR_OF_GETCODE,
    )  # fmt: skip
    yield Case(
        "unknown fields are ignored", "HTTP", "POST", COMPLETIONS, {"prompt": "Hello", "mode": "fast", "sing": True},
        shape=answers.completion("fast", "fast"), headers={"theo-api-version": matching("[0-9-]{10}")},
    )  # fmt: skip


def _files() -> dict[str, bytes]:
    """One small file of each type that may be uploaded."""
    made = {"application/pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"}
    for kind in ("jpeg", "png", "webp", "gif"):
        out = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(out, kind.upper())
        made[f"image/{kind}"] = out.getvalue()
    return made
