"""The servers for tests refuse what the documents do not know, so that a client's mistake cannot pass unseen."""

from __future__ import annotations

import json

import httpx2
import pytest

from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.testing.theo_requests import problem_of

TURN = {"role": "user", "content": "Hi"}
UPLOAD = {"fileData": "aGk=", "mimeType": "image/png", "fileName": "a.png", "outputType": "pdf"}


@pytest.mark.parametrize(
    ("endpoint", "fields", "code"),
    [
        ("completions", {}, "validation_error"),
        ("completions", {"prompt": ""}, "validation_error"),
        ("completions", {"prompt": "x", "mode": "vision"}, "validation_error"),
        ("completions", {"prompt": "x", "temperature": True}, "validation_error"),
        ("completions", {"prompt": "x", "max_iterations": 2.5}, "validation_error"),
        ("completions", {"prompt": "x", "persona": {"system": "y"}}, "validation_error"),
        ("completions", {"prompt": "x", "tools": [{"name": "t", "description": "d", "inputSchema": {}}]},
         "validation_error"),
        ("completions", {"prompt": "x", "attachments": [{"type": "image_url"}]}, "validation_error"),
        ("completions", {"prompt": "x", "stealth_model": "m"}, "validation_error"),
        ("completions", {"prompt": "x", "skills": None}, "validation_error"),
        ("completions", [], "validation_error"),
        ("code", {}, "missing_prompt"),
        ("code", {"prompt": "x", "persona": "none"}, "validation_error"),
        ("images", {"style": "x"}, "missing_prompt"),
        ("images", {"prompt": "x", "count": 5}, "validation_error"),
        ("documents", {"prompt": "x", "format": "odt"}, "invalid_format"),
        ("research", {"prompt": "x", "max_sources": 51}, "validation_error"),
        ("video", {"prompt": "x", "duration": "7s"}, "validation_error"),
        ("skills", {"skillId": "inventory-check"}, "validation_error"),
        ("skills", {}, "validation_error"),
        ("chat/completions", {}, "validation_error"),
        ("chat/completions", {"messages": [TURN], "max_tokens": 5}, "validation_error"),
        ("chat/completions", {"messages": [{"role": "user", "content": " "}]}, "empty_prompt"),
        ("chat/completions", {"messages": [{"role": "system", "content": "x"}]}, "empty_prompt"),
    ],
)  # fmt: skip
def test_theo_refuses_what_its_documents_do_not_allow(endpoint: str, fields: object, code: str) -> None:
    problem = problem_of(endpoint, fields)

    assert problem is not None
    assert problem[0] == code


@pytest.mark.parametrize("body", ["", "{", "[]", "null"])
async def test_theo_answers_a_body_that_is_no_object_with_its_own_error(theo_service: FakeTheo, body: str) -> None:
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {theo.KEY}"}) as http:
        answer = await http.post(theo_service.origin + "/api/v1/completions", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "validation_error"
    assert answer.headers["x-request-id"] == "req_err"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/completions", 404),
        ("POST", "/api/v1/health", 404),
        ("GET", "/elsewhere", 404),
        ("GET", "/api/v1/jobs/job_1", 404),
        ("GET", "/api/v1/skills?filter=mine", 400),
        ("GET", "/api/v1/usage?scope=world", 400),
        ("GET", "/api/v1/models", 200),
    ],
)
async def test_theo_answers_only_where_it_is_documented(
    theo_service: FakeTheo, method: str, path: str, status: int
) -> None:
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {theo.KEY}"}) as http:
        answer = await http.request(method, theo_service.origin + path, content="{}" if method == "POST" else None)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("generate", {"prompt": "x"}),
        ("generate", {"prompt": "x", "outputType": "docx"}),
        ("generate", {"prompt": "x", "outputType": "api", "language": "go"}),
        ("generate", {"prompt": "x", "outputType": "api", "stream": "yes"}),
        ("improve", {"prompt": "x", "outputType": "api", "language": "auto"}),
        ("improve", {"prompt": "", "outputType": "api"}),
        ("upload", UPLOAD | {"fileData": "no base64"}),
        ("upload", UPLOAD | {"fileData": "data:image/png;base64,aGk="}),
        ("upload", UPLOAD | {"mimeType": "image/tiff"}),
        ("upload", UPLOAD | {"fileName": "a"}),
        ("upload", {**UPLOAD, "fileSize": "2"}),
    ],
)
async def test_getcode_refuses_what_its_reference_does_not_allow(
    getcode_service: FakeGetCode, path: str, fields: dict[str, object]
) -> None:
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {getcode.KEY}"}) as http:
        answer = await http.post(f"{getcode_service.origin}/api/{path}", content=json.dumps(fields))

    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


async def test_theo_serves_its_picture_where_its_images_say(theo_service: FakeTheo) -> None:
    theo_service.files["img"] = b"\x89PNG"
    async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {theo.KEY}"}) as http:
        answer = await http.post(theo_service.origin + "/api/v1/images", json={"prompt": "A bakery"})
        address = answer.json()["images"][0]["url"]
        image = await http.get(address)

    assert address == theo_service.origin + "/img/abc123-1.png"
    assert (image.headers["content-type"], image.content) == ("image/png", b"\x89PNG")
