"""Runs one row, and says in words what the caller saw."""

from __future__ import annotations

import traceback

from tests.faults.rows import Row
from theo_mcp import CompletionRequest, TheoClient
from theo_mcp.errors import TheoError
from theo_mcp.http.library import AsyncClient
from theo_mcp.testing import theo
from theo_mcp.testing.theo import FakeTheo
from theo_mcp.wire.events import Done, Token

HELLO = CompletionRequest(prompt="canary-prompt-5d1f")


async def outcome(row: Row, service: FakeTheo, http_client: AsyncClient | None) -> str:
    """The row's call against `service`, in the words of `Row.expected`."""
    service.next = list(row.does)
    async with TheoClient(theo.KEY, base_url=service.origin, http_client=http_client) as client:
        limited = client.with_options(timeouts=row.timeouts, limits=row.limits, retries=row.policy)
        seen, error = await _called(row, limited)
        requests = service.requests[:]
        count = f"{len(requests)} request{'s' if len(requests) != 1 else ''}"
        keys = {request.headers.get("idempotency-key") for request in requests}
        if row.policy.retry_ambiguous or "one key" in row.expected:
            count += ", one key" if len(keys) == 1 and None not in keys else ", several keys"
        said = [seen, count]
        if error is not None:
            assert error.attempts == len(requests), (error.attempts, len(requests))
            assert_nothing_leaks(error)
            if error.retryable:
                said.append("again" if error.retry_after is None else f"again in {error.retry_after:g}")
        if row.expected.partition("| then ")[2]:
            answer = await limited.complete(HELLO)
            said.append(f"then {answer.content}")
        return " | ".join(said)


async def _called(row: Row, client: TheoClient) -> tuple[str, TheoError | None]:
    try:
        if row.how == "models":
            return (await client.models()).models[0].model_id, None
        if row.how == "complete":
            return (await client.complete(HELLO)).content, None
        text = ""
        async with client.stream(HELLO) as events:
            async for event in events:
                if isinstance(event, Token):
                    text += event.token
                elif isinstance(event, Done):
                    text = event.content or text
        return text, None
    except TheoError as error:
        seen = f"{type(error).__name__} {error.code}"
        if error.partial:
            seen += f", kept {_short(error.partial)!r}"
        return seen, error


def _short(text: str) -> str:
    """Long and varying texts by their beginning."""
    if text.startswith("event: token"):
        return "event: token…"
    if text.startswith('{"id": "cmpl_1", "object"'):
        return "the answer…"
    return text[0] + "…" if len(text) > 3 and set(text) == {text[0]} else text


def assert_nothing_leaks(error: BaseException) -> None:
    """Neither the key nor the prompt is in what an error shows, down to the locals of every frame behind it."""
    shown = [str(error), repr(error)]
    chain: BaseException | None = error
    while chain is not None:
        frames = traceback.TracebackException.from_exception(chain, capture_locals=True)
        shown.extend(frames.format())
        chain = chain.__cause__ or chain.__context__
    text = "\n".join(shown)
    assert theo.KEY not in text, text[max(0, text.index(theo.KEY) - 300) :][:600]
    assert "canary-prompt" not in "\n".join([str(error), repr(error)])
