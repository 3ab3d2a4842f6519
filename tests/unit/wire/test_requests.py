"""Requests are strict: what the documents do not know cannot be made, and what is made is what they show."""

from __future__ import annotations

import base64
import json

import pytest
from pydantic import BaseModel, ValidationError

from theo_mcp import (
    ChatCompletionRequest,
    CodeRequest,
    CompletionRequest,
    DocumentRequest,
    GenerateRequest,
    ImagesRequest,
    ImproveRequest,
    ResearchRequest,
    UploadRequest,
    VideoRequest,
)
from theo_mcp.wire.skills import SkillChoice

FILE: dict[str, object] = {"fileData": "aGk=", "mimeType": "image/png", "fileName": "a.png", "outputType": "pdf"}
TURN = {"role": "user", "content": "Hi"}
REFUSED: list[tuple[type[BaseModel], dict[str, object]]] = [
    (CodeRequest, {"prompt": "x", "persona": "none"}),
    (CodeRequest, {"language": "go"}),
    (ImagesRequest, {"prompt": "x", "count": 0}),
    (ImagesRequest, {"prompt": "x", "count": 5}),
    (ImagesRequest, {"prompt": "x", "aspect_ratio": "2:1"}),
    (ImagesRequest, {"prompt": "x", "size": "1024x1024"}),
    (DocumentRequest, {"prompt": "x", "format": "odt"}),
    (DocumentRequest, {"prompt": "x", "title": "T"}),
    (ResearchRequest, {"prompt": "x", "depth": "deep"}),
    (ResearchRequest, {"prompt": "x", "max_sources": 0}),
    (ResearchRequest, {"prompt": "x", "max_sources": 51}),
    (VideoRequest, {"prompt": "x", "duration": "6s"}),
    (VideoRequest, {"prompt": "x", "duration": 5}),
    (SkillChoice, {"skillId": ""}),
    (SkillChoice, {}),
    (ChatCompletionRequest, {"messages": [{"role": "tool", "content": "x"}]}),
    (ChatCompletionRequest, {"messages": [TURN], "max_tokens": 5}),
    (ChatCompletionRequest, {"messages": [TURN], "temperature": 3}),
    (GenerateRequest, {"prompt": "x"}),
    (GenerateRequest, {"prompt": "x", "outputType": "docx"}),
    (GenerateRequest, {"prompt": "x", "outputType": "api", "language": "rust"}),
    (GenerateRequest, {"prompt": "x", "outputType": "api", "stream": True}),
    (ImproveRequest, {"prompt": "x", "outputType": "api", "language": "auto"}),
    (UploadRequest, FILE | {"mimeType": "image/tiff"}),
    (UploadRequest, FILE | {"fileName": "a"}),
    (UploadRequest, FILE | {"fileName": "a."}),
    (UploadRequest, FILE | {"fileName": "/home/me/a.png"}),
    (UploadRequest, FILE | {"fileName": "..\\a.png"}),
    (UploadRequest, FILE | {"fileData": b""}),
    (UploadRequest, FILE | {"fileData": "not base64!"}),
    (UploadRequest, FILE | {"fileData": "data:image/png;base64,aGk="}),
    (UploadRequest, FILE | {"fileData": [104, 105]}),
    (UploadRequest, FILE | {"size": 2}),
    (CompletionRequest, {"prompt": "x", "attachments": [{"type": "image_file", "url": "x"}]}),
    (CompletionRequest, {"prompt": "x", "attachments": [{"type": "image_url", "url": "x", "detail": "low"}]}),
    (
        CompletionRequest,
        {"prompt": "x", "attachments": [{"type": "image_base64", "data": "aGk=", "mime_type": "image/tiff"}]},
    ),
    (CompletionRequest, {"prompt": "x", "image_model": "theo-2-create"}),
    (CompletionRequest, {"prompt": "x", "image_quality": "4k"}),
    (CompletionRequest, {"prompt": "x", "stealth_model": "m"}),
    (CompletionRequest, {"prompt": "x", "personality_config": {"traits": {"funny": 1}, "uncensored_mode": False}}),
    (CompletionRequest, {"prompt": "x", "conversation": {"messages": [{"role": "system", "content": "x"}]}}),
]


@pytest.mark.parametrize(("kind", "fields"), REFUSED)
def test_what_the_documents_do_not_know_cannot_be_made(kind: type[BaseModel], fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind.model_validate(fields)


@pytest.mark.parametrize(
    "name", ["a.png", "my file.final.PNG", "ä🧩.jpeg", "..png", ".a.png", 'quo"te.pdf', "tab\t.pdf"]
)
def test_a_file_keeps_its_name(name: str) -> None:
    request = UploadRequest.model_validate(FILE | {"fileName": name})

    assert json.loads(request.body())["fileName"] == name


@pytest.mark.parametrize("size", [1, 2, 3, 4, 3 * 2**16 - 1, 3 * 2**16, 3 * 2**16 + 1, 1_000_003])
def test_a_file_is_base64_exactly_once_whatever_its_size(size: int) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    request = UploadRequest(file_data=data, mime_type="image/png", file_name="a.png", output_type="pdf")

    sent = json.loads(request.body())

    assert list(sent) == ["fileData", "mimeType", "fileName", "outputType"]
    assert sent["fileData"] == base64.b64encode(data).decode()


def test_bytes_that_look_like_base64_are_encoded_all_the_same() -> None:
    request = UploadRequest(file_data=b"aGk=", mime_type="image/gif", file_name="a.gif", output_type="pdf")

    assert json.loads(request.body())["fileData"] == "YUdrPQ=="


def test_the_wires_own_base64_goes_round() -> None:
    request = UploadRequest.model_validate_json(json.dumps(FILE))

    assert request.file_data == b"hi"
    assert json.loads(request.body()) == FILE


def test_a_file_and_an_image_are_not_in_the_repr() -> None:
    request = UploadRequest(file_data=b"private", mime_type="image/gif", file_name="a.gif", output_type="pdf")
    attached = CompletionRequest.model_validate(
        {
            "prompt": "x",
            "attachments": [{"type": "image_base64", "data": "cHJpdmF0ZQ==", "mime_type": "image/png"}],
        }
    )

    assert "private" not in repr(request)
    assert "cHJpdmF0ZQ" not in repr(attached)


def test_a_name_that_is_not_unicode_costs_no_upload() -> None:
    request = UploadRequest.model_construct(
        file_data=b"hi", mime_type="image/gif", file_name="\udce9.gif", output_type="pdf"
    )

    assert json.loads(request.body())["fileName"] == "\ufffd.gif"


def test_getcodes_requests_are_camel_case() -> None:
    request = GenerateRequest(prompt="x", output_type="api", original_prompt="y", language="nodejs")

    assert json.loads(request.body()) == {
        "prompt": "x", "outputType": "api", "originalPrompt": "y", "language": "nodejs",
    }  # fmt: skip


def test_the_prompt_of_a_chat_is_its_last_user_message() -> None:
    messages = [TURN, {"role": "user", "content": "Last"}, {"role": "assistant", "content": "No"}]

    assert ChatCompletionRequest.model_validate({"messages": messages}).prompt == "Last"
    assert ChatCompletionRequest.model_validate({"messages": []}).prompt == ""


def test_false_and_zero_are_sent_and_absent_is_absent() -> None:
    request = CompletionRequest(prompt="x", theo_branding=False, temperature=0, skills=())

    assert json.loads(request.body()) == {"prompt": "x", "skills": [], "temperature": 0.0, "theo_branding": False}
