"""Reads the three event streams up to their terminators; whatever else ends one is an error with the text so far."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from theo_mcp import errors
from theo_mcp.http.client import WHOLE_REPLY
from theo_mcp.http.envelope import parse as parse_error
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.wire.completions import Completion
from theo_mcp.wire.events import CompletionEvent, Done, Meta, Token, parse_event
from theo_mcp.wire.getcode import (
    GenerateDone,
    GenerateError,
    GenerateEvent,
    GenerateToken,
    parse_generate_event,
)
from theo_mcp.wire.model import Extension, read_json, text_of
from theo_mcp.wire.openai import ChatChunk, ChatCompletion, ChatParser, ChunkChoice, Delta
from theo_mcp.wire.pairs import Pairs
from theo_mcp.wire.parts import Model

Answered: TypeAlias = Callable[[object], None]
"""Told the event that holds id, usage and cost, for telemetry."""

_WHOLE_TEXTS = ("text", "content", "output", "result")


def by_hosted(model: Model) -> Extension:
    """Who answered: Theo's service, with `model`."""
    return Extension(backend="hosted", engine=model.engine or "theo", model=model.id)


def by_getcode(model: str = "") -> Extension:
    """Who answered: GetCode's service."""
    return Extension(backend="hosted", engine="getcode", model=model)


async def completion_events(
    events: AsyncIterator[ServerSentEvent], answered: Answered = lambda _: None
) -> AsyncGenerator[CompletionEvent, None]:
    """Theo's events; `Done` is the last."""
    model, pairs = Model(), Pairs()
    text: list[str] = []
    with _keeping(lambda: "".join(text) + pairs.rest()):
        async for sent in events:
            if sent.event == WHOLE_REPLY:
                whole = Completion.model_validate(read_json(sent.data))
                answered(whole)
                for known in _events_of(whole):
                    yield known
                return
            if sent.event == "error":
                raise _told("Theo", sent.data)
            try:
                event = parse_event(sent.event, sent.data, pairs)
            except ValueError:
                raise errors.ProtocolError(f"Theo sent a {sent.event} event that is not JSON.") from None
            match event:
                case None:
                    continue
                case Token():
                    text.append(event.token)
                case Meta():
                    model = event.model
                    event = event.model_copy(update={"theo_mcp": by_hosted(model)})
                case Done():
                    if left := pairs.rest():
                        yield Token(token=left)
                    answered(event)
                    yield event.model_copy(update={"theo_mcp": by_hosted(model)})
                    return
                case _:
                    pass
            yield event
        raise _cut("Theo")


async def chat_chunks(
    events: AsyncIterator[ServerSentEvent], answered: Answered = lambda _: None
) -> AsyncGenerator[ChatChunk, None]:
    """The chunks of a chat, up to ``[DONE]``. One that ends after its finish reason is whole all the same."""
    parser = ChatParser()
    text: list[str] = []
    finished = False
    with _keeping(lambda: "".join(text) + _text_of_chunk(parser.rest())):
        async for sent in events:
            if sent.data.strip() == "[DONE]":
                finished = True
                break
            if sent.event == WHOLE_REPLY:
                yield _chunk_of(ChatCompletion.model_validate(read_json(sent.data)))
                return
            if sent.event == "error":
                raise _told("Theo", sent.data)
            try:
                chunk = parser.parse(sent.data)
            except ValueError:
                raise errors.ProtocolError("Theo sent a chunk that is not JSON.") from None
            if (chunk.model_extra or {}).get("error") and not chunk.choices:
                raise _told("Theo", sent.data)
            text.append(_text_of_chunk(chunk))
            finished = finished or any(choice.finish_reason for choice in chunk.choices)
            if chunk.usage is not None:
                answered(chunk)
            yield chunk
        if not finished:
            raise _cut("Theo")
        if left := parser.rest():
            yield left


async def generate_events(
    events: AsyncIterator[ServerSentEvent], answered: Answered = lambda _: None
) -> AsyncGenerator[GenerateEvent, None]:
    """GetCode's events; `GenerateDone` is the last."""
    pairs = Pairs()
    text: list[str] = []
    with _keeping(lambda: "".join(text) + pairs.rest()):
        async for sent in events:
            if sent.event == WHOLE_REPLY:
                for known in _generated_of(sent.data):
                    yield known
                return
            try:
                event = parse_generate_event(sent.event, sent.data, pairs)
            except ValueError:
                raise errors.ProtocolError("GetCode sent an event that is not JSON.") from None
            match event:
                case None:
                    continue
                case GenerateError():
                    raise _told("GetCode", event.message)
                case GenerateToken():
                    text.append(event.text)
                case GenerateDone():
                    if left := pairs.rest():
                        yield GenerateToken(text=left)
                    answered(event)
                    yield event.model_copy(update={"theo_mcp": by_getcode(event.model)})
                    return
                case _:
                    pass
            yield event
        raise _cut("GetCode")


@contextmanager
def _keeping(text: Callable[[], str]) -> Iterator[None]:
    """Puts the text so far into every error of ours that passes."""
    try:
        yield
    except errors.TheoError as error:
        error.partial = text()
        raise


def _told(service: str, data: str) -> errors.StreamError:
    message, code, request_id = parse_error(data.encode())
    return errors.StreamError(message or f"{service} ended the stream with an error.", code=code, request_id=request_id)


def _cut(service: str) -> errors.StreamError:
    return errors.StreamError(
        f"{service}'s stream ended before the answer was complete.",
        hint="What came so far is kept; the work may have been billed, so look before you call again.",
    )


def _events_of(answer: Completion) -> list[CompletionEvent]:
    """The events of an answer that came whole, from a service that does not stream."""
    about = by_hosted(answer.model)
    meta = Meta(mode=answer.mode, resolved_mode=answer.resolved_mode, model=answer.model, theo_mcp=about)
    meta = meta.model_copy(update={"tools": answer.tools_used, "artifacts": answer.artifacts})
    done = Done.model_validate(answer.model_dump(by_alias=True, exclude={"model"}))
    return [meta, Token(token=answer.content), done.model_copy(update={"theo_mcp": about})]


def _chunk_of(answer: ChatCompletion) -> ChatChunk:
    choices = tuple(
        ChunkChoice(index=choice.index, delta=Delta(content=choice.message.content), finish_reason=choice.finish_reason)
        for choice in answer.choices
    )
    return ChatChunk(id=answer.id, object=answer.object, model=answer.model, choices=choices, usage=answer.usage)


def _text_of_chunk(chunk: ChatChunk | None) -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices[:1]) if chunk else ""


def _generated_of(data: str) -> list[GenerateEvent]:
    fields = read_json(data)
    answer = fields if isinstance(fields, dict) else {}
    text = next((text for name in _WHOLE_TEXTS if (text := text_of(answer.get(name)))), "")
    if not text:
        raise errors.ProtocolError("GetCode answered with JSON where an event stream was due.")
    done = GenerateDone.model_validate(answer)
    return [GenerateToken(text=text), done.model_copy(update={"theo_mcp": by_getcode(done.model)})]
