"""The 27 places where the sources contradict each other, and what the client does about each; the id is the number.

The numbers are those of the table in contract.md, section A6.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.conftest import MakeSettings
from theo_mcp import (
    CodeRequest,
    Completion,
    CompletionRequest,
    ConfigError,
    DocumentRequest,
    GenerateQueue,
    GenerateRequest,
    GetCodeClient,
    Image,
    ImagesRequest,
    ImproveRequest,
    InlineTool,
    Job,
    ResearchRequest,
    Settings,
    Skill,
    TheoClient,
    ToolEntry,
    VideoRequest,
    errors,
)
from theo_mcp.machine import environment
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.testing.theo_replies import SKILLS
from theo_mcp.wire.jobs import JobStarted
from theo_mcp.wire.words import MODES
from theo_mcp.workspace import Workspace

HELLO = CompletionRequest(prompt="Hello")


@pytest.fixture
async def client(theo_service: FakeTheo) -> AsyncIterator[TheoClient]:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as connected:
        yield connected


@pytest.fixture
async def code(getcode_service: FakeGetCode) -> AsyncIterator[GetCodeClient]:
    async with GetCodeClient(getcode.KEY, base_url=getcode_service.origin) as connected:
        yield connected


def replies(status: int, body: object, **headers: str) -> Callable[[Exchange], Awaitable[None]]:
    async def handle(exchange: Exchange) -> None:
        await exchange.reply(status, body, **headers)

    return handle


def completion(**fields: object) -> Completion:
    return Completion.model_validate({"content": "x", **fields})


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://hitheo.ai", "https://www.hitheo.ai"),
        ("https://hitheo.ai/", "https://www.hitheo.ai"),
        ("https://hitheo.ai/api/v1", "https://www.hitheo.ai"),
        ("https://www.hitheo.ai/api/v1", "https://www.hitheo.ai"),
        ("https://staging.example.com", "https://staging.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_01_the_apex_becomes_www_because_its_redirect_drops_the_key(given: str, used: str) -> None:
    assert TheoClient(theo.KEY, base_url=given).base_url == used


def test_01_plain_http_is_for_this_machine_only() -> None:
    with pytest.raises(ConfigError):
        TheoClient(theo.KEY, base_url="http://www.hitheo.ai")


async def test_01_a_redirect_is_refused_and_its_host_named(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.next = [replies(307, "", location="https://www.hitheo.ai/api/v1/images")]

    with pytest.raises(errors.ProtocolError, match=r"www\.hitheo\.ai"):
        await client.images(ImagesRequest(prompt="x"))

    assert len(theo_service.requests) == 1


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "No", "type": "t", "code": "c", "request_id": "r"}}, "No.", "c"),
        ({"error": {"message": "No"}}, "No.", "server_error"),
        ({"error": {"code": "c", "request_id": "r"}}, "The service answered with status 500 and no reason.", "c"),
        ({"error": "No"}, "No.", "server_error"),
        ({"message": "No"}, "No.", "server_error"),
        ({"detail": "No"}, "No.", "server_error"),
        ("<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway.", "server_error"),
        ("", "The service answered with status 500 and no reason.", "server_error"),
        ("x" * 600, "x" * 500 + "…", "server_error"),
    ],
)
async def test_02_one_parser_reads_every_error_envelope(
    theo_service: FakeTheo, client: TheoClient, body: object, message: str, code: str
) -> None:
    theo_service.next = [replies(500, body, x_request_id="req_head")]

    with pytest.raises(errors.ServiceError) as raised:
        await client.images(ImagesRequest(prompt="x"))

    assert (raised.value.message, raised.value.code, raised.value.status) == (message, code, 500)
    assert raised.value.request_id in ("r", "req_head")


@pytest.mark.parametrize("wrap", [False, True])
def test_03_a_job_is_read_flat_and_wrapped(wrap: bool) -> None:
    flat = {"id": "job_1", "type": "video", "status": "active", "progress": 40, "result": None, "error": None}

    job = Job.model_validate({"job": flat} if wrap else flat)

    assert (job.id, job.type, job.status, job.progress) == ("job_1", "video", "active", 40)


@pytest.mark.parametrize(
    ("result", "text", "url"),
    [
        ("https://x.example/v.mp4", "https://x.example/v.mp4", "https://x.example/v.mp4"),
        ("A report about https://x.example", "A report about https://x.example", None),
        ({"report": "R", "sourceCount": 3}, "R", None),
        ({"videoUrl": "https://x/v", "model": "m", "engine": "e", "durationMs": 5}, "", "https://x/v"),
        ({"report": "R", "url": {"href": "https://x/r"}}, "R", "https://x/r"),
        ({"of_the_future": [1]}, '{"of_the_future":[1]}', None),
        (["a", {"text": "b"}], "ab", None),
        ({}, "", None),
        (None, "", None),
    ],
)
def test_04_a_jobs_result_is_text_or_an_object_with_an_address(result: object, text: str, url: str | None) -> None:
    job = Job.model_validate({"status": "completed", "result": result})

    assert (job.text, job.url) == (text, url)


@pytest.mark.parametrize(
    ("model", "engine"),
    [
        ({"id": "m", "engine": "e"}, "e"),
        ({"id": "m", "provider": "p"}, "p"),
        ({"id": "m", "engine": None, "provider": "p"}, "p"),
        ({"id": "m", "engine": "e", "provider": "p"}, "e"),
        ({"id": "m"}, ""),
        ("m", ""),
    ],
)
def test_05_the_engine_may_be_called_provider(model: object, engine: str) -> None:
    read = completion(model=model).model

    assert (read.id, read.engine) == ("m", engine)
    assert Image.model_validate({"provider": "p"}).engine == "p"


@pytest.mark.parametrize(
    ("cost", "cents"),
    [(123, 123.0), (0.02, 0.02), ("3¢", 3.0), ("0.02", 0.02), ("12 cents", 12.0), ("free", None), (None, None),
     (True, None), ([], None), (float("nan"), None)],
)  # fmt: skip
def test_06_a_cost_is_a_number_of_cents_or_unknown(cost: object, cents: float | None) -> None:
    assert completion(usage={"cost_cents": cost}).usage.cost_cents == cents


@pytest.mark.parametrize("usage", [{"cost_cents": 0.02}, {}, None, [], "none"])
def test_07_tokens_may_be_missing(usage: object) -> None:
    read = completion(usage=usage)

    assert (read.content, read.usage.prompt_tokens, read.usage.total_tokens) == ("x", None, None)


@pytest.mark.parametrize(
    ("url", "read", "kept"),
    [
        ("https://x/1.png", "https://x/1.png", None),
        (None, None, None),
        ({}, None, None),
        ({"url": "https://x/1.png"}, "https://x/1.png", None),
        ({"href": "https://x/1.png"}, "https://x/1.png", None),
        ({"src": {"url": "https://x/1.png"}}, "https://x/1.png", None),
        ({"b64": "aGk="}, None, {"b64": "aGk="}),
        (["https://x/1.png"], None, ["https://x/1.png"]),
        (5, None, 5),
    ],
)
def test_08_an_images_address_may_be_a_text_an_object_or_not_there_yet(
    url: object, read: str | None, kept: object
) -> None:
    image = Image.model_validate({"url": url, "engine": "theo-vision"})

    assert (image.url, image.url_as_sent) == (read, kept)


@pytest.mark.parametrize("id", ["cmpl_abc123", "comp_abc123", "123", ""])
def test_09_the_prefix_of_an_id_is_never_checked(id: str) -> None:
    assert completion(id=id).id == id


@pytest.mark.parametrize(
    ("fields", "cached"),
    [
        ({"_cached": True}, True),
        ({"usage": {"cached": True}}, True),
        ({"metadata": {"cached": True}}, True),
        ({"_cached": False, "usage": {"cached": False}}, False),
        ({}, False),
    ],
)
def test_10_a_cache_hit_is_seen_in_any_of_three_places(fields: dict[str, object], cached: bool) -> None:
    assert completion(**fields).was_cached is cached


async def test_10_the_second_of_two_equal_questions_comes_from_the_cache(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.caching = True

    answers = [await client.complete(HELLO) for _ in range(2)]

    assert [answer.was_cached for answer in answers] == [False, True]
    assert answers[1].usage.cost_cents == 0


@pytest.mark.parametrize(
    ("fields", "id"),
    [
        ({"conversation_id": "top", "metadata": {"conversation_id": "deep"}}, "top"),
        ({"metadata": {"conversation_id": "deep"}}, "deep"),
        ({"conversation_id": None, "metadata": {"conversation_id": "deep"}}, "deep"),
        ({"metadata": {"conversation_id": 5}}, "5"),
        ({"metadata": {"conversation_id": []}}, None),
        ({"conversation_id": None}, None),
        ({}, None),
    ],
)
def test_11_a_conversations_id_is_read_at_the_top_then_in_the_metadata_and_never_made_up(
    fields: dict[str, object], id: str | None
) -> None:
    assert completion(**fields).conversation_id == id


@pytest.mark.parametrize("mode", MODES)
async def test_12_a_completion_sends_any_of_the_nine_modes(
    theo_service: FakeTheo, client: TheoClient, mode: str
) -> None:
    answer = await client.complete(CompletionRequest.model_validate({"prompt": "x", "mode": mode}))

    assert theo_service.requests[0].json == {"prompt": "x", "mode": mode}
    assert answer.mode == mode


async def test_13_a_depth_is_sent_only_where_one_was_chosen(theo_service: FakeTheo, client: TheoClient) -> None:
    await client.research(ResearchRequest(prompt="x"))
    await client.research(ResearchRequest(prompt="x", depth="advanced"))

    assert [request.json for request in theo_service.requests] == [
        {"prompt": "x"},
        {"prompt": "x", "depth": "advanced"},
    ]


def test_14_nine_modes_are_sent_and_any_word_is_read() -> None:
    assert MODES == ("auto", "fast", "think", "code", "image", "video", "research", "roast", "genui")
    with pytest.raises(ValueError, match="mode"):
        CompletionRequest.model_validate({"prompt": "x", "mode": "data_extraction"})
    assert completion(mode="data_extraction", resolved_mode="stealth_image").resolved_mode == "stealth_image"


@pytest.mark.parametrize("engine", ["theo-1-edge", "theo-1-roast", "theo-1-code", "theo-1-reason", "theo-9"])
async def test_15_the_engine_of_a_mode_is_what_the_service_says(
    theo_service: FakeTheo, client: TheoClient, engine: str
) -> None:
    rows = {"models": [{"mode": "roast", "model_id": engine, "label": "L", "engine": "e", "icon_url": "https://x/i"}]}
    theo_service.next = [replies(200, rows)]

    (entry,) = (await client.models()).models

    assert (entry.mode, entry.model_id, entry.icon_url) == ("roast", engine, "https://x/i")
    assert CompletionRequest(prompt="x", model_overrides={"roast": engine}).model_overrides == {"roast": engine}


@pytest.mark.parametrize("status", ["success", "error", "complete", "ok", "of_the_future"])
def test_16_the_status_of_a_tool_is_a_free_word(status: str) -> None:
    assert completion(tools_used=[{"name": "t", "status": status}]).tools_used[0].status == status


@pytest.mark.parametrize(
    ("given", "looked_up"),
    [
        ("inventory-check", ["/api/v1/skills?filter=marketplace"]),
        (" inventory-check ", ["/api/v1/skills?filter=marketplace"]),
        (str(SKILLS[0]["id"]), []),
        (str(SKILLS[0]["id"]).upper(), []),
    ],
)
async def test_17_a_skill_is_installed_by_slug_or_id(
    theo_service: FakeTheo, client: TheoClient, given: str, looked_up: list[str]
) -> None:
    await client.install_skill(given)

    *lists, install = theo_service.requests
    assert [request.path for request in lists] == looked_up
    assert install.json["skillId"].lower() == SKILLS[0]["id"]
    assert theo_service.installed == {SKILLS[0]["id"]}


async def test_17_an_id_of_another_form_is_sent_where_the_service_lists_it(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.next = [
        replies(200, {"skills": [{"id": "skill_abc123", "slug": "x"}]}),
        replies(201, {"installed": True}),
    ]

    await client.install_skill("skill_abc123")

    assert theo_service.requests[-1].json == {"skillId": "skill_abc123"}


async def test_17_a_skill_that_nobody_lists_is_not_asked_for(theo_service: FakeTheo, client: TheoClient) -> None:
    with pytest.raises(errors.NotFoundError, match="no skill 'inventory-chek'") as raised:
        await client.install_skill("inventory-chek")

    assert raised.value.hint == "Did you mean 'inventory-check'?"
    assert [request.method for request in theo_service.requests] == ["GET", "GET"]


@pytest.mark.parametrize(
    ("key", "warned"),
    [("theo_sk_test_0123456789ab", False), ("theo_sk_0123456789abcdef", False), ("sk-other-01", True)],
)
async def test_18_a_key_of_another_kind_is_warned_of_and_sent(
    theo_service: FakeTheo, caplog: pytest.LogCaptureFixture, key: str, warned: bool
) -> None:
    theo_service.key = key

    with caplog.at_level(logging.WARNING):
        async with TheoClient(key, base_url=theo_service.origin) as client:
            await client.models()

    assert ["theo_sk_" in record.getMessage() for record in caplog.records] == [True] * warned
    assert key not in caplog.text


async def test_19_completions_are_snake_case_and_skills_are_camel_case(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    await client.complete(CompletionRequest(prompt="x", max_iterations=3))
    await client.install_skill(str(SKILLS[0]["id"]))

    assert [list(request.json) for request in theo_service.requests] == [["prompt", "max_iterations"], ["skillId"]]
    camel = Skill.model_validate({"installCount": 1, "isPublic": True})
    snake = Skill.model_validate({"install_count": 1, "is_public": True})
    assert camel.install_count == snake.install_count == 1
    assert camel.is_public is snake.is_public is True


def test_20_a_tools_schema_is_read_in_both_cases_and_written_as_each_endpoint_wants_it() -> None:
    schema = {"type": "object"}
    listed = ToolEntry.model_validate({"name": "t", "description": "d", "inputSchema": schema})
    inline = InlineTool.model_validate({"name": "t", "description": "d", "inputSchema": schema})

    assert listed == ToolEntry.model_validate({"name": "t", "description": "d", "input_schema": schema})
    assert listed.inline() == inline
    sent = CompletionRequest(prompt="x", tools=(inline,)).body()
    assert json.loads(sent)["tools"] == [{"name": "t", "description": "d", "input_schema": schema}]
    with pytest.raises(ValueError, match="inputSchema"):
        InlineTool.model_validate({"name": "t", "description": "d", "inputSchema": schema, "input_schema": schema})


@pytest.mark.parametrize(
    ("status", "kind"),
    [(402, errors.CreditsError), (403, errors.PermissionDeniedError), (422, errors.BadRequestError),
     (409, errors.BadRequestError)],
)  # fmt: skip
async def test_21_every_endpoint_shares_one_table_of_errors(
    theo_service: FakeTheo, client: TheoClient, status: int, kind: type[errors.APIError]
) -> None:
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.complete(HELLO),
        lambda: client.code(CodeRequest(prompt="x")),
        lambda: client.images(ImagesRequest(prompt="x")),
        lambda: client.document(DocumentRequest(prompt="x")),
        lambda: client.video(VideoRequest(prompt="x")),
        lambda: client.stream(HELLO).__aenter__(),
    ]
    for call in calls:
        theo_service.next = [replies(status, {"error": {"message": "No", "code": "insufficient_credits"}})]
        with pytest.raises(kind) as raised:
            await call()
        assert (raised.value.code, raised.value.status) == ("insufficient_credits", status)


async def test_22_the_api_version_is_not_sent(theo_service: FakeTheo, client: TheoClient) -> None:
    await client.complete(HELLO)
    await client.models()

    assert not any("theo-api-version" in request.headers for request in theo_service.requests)


async def test_22_the_version_that_answered_is_logged_and_a_deprecation_is_told_once(
    theo_service: FakeTheo, client: TheoClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        await client.skills()
        theo_service.next = [replies(200, {"tools": []}, theo_deprecation="2026-12-01") for _ in range(2)]
        for _ in range(2):
            await client.tools()

    logged = [vars(record) | {"text": record.getMessage()} for record in caplog.records]
    assert any("2026-03-28" in str(fields) for fields in logged)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


@pytest.mark.parametrize("status", [500, 502, 504, None], ids=["500", "502", "504", "cut"])
async def test_23_a_post_whose_bytes_went_out_is_not_sent_again(
    theo_service: FakeTheo, client: TheoClient, status: int | None
) -> None:
    async def cut(exchange: Exchange) -> None:
        exchange.ended = True

    theo_service.next = [cut if status is None else replies(status, {"error": {"message": "No"}})]

    with pytest.raises(errors.TheoError):
        await client.images(ImagesRequest(prompt="x"))

    assert len(theo_service.requests) == 1


def test_24_a_javascript_configuration_and_a_dotenv_file_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theo.config.js").write_text("module.exports = { persona: 'none' }", encoding="utf-8")
    (tmp_path / ".env").write_text("THEO_API_KEY=theo_sk_from_dotenv_00\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    settings = Settings.load({}, {"HOME": str(tmp_path)})

    assert settings.key("theo") is None
    assert "theo_sk_from_dotenv_00" not in environment().values()


def test_24_the_json_configuration_is_read(tmp_path: Path, make_settings: MakeSettings) -> None:
    text = '{"defaultMode": "fast", "skills": ["seo"]}'
    (tmp_path / "theo.config.json").write_text(text, encoding="utf-8")

    project = Workspace(make_settings(roots=[tmp_path])).project()

    assert (project.default_mode, project.skills) == ("fast", ("seo",))


def test_25_without_a_setting_theo_is_asked_at_www() -> None:
    assert Settings.load({}, {}).theo_base_url == "https://www.hitheo.ai"
    assert TheoClient(theo.KEY).base_url == "https://www.hitheo.ai"


async def test_26_no_plan_is_gated_here_and_the_services_answer_is_shown(
    getcode_service: FakeGetCode, code: GetCodeClient
) -> None:
    getcode_service.queued = "Free plan: you are number 3"
    async with code.generate(GenerateRequest(prompt="x", output_type="pdf")) as read:
        first = await anext(read)

    getcode_service.refusal = (403, "The Starter plan cannot generate. Upgrade to Pro.")
    with pytest.raises(errors.PermissionDeniedError, match=r"^The Starter plan cannot generate\. Upgrade to Pro\."):
        async with code.generate(GenerateRequest(prompt="x", output_type="pdf")):
            pass

    assert first == GenerateQueue(message="Free plan: you are number 3")


async def test_27_getcode_is_asked_where_it_is_documented_and_redirects_are_refused(
    getcode_service: FakeGetCode, code: GetCodeClient
) -> None:
    getcode_service.next = [replies(308, "", location="https://www.getcode.one/api/improve")]

    with pytest.raises(errors.ProtocolError, match=r"www\.getcode\.one") as raised:
        await code.improve(ImproveRequest(prompt="x", output_type="pdf"))

    assert "base URL" in raised.value.hint
    assert Settings.load({}, {}).getcode_base_url == "https://getcode.one"


def test_every_resolution_has_a_test() -> None:
    numbers = {name[5:7] for name in globals() if name.startswith("test_") and name[5:7].isdigit()}

    assert sorted(numbers) == [f"{number:02}" for number in range(1, 28)]


@pytest.mark.parametrize(
    ("fields", "job_id"),
    [
        ({"id": "res_1", "job_id": "job_1"}, "job_1"),
        ({"id": "res_1", "poll_url": "/api/v1/jobs/job%201?x=1"}, "job 1"),
        ({"id": "res_1", "poll_url": "http://[/jobs/job_1"}, "job_1"),
        ({"id": "res_1", "poll_url": 5}, "res_1"),
        ({"id": 7}, "7"),
        ({"job": {"id": "job_1", "status": "queued"}}, "job_1"),
        ({}, ""),
    ],
)
def test_a_job_that_was_begun_can_be_found_again_if_anything_names_it(fields: dict[str, object], job_id: str) -> None:
    assert JobStarted.model_validate(fields).job_id == job_id
