"""What a call tells OpenTelemetry and the log: names and numbers, never a body, a header or a key."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from theo_mcp import CompletionRequest, TheoClient, errors
from theo_mcp.commands._logging import JsonFormatter, log_to_stderr
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.testing import faults, theo
from theo_mcp.testing.theo import FakeTheo

HELLO = CompletionRequest(prompt="canary-prompt-5d1f")
EXPORTER = InMemorySpanExporter()
READER = InMemoryMetricReader()


class Failing(SpanProcessor):
    """An application's own, which fails when it is told to."""

    fails = False

    def on_end(self, span: ReadableSpan) -> None:
        if self.fails:
            raise RuntimeError("no collector")


FAILING = Failing()


@pytest.fixture(scope="module", autouse=True)
def sdk() -> None:
    """An application's set-up; OpenTelemetry allows one a process."""
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(EXPORTER))
    tracers.add_span_processor(FAILING)
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([READER]))


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    EXPORTER.clear()
    yield EXPORTER
    EXPORTER.clear()


def attributes_of(point: object) -> dict[str, object]:
    return dict(getattr(point, "attributes", None) or {})


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


async def test_a_call_is_a_client_span_with_the_conventions_names(
    theo_service: FakeTheo, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("test").start_as_current_span("the caller's") as parent:
        async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
            await client.complete(HELLO)

    span = next(span for span in spans.get_finished_spans() if span.kind is trace.SpanKind.CLIENT)
    told = attributes(span)
    port = told.pop("server.port")
    assert told == {
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "theo",
        "gen_ai.response.id": "cmpl_abc123",
        "gen_ai.response.model": "theo-1-flash",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 156,
        "http.request.method": "POST",
        "http.request.resend_count": 0,
        "server.address": "127.0.0.1",
        "theo.usage.cost_cents": 0.02,
        "url.template": "/api/v1/completions",
    }
    assert theo_service.origin.endswith(f":{port}")
    assert span.name == "text_completion"
    assert span.parent is not None
    assert span.parent.span_id == parent.get_span_context().span_id


async def test_a_stream_tells_when_its_first_chunk_came_and_what_it_cost(
    theo_service: FakeTheo, spans: InMemorySpanExporter
) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client, client.stream(HELLO) as events:
        async for _ in events:
            pass

    told = attributes(spans.get_finished_spans()[0])
    assert 0 < float(str(told["gen_ai.response.time_to_first_chunk"])) < 5
    assert (told["theo.usage.cost_cents"], told["gen_ai.response.id"]) == (0.02, "cmpl_abc123")


async def test_a_failure_is_an_error_span_after_all_its_tries(
    theo_service: FakeTheo, spans: InMemorySpanExporter
) -> None:
    theo_service.next = [faults.status(503), faults.status(500)]
    async with TheoClient(theo.KEY, base_url=theo_service.origin, retries=RetryPolicy(backoff=0.001)) as client:
        with pytest.raises(errors.ServiceError):
            await client.complete(HELLO)

    span = spans.get_finished_spans()[0]
    told = attributes(span)
    assert span.status.status_code is trace.StatusCode.ERROR
    assert (told["error.type"], told["http.response.status_code"], told["http.request.resend_count"]) == (
        "server_error",
        500,
        1,
    )


async def test_durations_and_tokens_are_measured(theo_service: FakeTheo, spans: InMemorySpanExporter) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        await client.complete(HELLO)

    collected = READER.get_metrics_data()
    assert collected is not None
    points = {
        metric.name: list(metric.data.data_points)
        for resource in collected.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert set(points) == {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"}
    kinds = {attributes_of(point)["gen_ai.token.type"] for point in points["gen_ai.client.token.usage"]}
    assert kinds == {"input", "output"}


async def test_the_log_has_json_lines_with_numbers_and_without_contents(
    theo_service: FakeTheo, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    theo_service.next = [
        faults.status(503, "", retry_after="0", x_request_id="req_7"),
        faults.status(200, theo.completion({}), theo_deprecation="2027-01-01", theo_api_version="2026-03-28"),
    ]
    try:
        log_to_stderr("info")
        async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
            await client.complete(HELLO)
            await client.complete(HELLO)
            with pytest.raises(errors.NotFoundError):
                await client.complete(CompletionRequest(prompt="canary-prompt-5d1f", conversation_id="unknown"))
    finally:
        root.handlers[:], root.level = before[0], before[1]

    lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
    seen = [(line["event"], line.get("status"), line["attempt"]) for line in lines]
    assert seen == [
        ("response", 503, 1), ("retry", 503, 1), ("response", 200, 2), ("deprecated", 200, 2),
        ("response", 200, 1), ("response", 404, 1), ("failed", 404, 1),
    ]  # fmt: skip
    assert lines[0]["request_id"] == "req_7"
    assert lines[2]["api_version"] == "2026-03-28"
    assert lines[3]["level"] == "warning"
    assert set(lines[0]) == {
        "ts", "level", "logger", "event", "method", "path", "status", "attempt", "request_id", "elapsed_ms", "bytes",
        "trace_id",
    }  # fmt: skip
    assert theo.KEY not in stderr.getvalue()
    assert "canary-prompt" not in stderr.getvalue()


def test_a_record_without_facts_is_its_message_and_its_exception() -> None:
    record = logging.LogRecord("theo_mcp", logging.ERROR, "", 0, "key %s", (theo.KEY,), None)
    record.exc_text = f"Traceback: Bearer {theo.KEY}"

    line = json.loads(JsonFormatter().format(record))

    assert (line["level"], line["message"], line["exception"]) == ("error", "key ***", "Traceback: Bearer ***")


async def test_nothing_of_a_call_is_in_its_spans(theo_service: FakeTheo, spans: InMemorySpanExporter) -> None:
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        await client.complete(HELLO)

    text = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "canary-prompt" not in text
    assert theo.KEY not in text
    assert "Microservices" not in text


async def test_telemetry_that_fails_costs_no_answer(
    theo_service: FakeTheo, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FAILING, "fails", True)
    async with TheoClient(theo.KEY, base_url=theo_service.origin) as client:
        answer = await client.complete(HELLO)
        async with client.stream(HELLO) as events:
            streamed = [event async for event in events]

    assert answer.content.startswith("Microservices")
    assert streamed
