"""What the engine remembers, as an assistant meets it: conversations, usage, and answers that are given again."""

from __future__ import annotations

from typing import Any

from mcp_types import TextResourceContents

from tests.unit.server.conftest import Host
from tests.unit.server.test_resources import completed
from theo_mcp.testing.model_server import ModelServer


async def called(host: Host, tool: str, **arguments: object) -> dict[str, Any]:
    """What a call of a tool says as data."""
    result = await host.client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


async def test_a_conversation_is_begun_continued_completed_and_read(engine_host: Host) -> None:
    first = await called(engine_host, "theo_complete", prompt="My name is Ann.", conversation_id="new")
    id = first["conversation_id"]
    again = await called(engine_host, "theo_complete", prompt="What is my name?", conversation_id=id)
    text, _ = (await engine_host.client.read_resource(f"theo://conversations/{id}")).contents
    status = await called(engine_host, "theo_status")

    assert again["conversation_id"] == id
    assert await completed(engine_host, "theo://conversations/{id}", "id", "conv") == [id]
    assert isinstance(text, TextResourceContents)
    assert text.text.startswith("# My name is Ann.\n\n**user · ")
    assert status["conversations"] == [{"id": id, "title": "My name is Ann."}]
    assert (await engine_host.json("theo://usage"))["totals"]["requests"] == 2


async def test_a_fresh_answer_is_made_anew_of_the_same_words(engine_host: Host, model_server: ModelServer) -> None:
    for fresh in (False, False, True):
        await called(engine_host, "theo_complete", prompt="Hello", fresh=fresh)

    assert [chat["messages"][-1]["content"] for chat in model_server.chats] == ["Hello", "Hello"]
