"""Reads GetCode's stream up to its terminator."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from theo_mcp import errors
from theo_mcp.hosted.service import stamped
from theo_mcp.hosted.streams import Answered, Ended, cut, keeping, told
from theo_mcp.http.answer import WHOLE_REPLY
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.wire.getcode import GenerateDone, GenerateError, GenerateEvent, GenerateToken, parse_generate_event
from theo_mcp.wire.model import Extension, read_json, text_of
from theo_mcp.wire.pairs import Pairs

_WHOLE_TEXTS = ("text", "content", "output", "result")


def by_getcode(said: Extension, model: str = "") -> Extension:
    """Who answered: GetCode's service, and what it `said` beyond the documents."""
    return stamped(Extension(backend="hosted", engine="getcode", model=model), said)


async def generate_events(
    events: AsyncIterator[ServerSentEvent], answered: Answered = lambda _: None, ended: Ended = lambda: None
) -> AsyncGenerator[GenerateEvent, None]:
    """GetCode's events; `GenerateDone` is the last."""
    pairs = Pairs()
    text: list[str] = []
    with keeping(lambda: "".join(text) + pairs.rest()):
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
                    raise told("GetCode", event.message)
                case GenerateToken():
                    text.append(event.text)
                case GenerateDone():
                    if left := pairs.rest():
                        yield GenerateToken(text=left)
                    answered(event)
                    ended()
                    yield event.model_copy(update={"theo_mcp": by_getcode(event.theo_mcp, event.model)})
                    return
                case _:
                    pass
            yield event
        raise cut("GetCode")


def _generated_of(data: str) -> list[GenerateEvent]:
    fields = read_json(data)
    answer = fields if isinstance(fields, dict) else {}
    text = next((text for name in _WHOLE_TEXTS if (text := text_of(answer.get(name)))), "")
    if not text:
        raise errors.ProtocolError("GetCode answered with JSON where an event stream was due.")
    done = GenerateDone.model_validate(answer)
    return [GenerateToken(text=text), done.model_copy(update={"theo_mcp": by_getcode(done.theo_mcp, done.model)})]
