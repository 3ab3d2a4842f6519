"""Every method of the seam beside the completions: the hosted arm asks its service, and the engine says what to do
instead where it does not serve one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.conftest import MakeSettings
from theo_mcp import (
    Backend,
    ConfigError,
    DocumentRequest,
    ImagesRequest,
    NotAvailableError,
    UploadRequest,
    VideoRequest,
    connect,
)
from theo_mcp.backend import Caller
from theo_mcp.engine.served import METHODS_NOT_SERVED
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.testing.theo_replies import job

UPLOAD = UploadRequest(file_data=b"%PDF", mime_type="application/pdf", file_name="a.pdf", output_type="website")


CALLS: dict[str, Callable[[Backend], Awaitable[object]]] = {
    "images": lambda backend: backend.theo.images(ImagesRequest(prompt="A logo")),
    "document": lambda backend: backend.theo.document(DocumentRequest(prompt="A report")),
    "video": lambda backend: backend.theo.video(VideoRequest(prompt="A wave")),
    "job": lambda backend: backend.theo.job("job_9", timeout=5),
    "wait_for_job": lambda backend: backend.theo.wait_for_job("job_9", poll_s=1, deadline_s=5, observe=lambda _: None),
    "conversations": lambda backend: backend.theo.conversations(cursor="2"),
    "conversation": lambda backend: backend.theo.conversation("conv_1"),
    "delete_conversation": lambda backend: backend.theo.delete_conversation("conv_1"),
    "usage": lambda backend: backend.theo.usage(start="2026-04-01", end="2026-04-30", scope="user"),
    "upload": lambda backend: backend.getcode.upload(UPLOAD),
}
SENT = {
    "images": ["POST /api/v1/images"],
    "document": ["POST /api/v1/documents"],
    "video": ["POST /api/v1/video"],
    "job": ["GET /api/v1/jobs/job_9"],
    "wait_for_job": ["GET /api/v1/jobs/job_9"],
    "conversations": ["GET /api/v1/conversations?cursor=2"],
    "conversation": ["GET /api/v1/conversations/conv_1"],
    "delete_conversation": ["DELETE /api/v1/conversations/conv_1"],
    "usage": ["GET /api/v1/usage?from=2026-04-01&to=2026-04-30&scope=user"],
    "upload": ["POST /api/upload"],
}


def test_every_such_method_is_here() -> None:
    assert set(CALLS) == set(SENT)
    assert set(CALLS) >= set(METHODS_NOT_SERVED)


@pytest.mark.parametrize("scoped", [False, True])
@pytest.mark.parametrize("name", CALLS)
async def test_the_hosted_arm_asks_its_service(
    make_settings: MakeSettings, theo_service: FakeTheo, getcode_service: FakeGetCode, name: str, scoped: bool
) -> None:
    theo_service.jobs["job_9"] = [job("job_9", "research", "completed", 100, {"report": "# Findings"})]
    settings = make_settings(
        theo_api_key=theo.KEY, theo_base_url=theo_service.origin, getcode_api_key=getcode.KEY,
        getcode_base_url=getcode_service.origin,
    )  # fmt: skip

    async with connect(settings) as backend:
        assert await CALLS[name](backend.for_caller(Caller(deadline_s=10)) if scoped else backend)

    asked = [f"{request.method} {request.path}" for request in theo_service.requests + getcode_service.requests]
    assert asked == SENT[name]


@pytest.mark.parametrize("name", METHODS_NOT_SERVED)
async def test_the_engine_says_what_it_does_not_serve_and_starts_nothing(
    make_settings: MakeSettings, model_server: ModelServer, name: str
) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        for asked in (backend, backend.for_caller(Caller(deadline_s=10))):
            with pytest.raises(NotAvailableError) as raised:
                await CALLS[name](asked)

    key = "GETCODE_API_KEY" if name == "upload" else "THEO_API_KEY"
    assert raised.value.code == "not_available_here"
    assert raised.value.message == f"The engine on this machine does not serve {METHODS_NOT_SERVED[name]} yet."
    assert raised.value.hint.startswith(f"Set {key} to ask the hosted service")
    assert model_server.requests == []


@pytest.mark.parametrize("name", METHODS_NOT_SERVED)
async def test_without_a_model_the_answer_is_the_same(make_settings: MakeSettings, name: str) -> None:
    settings = make_settings()

    async with connect(settings) as backend:
        with pytest.raises(NotAvailableError, match="does not serve"):
            await CALLS[name](backend)

    assert not settings.data_dir.exists()


@pytest.mark.parametrize("name", CALLS)
async def test_a_broken_setting_is_told_by_every_method(name: str) -> None:
    async with connect(ConfigError("The file is broken.")) as backend:
        with pytest.raises(ConfigError, match="The file is broken"):
            await CALLS[name](backend)
