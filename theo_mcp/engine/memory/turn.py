"""One turn of a stored conversation: the user's words, stored before the model is asked, and then what came of them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from pydantic import JsonValue

from theo_mcp.engine.memory.behind import Behind
from theo_mcp.engine.memory.place import Place
from theo_mcp.errors import StoreError
from theo_mcp.store import Put
from theo_mcp.wire.account import ConversationMessage
from theo_mcp.wire.parts import now

if TYPE_CHECKING:
    from theo_mcp.runs.alive import Mark
    from theo_mcp.store import Store
    from theo_mcp.wire.completions import Completion, CompletionRequest

NEW: Final = "new"
"""The conversation id that begins a conversation."""
_TITLE_CHARS: Final = 60
_LAST_CHARS: Final = 200

log = logging.getLogger(__name__)


class Turn:
    """A turn from `begin` to `end` or `fail`. `request` is the one to carry out, with what was said before."""

    def __init__(
        self,
        request: CompletionRequest,
        id: str,
        place: Place,
        behind: Behind,
        *,
        owners: tuple[str, str],
        left_out: int | None,
        mark: Callable[[Store], Mark],
        live: set[str],
    ) -> None:
        """`left_out` counts the turns that did not fit; None stands for a new conversation."""
        self.request = request
        self.id = id
        self.begun = False
        self._place = place
        self._behind = behind
        self._heads, self._turns = owners
        self._left_out = left_out
        self._mark = mark
        self._live = live
        self._key = "turn_" + secrets.token_hex(12)
        self._process = ""
        self._asked = ConversationMessage(
            id="msg_" + secrets.token_hex(12),
            role="user",
            content=request.prompt,
            created_at=now(),
            mode=request.mode or "auto",
        )

    @property
    def notice(self) -> str:
        """What the caller should know of the history."""
        if not self._left_out:
            return ""
        turns = "oldest turn was" if self._left_out == 1 else f"{self._left_out:,} oldest turns were"
        return f"The {turns} left out, because the conversation is longer than the model can be told."

    async def begin(self) -> None:
        """Stores the user's words, and a new conversation with the messages that it begins with.

        Raises:
            StoreError: they cannot be stored; nothing was asked of a model.
        """
        store = await self._place.store()
        self._process = self._mark(store).token
        if self._left_out is None:
            await self._found(store)
        await store.put("conversations", self._key, self._value("active", self._asked), owner=self._turns)
        self._live.add(self._key)
        self.begun = True

    async def end(self, answer: Completion) -> str:
        """Stores the whole answer; what the caller should know of that."""
        said = ConversationMessage(
            id=answer.id,
            role="assistant",
            content=answer.content,
            created_at=answer.created,
            mode=answer.mode,
            resolved_mode=answer.resolved_mode,
            model=answer.model,
            tools=answer.tools_used,
            artifacts=answer.artifacts,
            follow_ups=answer.follow_ups,
            status="complete",
            cost_cents=answer.usage.cost_cents,
        )
        value = self._value("complete", self._asked, said)
        self._live.discard(self._key)
        try:
            store = await self._place.store()
            kept = await store.update(
                "conversations", self._key, lambda turn: None if turn is None else value, owner=self._turns
            )
            if kept is None:
                return "The conversation was deleted meanwhile, so this turn is not kept."
            await store.update("conversations", self.id, lambda head: _grown(head, said), owner=self._heads)
        except StoreError as error:
            self._behind.put("conversations", Put(self._key, value, self._turns))
            log.warning("A turn of a conversation is in memory only: %s", error)
            return f"This turn is not stored yet: {error}"
        return ""

    async def fail(self, status: Literal["failed", "cancelled"], reason: str, partial: str) -> None:
        """Stores what there was of it."""
        self._live.discard(self._key)
        said = ConversationMessage(
            id="msg_" + secrets.token_hex(12),
            role="assistant",
            content=partial,
            created_at=now(),
            mode=self._asked.mode,
            status=status,
            error_message=reason,
        )
        value = self._value(status, self._asked, said)
        try:
            store = await self._place.store()
            await store.update(
                "conversations", self._key, lambda turn: None if turn is None else value, owner=self._turns
            )
        except StoreError as error:  # the user's words are there, and read as failed
            log.warning("What there was of an answer is not stored: %s", error)

    async def _found(self, store: Store) -> None:
        """A new conversation."""
        given = self.request.conversation
        title = (given.title if given else None) or self.request.prompt
        title = " ".join(title.split())
        head: dict[str, JsonValue] = {
            "title": title if len(title) <= _TITLE_CHARS else title[: _TITLE_CHARS - 1] + "…",
            "createdAt": self._asked.created_at,
            "updatedAt": self._asked.created_at,
            "turns": len(given.messages) if given else 0,
        }
        await store.put("conversations", self.id, head, owner=self._heads)
        seeds = []
        for number, message in enumerate(given.messages if given else ()):
            said = ConversationMessage(
                id=message.id or f"msg_{secrets.token_hex(12)}",
                role=message.role,
                content=message.content,
                created_at=message.created_at or self._asked.created_at,
                mode=message.mode or "",
            )
            seeds.append(Put(f"{self._key}_{number}", self._value("complete", said), self._turns))
        if seeds:
            await store.put_all("conversations", seeds)

    def _value(self, status: str, *messages: ConversationMessage) -> JsonValue:
        shown: list[JsonValue] = [message.model_dump(by_alias=True, exclude_defaults=True) for message in messages]
        return {"status": status, "process": self._process, "messages": shown}


def messages_of(value: JsonValue) -> list[ConversationMessage]:
    """The messages of a stored turn; what cannot be read is left out."""
    messages = value.get("messages") if isinstance(value, dict) else None
    found = messages if isinstance(messages, list) else []
    return [ConversationMessage.model_validate(message) for message in found if isinstance(message, dict)]


def head_of(value: JsonValue) -> dict[str, JsonValue]:
    """What is told of a stored conversation."""
    head = value if isinstance(value, dict) else {}
    return {name: told for name, told in head.items() if name != "turns"}


def _grown(head: JsonValue, said: ConversationMessage) -> JsonValue:
    """The conversation after one more turn; one that was deleted stays so."""
    if not isinstance(head, dict):
        return None
    turns = head.get("turns")
    return {
        **head,
        "updatedAt": said.created_at,
        "lastMessage": said.content[:_LAST_CHARS],
        "turns": (turns if isinstance(turns, int) else 0) + 1,
    }
