"""Every endpoint over HTTP: what the documents show is what is sent, and what they answer is what is read.

The documents' own examples are word for word; an endpoint without one gets one request.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import pytest

from theo_mcp import (
    ChatCompletionRequest,
    CodeRequest,
    CompletionRequest,
    DocumentRequest,
    Done,
    Gathered,
    Generated,
    GenerateRequest,
    GenuiMeta,
    GetCodeClient,
    ImagesRequest,
    ImproveRequest,
    Job,
    Meta,
    ResearchRequest,
    Skills,
    TheoClient,
    UploadRequest,
    VideoRequest,
    errors,
)
from theo_mcp.errors import NotFoundError
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.testing.theo_replies import SKILLS

INVENTORY = """{
    "prompt": "Check current inventory levels for SKU-1234",
    "mode": "auto",
    "skills": ["inventory-check"],
    "tools": [
      {
        "name": "check_stock",
        "description": "Look up current stock levels by SKU",
        "input_schema": {
          "type": "object",
          "properties": {
            "sku": { "type": "string" },
            "warehouse": { "type": "string" }
          },
          "required": ["sku"]
        }
      }
    ],
    "persona": { "system_prompt": "You are Atlas, an operations assistant." },
    "max_iterations": 5
  }"""
JWT = """{
    "prompt": "Write a TypeScript Express middleware for JWT authentication",
    "language": "typescript",
    "framework": "express"
  }"""
LOGOS = """{
    "prompt": "A minimalist tech logo, blue and white",
    "style": "photorealistic",
    "aspect_ratio": "1:1",
    "count": 2
  }"""
EVERY_FIELD = {
    "prompt": "Look at this",
    "mode": "image",
    "conversation_id": "conv_1",
    "skills": ["legal-review"],
    "persona": "none",
    "temperature": 0,
    "max_iterations": 20,
    "model_overrides": {"code": "theo-1-reason"},
    "metadata": {"team": "web", "n": 1, "deep": {"a": [None]}},
    "component_library": "eviui",
    "conversation": {
        "title": "T",
        "messages": [{"role": "user", "content": "Hi", "createdAt": "2026-04-10T12:00:00Z", "mode": "fast"}],
    },
    "attachments": [
        {"type": "image_url", "url": "https://example.com/a.png"},
        {"type": "image_base64", "data": "iVBORw0=", "mime_type": "image/png"},
    ],
    "image_model": "theo-1-photo",
    "image_quality": "hd",
    "personality_config": {
        "traits": {
            "romantic": 0, "intelligent": 0.5, "sarcastic": 0, "rude": 0, "funny": 1, "comedic": 0, "witty": 1,
        },
        "uncensored_mode": False,
    },
    "response_style": {"format": "list", "preciseness": "high", "intent": "inform"},
    "theo_branding": False,
    "brand_soul": True,
}  # fmt: skip
CHAT = {
    "model": "theo-1-auto",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
    "temperature": 0.5,
    "skills": ["legal-review"],
    "metadata": {"a": 1},
}
BODIES = [
    "{}", "[]", "null", "5", '"x"', "", "<html>", "[" * 999, '{"error": {}}', '{"error": "no"}', '{"error": [{}]}',
    '{"content": {"text": "x"}, "error": 1}', '{"images": {"url": []}}', '{"job": {"job": {"id": []}}, "job_id": {}}',
    '{"skills": [{"id": null, "slug": "inventory-check"}]}', '{"skill": [], "conversation": 5, "messages": "x"}',
    r'{"content": "\ud83e", "improved": ["\udde9"], "id": "\ud83e"}', '{"status": "failed", "error": {"message": []}}',
    '{"usage": {"cost_cents": 1e999}, "size_bytes": 1e999, "progress": -0.0, "content": "x"}',
    '{"period": {"from": 5}}', '{"choices": [{"message": null}, {"message": {"content": [null, {"text": 5}]}}]}',
    '{"poll_url": "/jobs/", "id": 0}',
]  # fmt: skip
FILES = {
    "application/pdf": ("invoice.pdf", b"%PDF-1.7 \x00\xff\xfe"),
    "image/jpeg": ("photo.jpg", b"\xff\xd8\xff\xe0"),
    "image/png": ("shot.png", b"\x89PNG\r\n\x1a\n"),
    "image/webp": ("pic.webp", b"RIFF\x00\x00\x00\x00WEBP"),
    "image/gif": ("moving.gif", b"GIF89a"),
}


@pytest.fixture
async def client(theo_service: FakeTheo) -> AsyncIterator[TheoClient]:
    async with TheoClient(theo.KEY, base_url=theo_service.origin, retries=RetryPolicy(retries=0)) as connected:
        yield connected


@pytest.fixture
async def code(getcode_service: FakeGetCode) -> AsyncIterator[GetCodeClient]:
    async with GetCodeClient(getcode.KEY, base_url=getcode_service.origin, retries=RetryPolicy(retries=0)) as connected:
        yield connected


async def test_the_jwt_example_is_sent_as_it_stands(theo_service: FakeTheo, client: TheoClient) -> None:
    await client.code(CodeRequest.model_validate_json(JWT))

    assert theo_service.requests[0].json == json.loads(JWT)


async def test_the_inventory_example_is_sent_and_its_stream_is_read_whole(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.artifacts = [{"id": "art_1", "type": "image", "title": "Chart", "imageUrl": "https://x.example/1.png"}]
    request = CompletionRequest.model_validate_json(INVENTORY)
    gathered = Gathered(request)

    async with client.stream(request) as read:
        async for event in read:
            gathered.add(event)

    answer = gathered.completion(created="2026-04-10T12:00:00Z")
    assert theo_service.requests[0].json == json.loads(INVENTORY) | {"stream": True}
    assert answer.content == "".join(theo.WORDS)
    assert [(tool.name, tool.status) for tool in answer.tools_used] == [("check_stock", "success")]
    assert [skill.slug for skill in answer.skills_active] == ["inventory-check"]
    assert answer.artifacts[0].image_url == "https://x.example/1.png"
    assert answer.artifacts[0].urls == ("https://x.example/1.png",)
    assert answer.request_id == "req_1"


async def test_every_request_field_goes_through_as_it_is(theo_service: FakeTheo, client: TheoClient) -> None:
    await client.complete(CompletionRequest.model_validate(EVERY_FIELD))

    assert theo_service.requests[0].json == EVERY_FIELD


async def test_every_response_field_of_the_page_and_the_sdk_is_read(theo_service: FakeTheo, client: TheoClient) -> None:
    body = theo.completion({}) | {
        "structured_output": {"type": "table", "data": [[1]], "parse_error": "cut"},
        "skills_active": [{"id": "1", "slug": "a", "name": "A", "intensity": 0.5}],
        "routing": {"why": "short"},
        "tools_used": [{"name": "search", "status": "success", "description": "d"}],
        "artifacts": [
            {"id": "1", "type": "video", "title": "V", "providerId": "p", "modelId": "m", "videoUrl": "https://x/v"},
            {"id": "2", "type": "document", "downloadUrl": "https://x/d", "sizeBytes": 5},
            {"id": "3", "type": "code", "code": "x = 1", "language": "python"},
        ],
        "metadata": {"team": "web"},
        "conversation_id": "conv_1",
        "request_id": "req_1",
        "_cached": True,
    }  # fmt: skip

    async def handle(exchange: Exchange) -> None:
        await exchange.reply(200, body)

    theo_service.next = [handle]

    answer = await client.complete(CompletionRequest(prompt="Hello"))

    read = answer.model_dump(by_alias=True, exclude_unset=True, exclude={"theo_mcp"})
    assert json.loads(json.dumps(read)) == body
    assert answer.model_extra == {}


async def test_a_call_decides_its_own_stream_and_format(theo_service: FakeTheo, client: TheoClient) -> None:
    request = CompletionRequest(prompt="x", stream=True, format="openai")
    chat = ChatCompletionRequest.model_validate(CHAT | {"stream": True})

    assert (await client.complete(request)).object == "completion"
    assert (await client.complete_openai(request)).object == "chat.completion"
    async with client.stream(request) as read:
        assert isinstance(await anext(read), Meta)
    assert (await client.chat(chat)).object == "chat.completion"

    assert [sorted(sent.json) for sent in theo_service.requests[:3]] == [
        ["prompt"], ["format", "prompt"], ["prompt", "stream"],
    ]  # fmt: skip
    assert theo_service.requests[3].json == CHAT


async def test_genui_names_its_library(theo_service: FakeTheo, client: TheoClient) -> None:
    request = CompletionRequest(prompt="A form", mode="genui", component_library="eviui", skills=("legal-review",))

    async with client.stream(request) as read:
        seen = [event async for event in read]

    assert [type(event) for event in seen[:3]] == [Meta, Skills, GenuiMeta]
    assert isinstance(seen[2], GenuiMeta)
    assert (seen[2].library, seen[2].tools) == ("eviui", ("search",))
    assert isinstance(seen[-1], Done)


async def test_the_two_logos_come_with_their_expanded_prompt(theo_service: FakeTheo, client: TheoClient) -> None:
    answer = await client.images(ImagesRequest.model_validate_json(LOGOS))

    assert theo_service.requests[0].json == json.loads(LOGOS)
    assert answer.id == "img_abc123"
    assert [image.url for image in answer.images] == [
        "https://artifacts.hitheo.ai/img/abc123-1.png",
        "https://artifacts.hitheo.ai/img/abc123-2.png",
    ]
    assert [(image.engine, image.model) for image in answer.images] == [("theo-vision", "theo-1-create")] * 2
    assert answer.images[0].prompt == (
        "A minimalist tech logo, blue and white Style: photorealistic. Aspect ratio: 1:1."
    )
    assert answer.usage.cost_cents == 0.08
    assert (answer.theo_mcp.backend, answer.theo_mcp.engine) == ("hosted", "theo")


async def test_a_chat_is_sent_and_answered_in_openais_form(theo_service: FakeTheo, client: TheoClient) -> None:
    answer = await client.chat(ChatCompletionRequest.model_validate(CHAT))

    assert theo_service.requests[0].path == "/api/v1/chat/completions"
    assert theo_service.requests[0].json == CHAT
    assert answer.content == "".join(theo.WORDS)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.theo_mcp.model == "theo-1-flash"


async def test_a_streamed_chat_comes_in_chunks(theo_service: FakeTheo, client: TheoClient) -> None:
    async with client.chat_stream(ChatCompletionRequest.model_validate(CHAT)) as read:
        chunks = [chunk async for chunk in read]

    assert theo_service.requests[0].json == CHAT | {"stream": True}
    assert [chunk.choices[0].delta.content for chunk in chunks] == [*theo.WORDS, None]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[0].object == "chat.completion.chunk"


@pytest.mark.parametrize("format", ["pdf", "docx", "pptx", "xlsx", "csv", None])
async def test_a_document_comes_in_each_format(theo_service: FakeTheo, client: TheoClient, format: str | None) -> None:
    fields = {"prompt": "Quarterly report"} | ({"format": format} if format else {})

    answer = await client.document(DocumentRequest.model_validate(fields))

    assert theo_service.requests[0].json == fields
    assert answer.download_url == f"https://artifacts.hitheo.ai/doc/abc123.{format or 'pdf'}"
    assert (answer.format, answer.size_bytes) == (format or "pdf", 48213)
    assert answer.content.startswith("# Quarterly report")
    assert answer.title == "Quarterly report"
    assert answer.usage.cost_cents == 0.4


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_research_is_begun_waited_for_and_read(
    theo_service: FakeTheo, client: TheoClient, wrapped: bool
) -> None:
    theo_service.wrap_jobs = wrapped
    slept: list[float] = []
    seen: list[Job] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    started = await client.research(ResearchRequest(prompt="Tides", depth="basic", max_sources=50))
    job = await client.wait_for_job(started.job_id, observe=seen.append, sleep=sleep)

    assert theo_service.requests[0].json == {"prompt": "Tides", "depth": "basic", "max_sources": 50}
    assert (started.id, started.job_id, started.status) == ("res_abc123", "job_1", "queued")
    assert started.poll_url == "/api/v1/jobs/job_1"
    assert [(state.status, state.progress) for state in seen] == [("queued", 0), ("active", 40), ("completed", 100)]
    assert slept == [2, 2]
    assert job.text == "# Findings\n\nThree sources agree."
    assert job.type == "research"
    assert job.theo_mcp.backend == "hosted"


async def test_a_video_is_begun_and_its_address_read(theo_service: FakeTheo, client: TheoClient) -> None:
    started = await client.video(VideoRequest(prompt="A wave", duration="5s", style="3d-render"))
    theo_service.jobs[started.job_id] = theo_service.jobs[started.job_id][-1:]
    job = await client.wait_for_job(started.job_id)

    assert theo_service.requests[0].json == {"prompt": "A wave", "duration": "5s", "style": "3d-render"}
    assert started.id == "vid_abc123"
    assert job.url == "https://artifacts.hitheo.ai/vid/abc123.mp4"
    assert job.text == ""


async def test_a_queue_that_is_down_is_a_service_error_that_may_be_tried_again(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    theo_service.queue_available = False

    with pytest.raises(errors.ServiceError) as raised:
        await client.research(ResearchRequest(prompt="Tides"))

    assert raised.value.code == "queue_unavailable"


async def test_cancelling_a_wait_closes_the_socket_of_a_look_that_hangs(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    looking = anyio.Event()

    async def silent(_: Exchange) -> None:
        looking.set()
        await anyio.sleep_forever()

    theo_service.next = [silent]
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.wait_for_job, "job_1")
            await looking.wait()
            tasks.cancel_scope.cancel()
        await theo_service.exchanges[0].closed.wait()

    assert len(theo_service.requests) == 1


async def test_an_unknown_job_is_named_in_the_error(client: TheoClient) -> None:
    for call in (client.job, client.wait_for_job):
        with pytest.raises(NotFoundError) as raised:
            await call("job_404")
        assert raised.value.job_id == "job_404"
        assert "job_404" in raised.value.hint


async def test_an_error_in_place_of_a_job_is_a_failing_look_and_not_the_jobs_end(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    async def handle(exchange: Exchange) -> None:
        await exchange.reply(200, {"error": {"message": "Try later", "code": "busy"}})

    async def sleep(_: float) -> None:
        pass

    theo_service.jobs["job_1"] = [{"id": "job_1", "status": "completed", "result": "done"}]
    theo_service.next = [handle, handle]

    with pytest.raises(errors.APIError, match="Try later") as raised:
        await client.job("job_1")
    job = await client.wait_for_job("job_1", sleep=sleep)

    assert (raised.value.code, raised.value.job_id) == ("busy", "job_1")
    assert job.text == "done"


async def test_skills_are_listed_installed_and_uninstalled_by_their_slug(
    theo_service: FakeTheo, client: TheoClient
) -> None:
    market = await client.skills("marketplace")
    installed = await client.install_skill("inventory-check")
    mine = await client.skills("installed")
    removed = await client.uninstall_skill("inventory-check")

    assert [skill.slug for skill in market.skills] == ["inventory-check", "legal-review"]
    assert (market.skills[0].install_count, market.skills[0].is_public) == (42, True)
    assert market.skills[1].description == ""
    assert (installed.installed, installed.skill_id) == (True, SKILLS[0]["id"])
    assert [skill.slug for skill in mine.skills] == ["inventory-check"]
    assert removed.installed is False
    assert theo_service.requests[-2].path == "/api/v1/skills?filter=installed"
    change = theo_service.requests[-1]
    assert (change.method, change.path, change.json) == ("DELETE", "/api/v1/skills", {"skillId": SKILLS[0]["id"]})
    assert theo_service.installed == set()


async def test_one_skill_is_read_with_its_tools(theo_service: FakeTheo, client: TheoClient) -> None:
    skill = await client.skill("inventory-check")

    assert skill.name == "Inventory Check"
    assert skill.tool_definitions[0].name == "check_stock"
    assert theo_service.requests[-1].path == f"/api/v1/skills/{SKILLS[0]['id']}"


async def test_tools_are_listed(client: TheoClient) -> None:
    (tool,) = (await client.tools()).tools

    assert (tool.name, tool.category, tool.permission_level, tool.requires_approval) == (
        "check_stock", "automation", "user", False,
    )  # fmt: skip


async def test_conversations_are_paged_read_and_deleted(theo_service: FakeTheo, client: TheoClient) -> None:
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await client.conversations(cursor=cursor)
        ids += [entry.id for entry in page.conversations]
        cursor = page.next_cursor
        if not page.has_more:
            break
    one = await client.conversation("conv_2")
    await client.delete_conversation("conv_2")

    assert ids == ["conv_1", "conv_2", "conv_3", "conv_4", "conv_5"]
    assert [request.path for request in theo_service.requests[:3]] == [
        "/api/v1/conversations", "/api/v1/conversations?cursor=2", "/api/v1/conversations?cursor=4",
    ]  # fmt: skip
    assert (one.id, one.title, one.updated_at) == ("conv_2", "Conversation 2", "2026-04-10T12:00:00Z")
    assert [(turn.role, turn.content) for turn in one.messages] == [("user", "Hello"), ("assistant", "Hello.")]
    assert (one.messages[1].resolved_mode, one.messages[1].cost_cents) == ("fast", 0.02)
    with pytest.raises(NotFoundError):
        await client.conversation("conv_2")


@pytest.mark.parametrize("silent", [False, True])
async def test_a_change_that_is_answered_without_a_word_is_a_change(
    theo_service: FakeTheo, client: TheoClient, silent: bool
) -> None:
    theo_service.silent_changes = silent

    installed = await client.install_skill("legal-review")
    removed = await client.uninstall_skill("legal-review")
    await client.delete_conversation("conv_1")

    assert (installed.installed, removed.installed) == (True, False)
    assert removed.theo_mcp.backend == "hosted"


async def test_usage_is_asked_for_by_time_and_scope(theo_service: FakeTheo, client: TheoClient) -> None:
    theo_service.org_usage = True

    report = await client.usage(start="2026-04-01", end="2026-04-30", scope="org")

    assert theo_service.requests[0].path == "/api/v1/usage?from=2026-04-01&to=2026-04-30&scope=org"
    assert (report.period.start, report.period.end) == ("2026-04-01", "2026-04-30")
    assert (report.totals.requests, report.totals.total_tokens, report.totals.cost_cents) == (3, 504, 0.06)
    assert report.by_mode["fast"].cost_cents == 0.06
    assert report.by_model["theo-1-flash"].requests == 3


async def test_the_organisations_usage_needs_its_permission(client: TheoClient) -> None:
    with pytest.raises(errors.PermissionDeniedError):
        await client.usage(scope="org")


async def test_health_in_each_state_is_an_answer(theo_service: FakeTheo, client: TheoClient) -> None:
    for state in ("healthy", "degraded", "down"):
        theo_service.status = state
        assert (await client.health()).status == state


@pytest.mark.parametrize("output_type", getcode.OUTPUT_TYPES)
async def test_each_output_type_is_generated(
    getcode_service: FakeGetCode, code: GetCodeClient, output_type: str
) -> None:
    fields = {"prompt": "A bakery", "outputType": output_type, "originalPrompt": "bakery", "language": "auto"}

    getcode_service.queued = "Your generation begins shortly"
    generated = Generated()

    async with code.generate(GenerateRequest.model_validate(fields)) as read:
        async for event in read:
            generated.add(event)

    assert getcode_service.requests[0].json == fields
    assert generated.text == "<!doctype html><h1>Bäckerei 🥐</h1>"
    assert generated.notices == ["Your generation begins shortly"]
    assert generated.done is not None
    assert (generated.done.tokens_used, generated.done.model) == (4821, "getcode-1")


@pytest.mark.parametrize("language", getcode.LANGUAGES)
async def test_each_language_is_sent(getcode_service: FakeGetCode, code: GetCodeClient, language: str) -> None:
    fields = {"prompt": "A bakery", "outputType": "website", "language": language}

    async with code.generate(GenerateRequest.model_validate(fields)) as read:
        assert [event async for event in read]

    assert getcode_service.requests[0].json == fields


async def test_improve_returns_the_brief_and_its_tokens(getcode_service: FakeGetCode, code: GetCodeClient) -> None:
    answer = await code.improve(ImproveRequest(prompt="saas page", output_type="website"))

    assert getcode_service.requests[0].json == {"prompt": "saas page", "outputType": "website"}
    assert answer.improved == "saas page with responsive nav and clear sections."
    assert answer.tokens_used == 312


@pytest.mark.parametrize("mime_type", FILES)
async def test_each_type_of_file_is_uploaded(getcode_service: FakeGetCode, code: GetCodeClient, mime_type: str) -> None:
    name, data = FILES[mime_type]
    request = UploadRequest.model_validate(
        {"file_data": data, "mime_type": mime_type, "file_name": name, "output_type": "pdf"}
    )

    answer = await code.upload(request)

    sent = getcode_service.requests[0].json
    assert set(sent) == {"fileData", "mimeType", "fileName", "outputType"}
    assert base64.b64decode(sent["fileData"], validate=True) == data
    assert (sent["mimeType"], sent["fileName"], sent["outputType"]) == (mime_type, name, "pdf")
    assert answer.analysed_prompt == f"Generate a pdf like {name} with..."
    assert (answer.file_name, answer.file_type) == (name, "document" if name == "invoice.pdf" else "image")
    assert (answer.theo_mcp.backend, answer.theo_mcp.engine) == ("hosted", "getcode")


async def test_whatever_a_service_answers_nothing_but_a_theo_error_is_raised(
    theo_service: FakeTheo, getcode_service: FakeGetCode, client: TheoClient, code: GetCodeClient
) -> None:
    chance = random.Random(20260410)
    upload = UploadRequest(file_data=b"x", mime_type="image/gif", file_name="a.gif", output_type="pdf")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.complete(CompletionRequest(prompt="x")),
        lambda: client.chat(ChatCompletionRequest.model_validate(CHAT)),
        lambda: client.images(ImagesRequest(prompt="x")),
        lambda: client.document(DocumentRequest(prompt="x")),
        lambda: client.research(ResearchRequest(prompt="x")),
        lambda: client.job("job_1"),
        lambda: client.install_skill(str(SKILLS[0]["id"])),
        lambda: client.skill("inventory-check"),
        lambda: client.conversations(),
        lambda: client.delete_conversation("conv_1"),
        lambda: client.usage(),
        lambda: client.health(),
        lambda: code.improve(ImproveRequest(prompt="x", output_type="pdf")),
        lambda: code.upload(upload),
    ]
    ended = set()
    for call in calls * 10:
        status, body = chance.choice([200, 200, 200, 201, 204, 402, 500]), chance.choice(BODIES)

        async def handle(exchange: Exchange, status: int = status, body: str = body) -> None:
            await exchange.reply(status, body)

        theo_service.next, getcode_service.next = [handle], [handle]
        try:
            ended.add(type(await call()).__name__)
        except errors.TheoError as error:
            ended.add(type(error).__name__)

    assert {"Completion", "Images", "Job", "CreditsError", "ServiceError", "ProtocolError"} <= ended


async def test_a_blank_prompt_is_refused_at_every_endpoint_and_nothing_is_sent(
    theo_service: FakeTheo, getcode_service: FakeGetCode, client: TheoClient, code: GetCodeClient
) -> None:
    blank = ChatCompletionRequest.model_validate({"messages": [{"role": "user", "content": " "}]})
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: client.images(ImagesRequest(prompt=" ")),
        lambda: client.document(DocumentRequest(prompt="")),
        lambda: client.research(ResearchRequest(prompt="\n")),
        lambda: client.video(VideoRequest(prompt="")),
        lambda: client.chat(blank),
        lambda: client.chat_stream(blank).__aenter__(),
        lambda: code.generate(GenerateRequest(prompt=" ", output_type="pdf")).__aenter__(),
    ]

    for call in calls:
        with pytest.raises(errors.InputError) as raised:
            await call()
        assert raised.value.code == "missing_prompt"

    assert theo_service.requests == getcode_service.requests == []
