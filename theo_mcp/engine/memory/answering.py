"""One completion with all that is remembered of it: check, recall, cache, pipeline, record.

What cannot be kept costs no answer, but for one thing: a turn of a conversation is stored before a model is asked, or
not asked for at all.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import anyio

from theo_mcp.backend import Observe
from theo_mcp.engine import pipeline, served
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.memory.audit import Request
from theo_mcp.engine.memory.key import key_of
from theo_mcp.engine.memory.turn import Turn
from theo_mcp.errors import TheoError
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.events import CompletionEvent, Done, Gathered, Meta
from theo_mcp.wire.parts import new_id, now


@asynccontextmanager
async def answered(
    request: CompletionRequest, engine: Engine, noted: Request, observe: Observe | None = None
) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
    """The events of one completion, which is `noted`; leaving the context stops the model."""
    memory, caller = engine.memory, noted.caller
    told = _Told(request, noted)
    try:
        served.check(request, engine.settings.max_prompt_chars)
        turn = told.turn = await memory.conversations.recall(request, caller)
        asked = turn.request if turn else request
        plan = await pipeline.plan(asked, engine, caller, observe, suggests=noted.method != "code")
        noted.answers(plan.intent.mode, plan.way.model)
        key = key_of(plan, caller.tenant) if turn is None else None
        if turn is not None:
            await turn.begin()
        async with (
            memory.cache.through(
                key,
                caller,
                lambda: pipeline.carry_out(plan, observe),
                observe,
                model=plan.way.model.id,
                computing=plan.tools.computing,
            ) as events,
            aclosing(told.events(events)) as watched,
        ):
            yield watched
    finally:
        with anyio.CancelScope(shield=True):
            await told.end()
            await memory.behind.many()


class _Told:
    """The events on their way to the caller, and what is noted of them."""

    def __init__(self, request: CompletionRequest, noted: Request) -> None:
        self.turn: Turn | None = None
        self._request = request
        self._noted = noted
        self._gathered = Gathered(request)
        self._failure: BaseException | None = None
        self._done = False

    async def events(self, events: AsyncIterator[CompletionEvent]) -> AsyncGenerator[CompletionEvent, None]:
        """The same events with the ids of this request; the turn is stored before the last one is told."""
        id = new_id("cmpl")
        try:
            async for event in events:
                if isinstance(event, Meta | Done):
                    event = event.model_copy(update={"id": id, **self._ids()})
                if isinstance(event, Done):
                    event = await self._last(event.model_copy(update={"metadata": self._request.metadata}))
                else:
                    self._gathered.add(event)
                yield event
        except BaseException as error:
            self._failure = error
            raise

    async def end(self) -> None:
        """Says how it failed, if it did, and stores what there is of a turn that did not end well."""
        if self.turn is not None and self.turn.begun and not self._done:
            failure = self._failure
            known = isinstance(failure, TheoError)
            reason = failure.message if isinstance(failure, TheoError) else "The request was stopped."
            await self.turn.fail("failed" if known else "cancelled", reason, self._gathered.text)
        if self._failure is not None:
            self._noted.failed(self._failure)

    async def _last(self, event: Done) -> Done:
        self._gathered.add(event)
        self._done = True
        self._noted.done(event.usage, cached=event.cached, model=event.theo_mcp.model)
        if self.turn is None:
            return event
        notices = [event.theo_mcp.notice, self.turn.notice, await self.turn.end(self._gathered.completion(now()))]
        about = event.theo_mcp.model_copy(update={"notice": " ".join(filter(None, notices))})
        return event.model_copy(update={"theo_mcp": about})

    def _ids(self) -> dict[str, str | None]:
        return {"request_id": self._noted.id, "conversation_id": self.turn.id if self.turn else None}
