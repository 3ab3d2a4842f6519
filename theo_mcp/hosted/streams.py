"""Reads a streamed completion up to its terminator; whatever else ends it is an error with the text so far.

The other two kinds of streams, with what they import, are in `chunks` and `generated`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from theo_mcp import errors
from theo_mcp.hosted.service import by_hosted
from theo_mcp.http.answer import WHOLE_REPLY
from theo_mcp.http.envelope import parse as parse_error
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.wire.completions import Completion
from theo_mcp.wire.events import CompletionEvent, Done, Meta, Token, parse_event
from theo_mcp.wire.model import read_json
from theo_mcp.wire.pairs import Pairs
from theo_mcp.wire.parts import Model

Answered: TypeAlias = Callable[[object], None]
"""Told the event that holds id, usage and cost, for telemetry."""

Ended: TypeAlias = Callable[[], None]
"""Told that the terminator has come."""


async def completion_events(
    events: AsyncIterator[ServerSentEvent], answered: Answered = lambda _: None, ended: Ended = lambda: None
) -> AsyncGenerator[CompletionEvent, None]:
    """Theo's events; `Done` is the last."""
    model, pairs = Model(), Pairs()
    text: list[str] = []
    with keeping(lambda: "".join(text) + pairs.rest()):
        async for sent in events:
            if sent.event == WHOLE_REPLY:
                whole = Completion.model_validate(read_json(sent.data))
                answered(whole)
                for known in _events_of(whole):
                    yield known
                return
            if sent.event == "error":
                raise told("Theo", sent.data)
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
                    event = event.model_copy(update={"theo_mcp": by_hosted(model, event.theo_mcp)})
                case Done():
                    if left := pairs.rest():
                        yield Token(token=left)
                    answered(event)
                    ended()
                    yield event.model_copy(update={"theo_mcp": by_hosted(model, event.theo_mcp)})
                    return
                case _:
                    pass
            yield event
        raise cut("Theo")


@contextmanager
def keeping(text: Callable[[], str]) -> Iterator[None]:
    """Puts the text so far into every error of ours that passes."""
    try:
        yield
    except errors.TheoError as error:
        error.partial = text()
        raise


def told(service: str, data: str) -> errors.StreamError:
    message, code, request_id = parse_error(data.encode())
    return errors.StreamError(message or f"{service} ended the stream with an error.", code=code, request_id=request_id)


def cut(service: str) -> errors.StreamError:
    return errors.StreamError(
        f"{service}'s stream ended before the answer was complete.",
        hint="What came so far is kept; the work may have been billed, so look before you call again.",
    )


def _events_of(answer: Completion) -> list[CompletionEvent]:
    """The events of an answer that came whole, from a service that does not stream."""
    about = by_hosted(answer.model, answer.theo_mcp)
    meta = Meta(mode=answer.mode, resolved_mode=answer.resolved_mode, model=answer.model, theo_mcp=about)
    meta = meta.model_copy(update={"tools": answer.tools_used, "artifacts": answer.artifacts})
    done = Done.model_validate(answer.model_dump(by_alias=True, exclude={"model"}))
    return [meta, Token(token=answer.content), done.model_copy(update={"theo_mcp": about})]
