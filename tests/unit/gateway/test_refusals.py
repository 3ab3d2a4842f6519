"""Every way of saying no: the documented status and code, and nothing of what was sent."""

from __future__ import annotations

import json
import re
from typing import Any

import anyio
import pytest

from tests.unit.gateway.world import V1, World

HELLO = {"prompt": "Hello"}
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
IMPROVE = {"prompt": "todo list", "outputType": "api"}
SECRET = "a-very-secret-prompt"
WRONG: list[tuple[str, object, int, str]] = [
    ("completions", {}, 400, "validation_error"),
    ("completions", {"prompt": ""}, 400, "validation_error"),
    ("completions", {"prompt": " \n"}, 400, "validation_error"),
    ("completions", {"prompt": None}, 400, "validation_error"),
    ("completions", {"prompt": 7}, 400, "validation_error"),
    ("completions", {"prompt": "x" * 200_001}, 400, "validation_error"),
    ("completions", HELLO | {"mode": "vibes"}, 400, "validation_error"),
    ("completions", HELLO | {"temperature": 2.1}, 400, "validation_error"),
    ("completions", HELLO | {"max_iterations": 0}, 400, "validation_error"),
    ("completions", HELLO | {"max_iterations": 21}, 400, "validation_error"),
    ("completions", HELLO | {"persona": "nobody"}, 400, "validation_error"),
    ("completions", HELLO | {"tools": [{"name": SECRET}]}, 400, "validation_error"),
    ("completions", HELLO | {"conversation": {"messages": [{"role": SECRET, "content": ""}]}}, 400, "validation_error"),
    ("completions", HELLO | {"format": "xml"}, 400, "validation_error"),
    ("code", {}, 400, "missing_prompt"),
    ("code", {"prompt": ""}, 400, "missing_prompt"),
    ("code", HELLO | {"language": 1}, 400, "validation_error"),
    ("images", {"prompt": None}, 400, "missing_prompt"),
    ("images", HELLO | {"count": 5}, 400, "validation_error"),
    ("images", HELLO, 501, "not_available_here"),
    ("documents", {}, 400, "missing_prompt"),
    ("documents", HELLO | {"format": "odt"}, 400, "invalid_format"),
    ("research", {}, 400, "missing_prompt"),
    ("research", HELLO | {"max_sources": 51}, 400, "validation_error"),
    ("video", {}, 400, "missing_prompt"),
    ("video", HELLO | {"duration": "1h"}, 400, "validation_error"),
    ("skills", {}, 400, "validation_error"),
    ("skills", {"skillId": "no slug!"}, 400, "validation_error"),
    ("chat/completions", {}, 400, "validation_error"),
    ("chat/completions", {"messages": []}, 400, "empty_prompt"),
    ("chat/completions", {"messages": [{"role": "user", "content": " "}]}, 400, "empty_prompt"),
    ("chat/completions", {"messages": [{"role": "assistant", "content": "x"}]}, 400, "empty_prompt"),
    ("chat/completions", CHAT | {"temperature": 3}, 400, "validation_error"),
    ("audio/tts", {}, 501, "not_available_here"),
    ("keys", {}, 501, "not_available_here"),
    ("billing/checkout", {}, 501, "not_available_here"),
    ("nothing", {}, 404, "not_found"),
    ("models", {}, 405, "bad_request"),
]
BODIES: list[tuple[bytes, str, int, str]] = [
    (b"", "application/json", 400, "The body is empty"),
    (b'{"prompt": "a",}', "application/json", 400, "line 1 column 16"),
    (b'["prompt"]', "application/json", 400, "not an object"),
    (b'"prompt"', "application/json", 400, "not an object"),
    (b'{"prompt": "\xff\xfe"}', "application/json", 400, "not valid JSON"),
    (b'{"prompt": "a"' + b', "metadata": {"a":' + b"[" * 100 + b"]" * 100 + b"}}", "application/json", 400, "deeper"),
    (b"[" * 100_000, "application/json", 400, "deeper"),
    (b'{"prompt": "Hello", "metadata": {"n": 1e400}}', "application/json", 400, "too large"),
    (b"prompt=a", "application/x-www-form-urlencoded", 400, "Content-Type"),
    (b'{"prompt": "a"}', "text/plain", 400, "Content-Type"),
    (b'{"prompt": "' + b"a" * 2**21 + b'"}', "application/json", 413, "2 MiB"),
]
TAKEN: list[bytes] = [
    b'\xef\xbb\xbf{"prompt": "Hello"}',
    b'{"prompt": "a", "prompt": "Hello"}',
    b'{"prompt": "Hello", "unknown": {"deep": [1]}, "persona": {"system_prompt": "p", "more": 1}, "skills": null}',
    b'{"prompt": "\\ud83d"}',
]


@pytest.mark.parametrize(("path", "body", "status", "code"), WRONG)
async def test_what_is_wrong_gets_its_documented_status_and_code(
    gateway: World, path: str, body: object, status: int, code: str
) -> None:
    answer = await gateway.post(f"{V1}{path}", body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "code", "request_id"}
    assert error["message"].endswith((".", ")"))
    assert SECRET not in answer.text
    assert gateway.model.chats == []


@pytest.mark.parametrize(("body", "kind", "status", "told"), BODIES)
async def test_a_body_that_is_no_json_object_is_told_so(
    gateway: World, body: bytes, kind: str, status: int, told: str
) -> None:
    answer = await gateway.client.post(f"{V1}completions", content=body, headers={"content-type": kind})

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "validation_error"
    assert told in answer.json()["error"]["message"]
    assert gateway.model.chats == []


@pytest.mark.parametrize("body", TAKEN)
async def test_a_body_that_can_be_read_is_taken(gateway: World, body: bytes) -> None:
    answer = await gateway.client.post(f"{V1}completions", content=body)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("improve", {}, "The prompt is missing."),
        ("improve", {"prompt": "x"}, "outputType is missing."),
        ("generate", {"prompt": "x", "outputType": "poem"}, "outputType is not usable"),
        ("generate", {"prompt": "x", "outputType": "api", "language": "cobol"}, "language is not usable"),
        ("upload", {"fileData": "%%%", "mimeType": "image/png", "fileName": "a.png", "outputType": "api"}, "fileData"),
        ("upload", {"fileData": "aGk=", "mimeType": "a/b", "fileName": "a.png", "outputType": "api"}, "mimeType"),
    ],
)
async def test_what_is_wrong_for_getcode_is_one_sentence(gateway: World, path: str, body: object, told: str) -> None:
    answer = await gateway.post(f"/api/{path}", body)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert told in answer.json()["error"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"authorization": ""}, "invalid_api_key"),
        ({"authorization": "Bearer"}, "invalid_api_key"),
        ({"authorization": "Bearer theo_sk_unknown"}, "invalid_api_key"),
        ({"authorization": "Basic dGhlbzpzaw=="}, "invalid_api_key"),
    ],
)
async def test_without_a_good_key_there_is_nothing(gateway: World, headers: dict[str, str], code: str) -> None:
    theo = await gateway.post(f"{V1}completions", {"broken": 1}, **headers)
    getcode = await gateway.post("/api/generate", {}, **headers)

    assert (theo.status_code, theo.json()["error"]["code"]) == (401, code)
    assert (getcode.status_code, getcode.json()) == (401, {"error": "Missing or invalid API key."})
    assert theo.headers["www-authenticate"] == "Bearer"


async def test_a_key_that_is_over_or_may_not_is_told_so(gateway: World) -> None:
    over = await gateway.get(f"{V1}models", **await gateway.new_key(days=0))
    bare = await gateway.new_key(scopes=("skills",))
    narrow = [
        await gateway.post(f"{V1}completions", HELLO, **bare),
        await gateway.post("/api/improve", IMPROVE, **bare),
        await gateway.get(f"{V1}tools", **bare),
        await gateway.get(f"{V1}usage?scope=org", **bare),
    ]

    assert (over.status_code, over.json()["error"]["code"]) == (401, "key_expired")
    assert [answer.status_code for answer in narrow] == [403] * 4
    assert narrow[0].json()["error"]["code"] == "missing_scope"
    assert narrow[1].json() == {"error": "This API key lacks the scope completions."}


async def test_a_key_without_credits_left_gets_402_and_nothing_runs(gateway: World) -> None:
    none = await gateway.new_key(credits=0)
    some = await gateway.new_key(credits=0.5)

    refused = [
        await gateway.post(f"{V1}completions", HELLO, **none),
        await gateway.post("/api/improve", IMPROVE, **none),
    ]
    answered = [await gateway.post(f"{V1}completions", HELLO, **some) for _ in range(3)]
    limits = (await gateway.get(f"{V1}rate-limits", **some)).json()

    assert [answer.status_code for answer in refused] == [402, 402]
    assert refused[0].json()["error"]["code"] == "insufficient_credits"
    assert "no credits left" in refused[1].json()["error"]
    assert [answer.status_code for answer in answered] == [200] * 3  # the model is on this machine, and costs nothing
    assert limits["credits"] == {"given_cents": 0.5, "left_cents": 0.5}


@pytest.mark.slow
async def test_theos_minute_ends_with_429_and_says_when_to_come_back(gateway: World) -> None:
    key = await gateway.new_key("free")

    answers = [await gateway.get(f"{V1}rate-limits", **key) for _ in range(61)]

    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers[:2]] == ["59", "58"]
    assert answers[-1].json()["error"]["code"] == "rate_limit_exceeded"
    assert answers[-1].json()["error"]["type"] == "rate_limit_error"
    assert 50 <= int(answers[-1].headers["retry-after"]) <= 60


@pytest.mark.slow
async def test_the_free_plan_limits_modes_by_themselves(gateway: World) -> None:
    key = await gateway.new_key("free")

    answers = [await gateway.post(f"{V1}video", HELLO, **key) for _ in range(11)]
    completion = await gateway.post(f"{V1}completions", HELLO | {"mode": "video"}, **key)

    assert [answer.status_code for answer in answers] == [501] * 10 + [429]
    assert answers[-1].json()["error"]["code"] == "mode_rate_limit_exceeded"
    assert (completion.status_code, completion.json()["error"]["code"]) == (429, "mode_rate_limit_exceeded")


async def test_getcodes_hour_ends_with_429_and_a_sentence(gateway: World) -> None:
    key = await gateway.new_key("free")

    answers = [
        await gateway.post("/api/improve", {}, **key),
        *[await gateway.post("/api/improve", IMPROVE, **key) for _ in range(11)],
    ]

    assert [answer.status_code for answer in answers] == [400] + [200] * 10 + [429]
    assert set(answers[-1].json()) == {"error"}
    assert 3590 <= int(answers[-1].headers["retry-after"]) <= 3600


async def test_another_hosts_name_is_not_answered(gateway: World) -> None:
    asked = [await gateway.get(f"{V1}health", host=host) for host in ("evil.example", "127.0.0.1.evil.example:80")]
    known = [await gateway.get(f"{V1}health", host=host) for host in ("localhost:1", "[::1]:9", "127.0.0.1")]

    assert [answer.status_code for answer in asked] == [421, 421]
    assert [answer.status_code for answer in known] == [200] * 3


async def test_what_is_not_http_and_a_connection_that_is_half_closed_get_an_end(gateway: World) -> None:
    garbage = await gateway.raw(b"\x16\x03\x01 hello\r\n\r\n")
    half = await gateway.raw(
        f"POST {V1}completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {gateway.key}\r\n"
        "content-length: 99\r\n\r\n{".encode(),
        half_close=True,
    )

    assert garbage.startswith(b"HTTP/1.1 400 ")
    assert json.loads(garbage.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_request"
    assert half == b""
    assert gateway.model.chats == []


async def test_a_request_of_two_lengths_is_refused_and_ends_its_connection(gateway: World) -> None:
    head = f"POST {V1}completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {gateway.key}\r\n"
    lengths = "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
    smuggled = f"0\r\n\r\nGET {V1}models HTTP/1.1\r\nhost: localhost\r\n\r\n"

    answer = await gateway.raw((head + lengths + smuggled).encode())

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"400"]


async def test_a_compressed_body_is_told_so(gateway: World) -> None:
    answer = await gateway.post(f"{V1}completions", HELLO, content_encoding="gzip")

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "The body is compressed (Content-Encoding): send it as it is."


async def test_requests_that_come_at_once_on_one_connection_are_answered_in_their_order(gateway: World) -> None:
    head = f"host: localhost\r\nauthorization: Bearer {gateway.key}\r\n"
    first = f"GET {V1}rate-limits HTTP/1.1\r\n{head}\r\n"
    second = f"GET {V1}nowhere HTTP/1.1\r\n{head}connection: close\r\n\r\n"

    answers = await gateway.raw((first + second).encode())

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"404"]


async def test_methods_that_a_path_does_not_take_are_named(gateway: World) -> None:
    answer = await gateway.client.put(f"{V1}skills", json={})
    head = await gateway.client.head(f"{V1}models")

    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD, POST")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_fault_of_the_model_server_is_502_and_tells_nothing_of_the_prompt(gateway: World) -> None:
    async def refuse(exchange: Any) -> None:
        await exchange.reply(401, {"error": {"message": f"bad key for {SECRET * 20}", "code": "invalid_api_key"}})

    await gateway.post(f"{V1}completions", HELLO)  # so that the models are known
    gateway.model.next = [refuse]
    with anyio.fail_after(5):
        answer = await gateway.post(f"{V1}completions", gateway.hello())

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "server_error")
    assert len(answer.json()["error"]["message"]) < 200
