from __future__ import annotations

import pytest
from pydantic import ValidationError

from theo_mcp.wire.completions import Completion, CompletionRequest
from theo_mcp.wire.events import Done, Gathered, Meta, Token, parse_event


def test_a_request_has_the_thirteen_documented_fields_and_then_those_of_the_sdk() -> None:
    assert list(CompletionRequest.model_fields) == [
        "prompt", "mode", "stream", "conversation_id", "skills", "tools", "persona", "temperature", "max_iterations",
        "model_overrides", "format", "metadata", "component_library", "conversation", "attachments", "image_model",
        "image_quality", "personality_config", "response_style", "theo_branding", "brand_soul",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "x", "unknown": 1},
        {"prompt": "x", "mode": "cod"},
        {"prompt": "x", "temperature": 2.1},
        {"prompt": "x", "max_iterations": 0},
        {"prompt": "x", "persona": "atlas"},
        {},
    ],
)
def test_a_request_that_the_documents_do_not_know_cannot_be_made(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CompletionRequest.model_validate(fields)


def test_absent_fields_are_not_sent() -> None:
    assert CompletionRequest(prompt="x", temperature=0.0).body() == b'{"prompt":"x","temperature":0.0}'


def test_unknown_fields_of_a_reply_are_kept() -> None:
    answer = Completion.model_validate_json(b'{"content": "x", "of_the_future": {"a": 1}, "usage": {"new": true}}')

    assert (answer.model_extra or {})["of_the_future"] == {"a": 1}
    assert (answer.usage.model_extra or {})["new"] is True


@pytest.mark.parametrize("body", ['{"_cached": true}', '{"usage": {"cached": true}}', '{"metadata": {"cached": true}}'])
def test_a_cache_hit_is_seen_in_each_of_its_three_places(body: str) -> None:
    assert Completion.model_validate_json(body).was_cached


def test_heartbeats_and_unknown_events_are_nothing() -> None:
    assert parse_event("thinking", ".") is None
    assert parse_event("of_the_future", "{}") is None


@pytest.mark.parametrize(("name", "data"), [("token", "{"), ("token", ""), ("done", "[]"), ("done", "{")])
def test_an_event_with_text_that_cannot_be_read_is_an_error(name: str, data: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - a parser's own text
        parse_event(name, data)


def test_an_event_that_only_informs_and_cannot_be_read_is_passed_over() -> None:
    for name in ("meta", "artifact", "tool", "skills", "genui_meta"):
        assert parse_event(name, "[]") is None
        assert parse_event(name, "{") is None


@pytest.mark.parametrize(("data", "text"), [('"bare"', "bare"), ('{"token": 5}', "5"), ('{"token": null}', "")])
def test_a_token_of_another_shape_keeps_its_text(data: str, text: str) -> None:
    assert parse_event("token", data) == Token(token=text)


def test_gathered_events_are_the_completion_of_a_call_without_a_stream() -> None:
    gathered = Gathered(CompletionRequest(prompt="x", metadata={"a": "b"}))
    for event in (Meta(id="cmpl_1", resolved_mode="fast"), Token(token="Hel"), Token(token="lo"), Done(id="cmpl_1")):
        gathered.add(event)

    answer = gathered.completion(created="2026-01-01T00:00:00Z")

    assert (answer.id, answer.content, answer.mode, answer.resolved_mode) == ("cmpl_1", "Hello", "auto", "fast")
    assert answer.metadata == {"a": "b"}
