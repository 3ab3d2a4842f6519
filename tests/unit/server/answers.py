"""Answers of Theo's that a test decides, with what they cost."""

from __future__ import annotations

from theo_mcp.testing import faults
from theo_mcp.testing.http import Exchange, Fields, Handler
from theo_mcp.testing.theo import FakeTheo


def streamed(done: Fields, *artifacts: object, text: str = "Here.") -> Handler:
    """A completion with artifacts."""

    async def handle(exchange: Exchange) -> None:
        await exchange.start_events()
        await exchange.event({"id": "cmpl_9", "model": "m", "artifacts": artifacts}, "meta")
        await exchange.event({"token": text}, "token")
        await exchange.event({"id": "cmpl_9", "content": text, "usage": {"cost_cents": 7.5}, **done}, "done")

    return handle


def of_images(*urls: object, **others: object) -> Handler:
    images = [{"url": url, "model": "theo-1-create"} for url in urls]
    return faults.status(200, {"id": "img_9", "images": images, "usage": {"cost_cents": 8}, **others})


def of_document(url: object, **others: object) -> Handler:
    return faults.status(200, {"id": "doc_9", "download_url": url, "content": "", "usage": {"cost_cents": 9}, **others})


def of_job(service: FakeTheo, result: object, **others: object) -> Handler:
    ended = {"id": "job_9", "status": "completed", "result": result, "usage": {"cost_cents": 6}, **others}
    service.jobs["job_9"] = [ended]
    return faults.status(202, {"id": "job_9", "job_id": "job_9", "status": "queued"})
