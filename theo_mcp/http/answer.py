"""Reads a whole reply: as the model that was asked for, or as the one event of a server that does not stream."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TypeVar

from theo_mcp.http.exchange import Exchange, Head
from theo_mcp.http.sse import ServerSentEvent
from theo_mcp.wire.model import Extended, Reply, read_json

ReplyT = TypeVar("ReplyT", bound=Reply)

_DELIVERED = ("content", "choices", "text")
WHOLE_REPLY = "whole reply"
"""The name of the one event that stands for a JSON reply of a server that does not stream."""


def read_answer(
    exchange: Exchange,
    head: Head,
    data: bytes,
    reply: type[ReplyT],
    accept_status: tuple[int, ...],
    *,
    may_be_empty: bool,
) -> ReplyT:
    success = 200 <= head.status < 300
    if not success and head.status not in accept_status:
        raise exchange.refusal(head, data)
    if not data.strip():
        if success and may_be_empty:
            return reply()
        raise exchange.unreadable(head, data, "nothing")
    try:
        answer = reply.model_validate(read_json(data))
    except ValueError:
        if not success:
            raise exchange.refusal(head, data) from None
        raise exchange.unreadable(head, data, "something other than the JSON that it documents") from None
    failed = bool((answer.model_extra or {}).get("error"))  # an error in the envelope of a success
    if failed and not (isinstance(answer, Extended) and answer.delivered):
        raise exchange.refusal(head, data)
    if "request_id" in reply.model_fields and not getattr(answer, "request_id", None) and head.request_id:
        return answer.model_copy(update={"request_id": head.request_id})
    return answer


def whole_reply(exchange: Exchange, head: Head, data: bytes, kind: str) -> ServerSentEvent:
    """The one event of a reply that is no stream."""
    if not 200 <= head.status < 300:
        raise exchange.refusal(head, data)
    try:
        fields = read_json(data)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise exchange.unreadable(head, data, f"{kind or 'no content type'} where an event stream was due")
    if fields.get("error") and not any(fields.get(name) for name in _DELIVERED):
        raise exchange.refusal(head, data)
    return ServerSentEvent(WHOLE_REPLY, data.decode("utf-8", "replace"), "")


async def only(event: ServerSentEvent) -> AsyncGenerator[ServerSentEvent, None]:
    yield event
