"""Conversations that the engine keeps: begun by being asked for, continued, listed, deleted, and each its owner's."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.conftest import MakeSettings
from theo_mcp import Backend, CompletionRequest, Settings, connect
from theo_mcp.backend import Caller
from theo_mcp.errors import InputError, NotFoundError, StoreError, StreamError
from theo_mcp.store import FILE, Store
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.wire.events import Done, Meta, Token


@pytest.fixture
def settings(model_server: ModelServer, make_settings: MakeSettings) -> Settings:
    model_server.pieces = ("An ", "answer.")
    return make_settings(engine_url=model_server.url)


async def said(backend: Backend, prompt: str, id: str = "new", **fields: object) -> str:
    """Says something; the conversation's id."""
    request = CompletionRequest.model_validate({"prompt": prompt, "conversation_id": id, **fields})
    answer = await backend.theo.complete(request)
    assert answer.conversation_id is not None
    return answer.conversation_id


def told(server: ModelServer) -> list[str]:
    """What the model was told last, without the system text."""
    return [message["content"] for message in server.chats[-1]["messages"] if message["role"] != "system"]


async def test_a_conversation_begins_by_being_asked_for_and_its_turns_are_told_to_the_model(
    model_server: ModelServer, settings: Settings
) -> None:
    async with connect(settings) as backend:
        stateless = await backend.theo.complete(CompletionRequest(prompt="Hello"))
        id = await said(backend, "My name is Ann.")
        again = await said(backend, "What is my name?", id, mode="think")
        kept = await backend.theo.conversation(id)

    assert stateless.conversation_id is None
    assert id == again
    assert id.startswith("conv_")
    assert told(model_server) == ["My name is Ann.", "An answer.", "What is my name?"]
    assert kept.title == "My name is Ann."
    assert [(turn.role, turn.content) for turn in kept.messages] == [
        ("user", "My name is Ann."), ("assistant", "An answer."), ("user", "What is my name?"),
        ("assistant", "An answer."),
    ]  # fmt: skip
    last = kept.messages[-1]
    assert (last.mode, last.resolved_mode, last.status, last.cost_cents) == ("think", "think", "complete", 0.0)
    assert last.model is not None
    assert last.model.id == "scripted-1b"
    assert last.id.startswith("cmpl_")
    assert last.created_at


@pytest.mark.slow
async def test_a_stream_tells_the_conversation_first_and_last(settings: Settings) -> None:
    async with connect(settings) as backend:
        id = await said(backend, "Hello")
        async with backend.theo.stream(CompletionRequest(prompt="More", conversation_id=id)) as events:
            read = [event async for event in events]

    assert isinstance(read[0], Meta)
    assert isinstance(read[-1], Done)
    assert read[0].conversation_id == read[-1].conversation_id == id


@pytest.mark.slow
async def test_an_answer_in_a_conversation_is_never_given_again(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        for _ in range(2):
            await said(backend, "Hello")

    assert len(model_server.chats) == 2


@pytest.mark.parametrize("known", [False, True])
async def test_what_is_not_there_and_what_is_anothers_is_answered_alike(
    model_server: ModelServer, settings: Settings, known: bool
) -> None:
    async with connect(settings) as backend:
        id = await said(backend.for_caller(Caller("bob")), "Hello") if known else "conv_unknown"
        ann = backend.for_caller(Caller("ann")).theo
        model_server.requests.clear()

        for asked in (
            ann.conversation(id),
            ann.delete_conversation(id),
            ann.complete(CompletionRequest(prompt="x", conversation_id=id)),
        ):
            with pytest.raises(NotFoundError, match="There is no conversation with this id") as raised:
                await asked
            assert raised.value.code == "not_found"
        assert (await ann.conversations()).conversations == ()

    assert model_server.requests == []
    assert settings.data_dir.exists() == known


@pytest.mark.slow
async def test_the_name_of_a_tenant_cannot_reach_anothers_turns(settings: Settings) -> None:
    async with connect(settings) as backend:
        id = await said(backend.for_caller(Caller("ann")), "Hello")
        for name in (f'ann", "{id}', f'["ann", "{id}"]', f"ann\0{id}"):
            assert (await backend.for_caller(Caller(name)).theo.conversations()).conversations == ()


async def test_a_history_of_its_own_begins_a_conversation_and_cannot_stand_beside_a_stored_one(
    model_server: ModelServer, settings: Settings
) -> None:
    history = {"title": "Greetings", "messages": [{"role": "user", "content": "Hi"}]}
    async with connect(settings) as backend:
        id = await said(backend, "Hello", conversation=history)
        await said(backend, "More", id)
        with pytest.raises(InputError, match="brings messages of another"):
            await said(backend, "More", id, conversation=history)
        title = (await backend.theo.conversation(id)).title

    assert title == "Greetings"
    assert told(model_server) == ["Hi", "Hello", "An answer.", "More"]
    assert len(model_server.chats) == 2


@pytest.mark.slow
async def test_conversations_are_listed_by_pages_the_last_begun_first(settings: Settings) -> None:
    async with connect(settings) as backend:
        for number in range(21):
            await said(backend, f"Number {number} " + "x" * 80)
        first = await backend.theo.conversations()
        rest = await backend.theo.conversations(cursor=first.next_cursor)
        for cursor in ("x", "-1", "1.5", "9" * 40):
            with pytest.raises(InputError) as raised:
                await backend.theo.conversations(cursor=cursor)
            assert raised.value.code == "validation_error"

    assert (len(first.conversations), first.has_more) == (20, True)
    assert first.conversations[0].title == "Number 20 " + "x" * 49 + "…"
    assert first.conversations[0].last_message == "An answer."
    assert [entry.title[:9] for entry in rest.conversations] == ["Number 0 "]
    assert (rest.has_more, rest.next_cursor) == (False, None)


async def test_a_deleted_conversation_is_gone_with_its_turns(settings: Settings) -> None:
    async with connect(settings) as backend:
        id, other = await said(backend, "A secret wish"), await said(backend, "Hello")
        await backend.theo.delete_conversation(id)

        with pytest.raises(NotFoundError):
            await backend.theo.conversation(id)
        assert [entry.id for entry in (await backend.theo.conversations()).conversations] == [other]

    assert b"A secret wish" not in b"".join(path.read_bytes() for path in settings.data_dir.iterdir())


async def test_a_failed_turn_is_kept_and_not_told_to_the_model(model_server: ModelServer, settings: Settings) -> None:
    async with connect(settings) as backend:
        id = await said(backend, "Hello")
        model_server.cut_after = 1
        with pytest.raises(StreamError):
            await said(backend, "It breaks", id)
        model_server.cut_after = None
        await said(backend, "More", id)
        turns = (await backend.theo.conversation(id)).messages

    assert told(model_server) == ["Hello", "An answer.", "More"]
    assert [(turn.content, turn.status) for turn in turns[2:4]] == [("It breaks", ""), ("An ", "failed")]
    assert turns[3].error_message


async def test_a_turn_that_was_stopped_is_kept_as_cancelled(model_server: ModelServer, settings: Settings) -> None:
    model_server.silent_after = 1
    async with connect(settings) as backend:
        async with backend.theo.stream(CompletionRequest(prompt="Hello", conversation_id="new")) as events:
            async for event in events:
                if isinstance(event, Token):
                    break
        (entry,) = (await backend.theo.conversations()).conversations
        asked, stopped = (await backend.theo.conversation(entry.id)).messages

    assert (asked.content, stopped.content, stopped.status) == ("Hello", "An ", "cancelled")


async def test_the_user_s_words_are_there_while_the_model_is_at_work(
    model_server: ModelServer, settings: Settings
) -> None:
    model_server.silent_after = 1
    async with connect(settings) as backend, anyio.create_task_group() as tasks:
        tasks.start_soon(said, backend, "Hello")
        await model_server.silent.wait()
        async with connect(settings) as other:  # another process would see the same
            (entry,) = (await other.theo.conversations()).conversations
            (turn,) = (await other.theo.conversation(entry.id)).messages
        tasks.cancel_scope.cancel()

    assert (turn.content, turn.status) == ("Hello", "")


async def test_two_who_go_on_with_one_conversation_at_once_lose_no_turn(settings: Settings) -> None:
    async with connect(settings) as one, connect(settings) as other:
        id = await said(one, "Hello")
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                for backend in (one, other):
                    tasks.start_soon(said, backend, f"{number}", id)
        turns = (await one.theo.conversation(id)).messages

    assert sorted(turn.content for turn in turns if turn.role == "user") == sorted(["Hello", *"0011223344"])
    assert [turn.status for turn in turns if turn.role == "assistant"] == ["complete"] * 11


async def test_a_long_conversation_leaves_out_its_oldest_turns_and_says_how_many(
    model_server: ModelServer, settings: Settings, make_settings: MakeSettings
) -> None:
    async with connect(settings) as backend:
        id = await said(backend, "The first")
        for number in range(3):
            await said(backend, f"Turn {number}", id)
    async with connect(make_settings(engine_url=model_server.url, max_prompt_chars=42)) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="More", conversation_id=id))

    assert told(model_server) == ["Turn 1", "An answer.", "Turn 2", "An answer.", "More"]
    assert answer.theo_mcp.notice == (
        "The 2 oldest turns were left out, because the conversation is longer than the model can be told."
    )


async def test_what_a_server_of_the_table_is_told_is_not_cut_to_the_room_of_a_model_on_this_machine(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    model_server.pieces = ("An ", "answer.")
    long = "word " * 1000
    servers = {"mine": {"urls": [model_server.url]}}
    async with connect(make_settings(servers=servers, context_tokens=512)) as backend:
        id = await said(backend, long)
        await said(backend, "More", id)

    assert told(model_server) == [long, "An answer.", "More"]


async def test_a_store_that_fails_costs_no_answer_but_that_of_a_conversation(
    model_server: ModelServer, settings: Settings
) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / FILE).write_bytes(b"not a database " * 100)
    async with connect(settings) as backend:
        assert (await backend.theo.complete(CompletionRequest(prompt="Hello"))).content == "An answer."
        with pytest.raises(StoreError, match="is not a database at all"):
            await said(backend, "Hello")

    assert len(model_server.chats) == 1
    assert (settings.data_dir / FILE).read_bytes() == b"not a database " * 100


async def test_where_results_are_not_kept_only_a_conversation_that_was_begun_is(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    settings = make_settings(engine_url=model_server.url, keep_results_s=0)
    async with connect(settings) as backend:
        await backend.theo.complete(CompletionRequest(prompt="Hello"))
    made_nothing = not settings.data_dir.exists()
    async with connect(settings) as backend:
        await said(backend, "Hello")

    assert made_nothing
    assert await kinds(settings.data_dir) == {"conversations"}


async def kinds(folder: Path) -> set[str]:
    async with Store.open(folder / FILE) as store:
        return set(await store.contents.held())
