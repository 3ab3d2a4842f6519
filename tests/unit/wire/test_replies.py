"""Replies are tolerant: a field that is missing, null, of another type or unknown costs nothing but itself."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import ValidationError

from theo_mcp import errors
from theo_mcp.hosted.chunks import chat_chunks
from theo_mcp.hosted.generated import generate_events
from theo_mcp.hosted.streams import completion_events
from theo_mcp.http.answer import WHOLE_REPLY
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.wire.account import ConversationPage, StoredConversation, UsageReport
from theo_mcp.wire.completions import Code, Completion
from theo_mcp.wire.documents import Document
from theo_mcp.wire.getcode import Analysed, Improved
from theo_mcp.wire.images import Images
from theo_mcp.wire.jobs import Job, JobStarted
from theo_mcp.wire.model import Extended, read_json
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.parts import Artifact
from theo_mcp.wire.service import Health, Models
from theo_mcp.wire.skills import Skill, SkillChange, SkillList, Tools

REPLIES: list[type[Extended]] = [
    Completion, Code, ChatCompletion, Images, Document, JobStarted, Job, SkillList, Skill, SkillChange, Tools, Models,
    Health, ConversationPage, StoredConversation, UsageReport, Improved, Analysed,
]  # fmt: skip
ODD: list[object] = [None, True, 5, -1.5, "", "text", [], {}, [None], [[]], {"a": None}, [{"url": 5}], 10**400]


@pytest.mark.parametrize("reply", REPLIES)
def test_an_empty_object_and_unknown_fields_are_read(reply: type[Extended]) -> None:
    answer = reply.model_validate({"of_the_future": {"a": [1]}})

    assert (answer.model_extra or {})["of_the_future"] == {"a": [1]}
    assert answer.delivered is False


@pytest.mark.parametrize("reply", REPLIES)
def test_no_field_of_whatever_type_costs_a_reply(reply: type[Extended]) -> None:
    names = [field.alias or name for name, field in reply.model_fields.items()]
    for name in names:
        for value in ODD:
            answer = reply.model_validate({name: value})
            assert answer.model_dump_json() is not None
            assert answer.delivered in (True, False)


@pytest.mark.parametrize(
    ("reply", "body", "path", "value"),
    [
        (Completion, {"content": ["a", {"text": "b"}], "created": 5}, "content", "ab"),
        (Completion, {"content": {"x": 1}}, "content", '{"x":1}'),
        (Completion, {"content": "x", "structured_output": [1]}, "structured_output.data", [1]),
        (Completion, {"content": "x", "skills_active": [{"slug": "a"}, "b", None]}, "skills_active.1.slug", "b"),
        (Completion, {"content": "x", "routing": "short"}, "routing", None),
        (Code, {"content": None, "artifacts": {"a": {"code": ["x", "y"]}}}, "artifacts.0.code", "xy"),
        (Images, {"images": ["https://x/1", {"url": {"src": "https://x/2"}}, 5]}, "images.1.url", "https://x/2"),
        (Images, {"images": "https://x/1"}, "images.0.url", "https://x/1"),
        (Images, {"images": {"0": {"url": "https://x/1"}}}, "images.0.url", "https://x/1"),
        (Images, {"images": {"url": "https://x/1", "engine": "e"}}, "images.0.engine", "e"),
        (Completion, {"artifacts": ["https://x/1", "text", 5, None, {}]}, "artifacts.0.urls.0", "https://x/1"),
        (Completion, {"artifacts": ["https://x/1", "text", 5, None, {}]}, "artifacts.1.code", "text"),
        (Completion, {"artifacts": {"type": "code", "code": "x = 1"}}, "artifacts.0.code", "x = 1"),
        (Completion, {"tools_used": ["search"], "follow_ups": ["Go on"]}, "tools_used.0.name", "search"),
        (Completion, {"follow_ups": "none", "tools_used": "none"}, "follow_ups", ()),
        (Completion, {"follow_ups": ["Go on"]}, "follow_ups.0.prompt", "Go on"),
        (Completion, {"id": 7, "request_id": 8}, "id", "7"),
        (Document, {"download_url": {"href": "https://x/d"}, "size_bytes": "5"}, "download_url", "https://x/d"),
        (Document, {"size_bytes": "5 kB", "content": "x"}, "size_bytes", None),
        (Job, {"progress": "40", "status": "active"}, "progress", 40.0),
        (Job, {"progress": None, "status": None}, "status", ""),
        (SkillList, {"skills": [{"slug": "a", "installCount": "many"}]}, "skills.0.install_count", None),
        (Skill, {"skill": {"slug": "a"}}, "slug", "a"),
        (Skill, {"slug": "a", "toolDefinitions": None}, "tool_definitions", ()),
        (Tools, {"tools": [{"name": "t", "inputSchema": "none"}]}, "tools.0.input_schema", None),
        (Health, {"status": "down", "providers": {"a": {"status": "down"}, "b": 5}}, "providers.a.status", "down"),
        (UsageReport, {"by_mode": {"fast": {"requests": 1}, "b": []}}, "by_mode.fast.requests", 1),
        (UsageReport, {"totals": {"cost_cents": "much"}}, "totals.cost_cents", None),
        (StoredConversation, {"messages": [{"content": [{"text": "a"}], "model": "m"}]}, "messages.0.model.id", "m"),
        (ConversationPage, {"has_more": "maybe", "next_cursor": 5}, "has_more", False),
        (Improved, {"improved": ["a"], "tokensUsed": "n"}, "improved", "a"),
        (Analysed, {"analysedPrompt": {"text": "a"}, "fileType": None}, "analysed_prompt", "a"),
    ],
)
def test_what_can_be_read_of_an_odd_reply_is_read(
    reply: type[Extended], body: dict[str, object], path: str, value: object
) -> None:
    found: object = reply.model_validate(body)
    for step in path.split("."):
        if isinstance(found, dict):
            found = found[step]
        elif isinstance(found, tuple):
            found = found[int(step)]
        else:
            found = getattr(found, step)

    assert found == value


@pytest.mark.parametrize(
    ("fields", "urls"),
    [
        ({"imageUrl": "https://x/1", "thumbnailUrl": "https://x/2", "url": {"href": "https://x/3"}},
         ("https://x/1", "https://x/2", "https://x/3")),
        ({"videoUrl": {"url": "https://x/1"}, "downloadUrl": "https://x/1"}, ("https://x/1",)),
        ({"imageUrl": {}, "videoUrl": 5, "url": None}, ()),
    ],
)  # fmt: skip
def test_every_address_of_an_artifact_is_found_once(fields: dict[str, object], urls: tuple[str, ...]) -> None:
    assert Artifact.model_validate(fields).urls == urls


@pytest.mark.parametrize("body", ["[1]", '"x"', "5", "null", "{", "", "[" * 5000, '{"a":' * 5000])
def test_what_is_not_an_object_is_a_value_error_which_the_client_turns_into_its_own(body: str) -> None:
    for reply in REPLIES:
        with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
            reply.model_validate(read_json(body))


# Names that the models know, so that odd values land in typed fields.
_NAMES = [
    "id", "content", "artifacts", "tools_used", "follow_ups", "usage", "cost_cents", "metadata", "conversation_id",
    "model", "engine", "provider", "images", "url", "href", "job", "job_id", "poll_url", "result", "report", "error",
    "message", "status", "progress", "skills", "skill", "slug", "toolDefinitions", "tools", "conversations",
    "conversation", "messages", "period", "totals", "by_mode", "providers", "improved", "analysedPrompt", "choices",
    "delta", "structured_output", "skills_active", "routing", "type", "token", "text", "data", "theo_mcp", "_cached",
    "event", "imageUrl", "completed_at", "index", "finish_reason", "active", "label", "prompt",
]  # fmt: skip
_LEAVES: list[object] = [
    None, True, False, 0, -1, 2**70, 1.5, float("nan"), float("inf"), "", "x", "\ud83e", "\udde9x", "🧩", "completed",
    "failed", "https://x/1", "http://[", "3¢", "token", "done", "error", "queue", "\x00",
]  # fmt: skip


def _shape(chance: random.Random, depth: int = 0) -> object:
    kind = chance.random()
    if depth > 4 or kind < 0.35:
        return chance.choice(_LEAVES)
    if kind < 0.55:
        return [_shape(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice(_NAMES): _shape(chance, depth + 1) for _ in range(chance.randrange(6))}


@pytest.mark.slow
def test_no_shape_of_a_reply_raises_anything_but_a_value_error() -> None:
    chance = random.Random(20260410)
    read = 0
    for _ in range(1000):
        body = json.dumps(_shape(chance))
        for reply in REPLIES:
            try:
                answer = reply.model_validate(read_json(body))
            except ValidationError:
                continue
            read += 1
            answer.model_dump_json(by_alias=True).encode()
            assert answer.delivered in (True, False)
            if isinstance(answer, Completion):
                assert answer.was_cached in (True, False)
                assert all(isinstance(artifact.urls, tuple) for artifact in answer.artifacts)
            if isinstance(answer, Job):
                (answer.text + answer.reason + (answer.url or "")).encode()
                assert answer.failed <= answer.finished
            if isinstance(answer, ChatCompletion):
                answer.content.encode()

    assert read > 5000


@pytest.mark.slow
async def test_no_shape_of_an_event_raises_anything_but_a_theo_error() -> None:
    chance = random.Random(20261121)
    names = ["token", "done", "error", "meta", "tool", "artifact", "skills", "message", "queue", WHOLE_REPLY, "odd"]
    readers: list[Callable[[AsyncIterator[ServerSentEvent]], AsyncIterator[object]]] = [
        completion_events, chat_chunks, generate_events,
    ]  # fmt: skip
    outcomes: set[object] = set()
    for _ in range(1000):
        sent = [_event(chance, chance.choice(names)) for _ in range(4)]
        for reader in readers:
            try:
                outcomes.add(len([event async for event in reader(_stream(sent))]))
            except errors.TheoError as error:
                error.partial.encode()
                str(error).encode()
                outcomes.add(type(error).__name__)

    assert {"StreamError", "ProtocolError", 1} <= outcomes


def _event(chance: random.Random, name: str) -> ServerSentEvent:
    shape = _shape(chance)
    if name == WHOLE_REPLY and not isinstance(shape, dict):  # the HTTP client lets nothing else through
        shape = {"content": shape}
    return ServerSentEvent(name, json.dumps(shape), "")


async def _stream(sent: list[ServerSentEvent]) -> AsyncIterator[ServerSentEvent]:
    for event in sent:
        yield event
