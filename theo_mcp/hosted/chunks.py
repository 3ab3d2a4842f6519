"""Reads a streamed chat up to its terminator."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from theo_mcp import errors
from theo_mcp.hosted.streams import Answered, Ended, cut, keeping, told
from theo_mcp.http.answer import WHOLE_REPLY
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.wire.model import read_json
from theo_mcp.wire.openai import ChatChunk, ChatCompletion, ChatParser, ChunkChoice, Delta


async def chat_chunks(
    events: AsyncIterator[ServerSentEvent], answered: Answered = lambda _: None, ended: Ended = lambda: None
) -> AsyncGenerator[ChatChunk, None]:
    """The chunks of a chat, up to ``[DONE]``. One that ends after its finish reason is whole all the same."""
    parser = ChatParser()
    text: list[str] = []
    finished = False
    with keeping(lambda: "".join(text) + _text_of_chunk(parser.rest())):
        async for sent in events:
            if sent.data.strip() == "[DONE]":
                finished = True
                ended()
                break
            if sent.event == WHOLE_REPLY:
                yield _chunk_of(ChatCompletion.model_validate(read_json(sent.data)))
                return
            if sent.event == "error":
                raise told("Theo", sent.data)
            try:
                chunk = parser.parse(sent.data)
            except ValueError:
                raise errors.ProtocolError("Theo sent a chunk that is not JSON.") from None
            if (chunk.model_extra or {}).get("error") and not chunk.choices:
                raise told("Theo", sent.data)
            text.append(_text_of_chunk(chunk))
            finished = finished or any(choice.finish_reason for choice in chunk.choices)
            if chunk.usage is not None:
                answered(chunk)
            yield chunk
        if not finished:
            raise cut("Theo")
        if left := parser.rest():
            yield left


def _chunk_of(answer: ChatCompletion) -> ChatChunk:
    choices = tuple(
        ChunkChoice(index=choice.index, delta=Delta(content=choice.message.content), finish_reason=choice.finish_reason)
        for choice in answer.choices
    )
    return ChatChunk(id=answer.id, object=answer.object, model=answer.model, choices=choices, usage=answer.usage)


def _text_of_chunk(chunk: ChatChunk | None) -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices[:1]) if chunk else ""
