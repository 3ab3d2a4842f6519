"""The conversations that the engine keeps: one entry for each, and one for each of its turns, so that no turn is lost
where two processes go on with the same one, and a long one costs no more to continue than a short one.

A conversation begins by being asked for (``conversation_id: "new"``): nobody's words are kept unasked. The user's words
are stored before the model is asked, the answer before it counts as given; a turn that failed keeps what there was of
it, and is not told to the model again.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from theo_mcp.backend import Caller
from theo_mcp.engine.memory.place import Place
from theo_mcp.engine.memory.turn import NEW, Turn, head_of, messages_of
from theo_mcp.errors import InputError, NotFoundError
from theo_mcp.runs.alive import Mark
from theo_mcp.settings import Settings
from theo_mcp.wire.account import (
    ConversationDeleted,
    ConversationEntry,
    ConversationMessage,
    ConversationPage,
    StoredConversation,
)
from theo_mcp.wire.completions import Conversation, Message
from theo_mcp.wire.model import Extension

if TYPE_CHECKING:
    from theo_mcp.engine.memory.behind import Behind
    from theo_mcp.store import Entry, Store
    from theo_mcp.wire.completions import CompletionRequest

_PAGE: Final = 20
_TURNS: Final = 50  # read at once
_CURSOR: Final = re.compile(r"[0-9]{1,18}")
_ANSWER_TOKENS: Final = 1024  # of the context of a model on this machine, left for the answer
_CHARS_PER_TOKEN: Final = 3  # careful: English has four
_ABOUT: Final = Extension(backend="engine")


class Conversations:
    """The conversations of one engine."""

    def __init__(self, settings: Settings, place: Place, behind: Behind) -> None:
        self._settings = settings
        self._place = place
        self._behind = behind
        self._mark: Mark | None = None
        self._live: set[str] = set()

    async def recall(self, request: CompletionRequest, caller: Caller) -> Turn | None:
        """The turn that `request` adds to a conversation, with what was said before in its own request; None for a
        request without one.

        Raises:
            InputError: it brings a history of its own beside a stored one.
            NotFoundError: there is no such conversation of this caller.
            StoreError: what is kept cannot be read.
        """
        if not request.conversation_id:
            return None
        if request.conversation_id == NEW:
            return self._turn(request, caller, "conv_" + secrets.token_hex(12), None)
        if request.conversation is not None and request.conversation.messages:
            raise InputError(
                "The request names a stored conversation and brings messages of another.",
                hint='Leave one of them out; conversation_id "new" with messages begins a conversation with them.',
            )
        id = request.conversation_id
        store, head = await self._head(id, caller)
        room = self._room(len(request.prompt))
        said: list[Message] = []
        turns = 0
        async with aclosing(_newest_first(store, _of(caller, id))) as entries:
            async for entry in entries:
                found = _told(entry.value)
                room -= sum(len(message.content) for message in found)
                if room < 0:
                    break
                said[:0] = found
                turns += bool(found)
        asked = request.model_copy(update={"conversation": Conversation(messages=tuple(said))})
        return self._turn(asked, caller, id, max(0, int(str(head.get("turns") or 0)) - turns))

    async def page(self, caller: Caller, cursor: str | None) -> ConversationPage:
        """The caller's conversations, the last begun first, twenty at a time.

        Raises:
            InputError: the cursor is none of ours.
            StoreError: what is kept cannot be read.
        """
        if cursor and not _CURSOR.fullmatch(cursor):
            raise InputError("The cursor is none that was given.", hint="Pass next_cursor as it came, or leave it out.")
        store = await self._place.found()
        after = int(cursor) if cursor else None
        entries = (
            await store.entries("conversations", owner=_all(caller), after=after, limit=_PAGE + 1) if store else []
        )
        shown, more = entries[:_PAGE], len(entries) > _PAGE
        return ConversationPage(
            conversations=tuple(
                ConversationEntry.model_validate({"id": entry.key, **head_of(entry.value)}) for entry in shown
            ),
            has_more=more,
            next_cursor=str(shown[-1].cursor) if more else None,
            theo_mcp=_ABOUT,
        )

    async def read(self, id: str, caller: Caller) -> StoredConversation:
        """A conversation with all its turns, those that failed included.

        Raises:
            NotFoundError: there is no such conversation of this caller.
            StoreError: what is kept cannot be read.
        """
        await self._behind.flush()
        store, head = await self._head(id, caller)
        said: list[ConversationMessage] = []
        async with aclosing(_newest_first(store, _of(caller, id))) as entries:
            async for entry in entries:
                said[:0] = self._shown(entry, store)
        return StoredConversation.model_validate(
            {
                "id": id,
                **head_of(head),
                "messages": [message.model_dump(by_alias=True) for message in said],
                "theo_mcp": _ABOUT,
            }
        )

    async def delete(self, id: str, caller: Caller) -> ConversationDeleted:
        """Removes a conversation and its turns.

        Raises:
            NotFoundError: there is no such conversation of this caller.
            StoreError: the store cannot be written.
        """
        store, _ = await self._head(id, caller)
        await self._behind.flush()
        await store.delete("conversations", id, owner=_all(caller))
        await store.contents.forget("conversations", _of(caller, id))
        return ConversationDeleted.model_validate({"id": id, "deleted": True, "theo_mcp": _ABOUT})

    def close(self) -> None:
        """Gives up the sign of life; turns of this process that have not ended then read as failed."""
        if self._mark is not None:
            self._mark.release()

    async def _head(self, id: str, caller: Caller) -> tuple[Store, dict[str, JsonValue]]:
        store = await self._place.found()
        head = await store.get("conversations", id, owner=_all(caller)) if store else None
        if store is None or not isinstance(head, dict):
            raise NotFoundError(
                "There is no conversation with this id.",
                hint='It may have been deleted. List the conversations, or begin one with conversation_id "new".',
            )
        return store, head

    def _turn(self, request: CompletionRequest, caller: Caller, id: str, left_out: int | None) -> Turn:
        return Turn(
            request.model_copy(update={"conversation_id": None}),
            id,
            self._place,
            self._behind,
            owners=(_all(caller), _of(caller, id)),
            left_out=left_out,
            mark=self._alive,
            live=self._live,
        )

    def _alive(self, store: Store) -> Mark:
        if self._mark is None:
            self._mark = Mark(store.path)
        return self._mark

    def _room(self, prompt: int) -> int:
        """How many characters of history fit beside a prompt."""
        settings = self._settings
        room = settings.max_prompt_chars
        if not settings.asks_a_server:
            answer = settings.max_output_tokens or _ANSWER_TOKENS
            room = min(room, _CHARS_PER_TOKEN * (settings.context_tokens - min(answer, settings.context_tokens // 2)))
        return max(0, room - prompt)

    def _shown(self, entry: Entry, store: Store) -> list[ConversationMessage]:
        """The messages of a turn; one that nobody works on any more has failed."""
        messages = messages_of(entry.value)
        value = entry.value if isinstance(entry.value, dict) else {}
        if value.get("status") == "active" and not self._works(entry.key, str(value.get("process")), store):
            lost = {"status": "failed", "error_message": "The program ended before there was an answer."}
            messages = [message.model_copy(update=lost) for message in messages]
        return messages

    def _works(self, turn: str, process: str, store: Store) -> bool:
        mark = self._alive(store)
        return turn in self._live if process == mark.token else mark.lives(process)


def _told(value: JsonValue) -> list[Message]:
    """What the model is told of a turn: nothing of one that is not whole."""
    if not isinstance(value, dict) or value.get("status") != "complete":
        return []
    return [
        Message(role="assistant" if message.role == "assistant" else "user", content=message.content)
        for message in messages_of(value)
    ]


async def _newest_first(store: Store, owner: str) -> AsyncGenerator[Entry, None]:
    after = None
    while entries := await store.entries("conversations", owner=owner, after=after, limit=_TURNS):
        for entry in entries:
            yield entry
        after = entries[-1].cursor


def _all(caller: Caller) -> str:
    """The owner of a tenant's list of conversations: no tenant's name can make it another's turns."""
    return json.dumps([caller.tenant])


def _of(caller: Caller, id: str) -> str:
    """The owner of the turns of one conversation."""
    return json.dumps([caller.tenant, id])
