"""One generation as GetCode's events: the source streams without the fence around it, then a look at the whole says
whether it is what was asked for. Nothing that has streamed can be taken back, so what is wrong is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine import loop, respond
from theo_mcp.engine.engine import Engine
from theo_mcp.engine.making import Making, Wish
from theo_mcp.engine.making.unfence import Unfence
from theo_mcp.engine.memory.audit import Request
from theo_mcp.engine.prose import Prose
from theo_mcp.engine.repetition import NOTICE
from theo_mcp.engine.routing import Route
from theo_mcp.engine.schemas import schema_of
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.engine.working import WorkEvent, Working
from theo_mcp.errors import TheoError
from theo_mcp.meanwhile import meanwhile
from theo_mcp.wire.events import Token
from theo_mcp.wire.getcode import GenerateDone, GenerateEvent, GenerateQueue, GenerateToken
from theo_mcp.wire.openai import ChatMessage
from theo_mcp.wire.parts import new_id

Sent: TypeAlias = GenerateEvent | TheoError
_QUEUED = "queued"
_MOST_WAITING = 64


class Source(Working):
    """One source while it is made. `around` is what the model wrote beside it."""

    def __init__(self, making: Making, wish: Wish, way: Route, observe: Observe | None) -> None:
        super().__init__()
        self._making, self._wish = making, wish
        self._way, self._observe = way, observe
        self.around = ""

    async def events(self) -> AsyncGenerator[WorkEvent, None]:
        drafted = self._way.model.draft and self._making.draft is not None and self._making.drafts(self._wish)
        async with aclosing(self._drafted() if drafted else self._asked()) as pieces:
            async for piece in pieces:
                self.text += piece
                yield Token(token=piece)

    async def _asked(self) -> AsyncGenerator[str, None]:
        chat = (
            ChatMessage(role="system", content=self._making.system(self._wish)),
            ChatMessage(role="user", content=self._wish.prompt),
        )
        form: dict[str, JsonValue] | None = None
        shape, way = self._making.shape, self._way
        if shape is not None and (await way.provider.capabilities(way.model.id)).schema:
            named: dict[str, JsonValue] = {"name": self._making.output_type, "schema": schema_of(shape)}
            form = {"type": "json_schema", "json_schema": named}
        unfence = Unfence()
        async with (
            loop.step(way, chat, response_format=form, observe=self._observe) as step,
            aclosing(step.deltas()) as deltas,
        ):
            async for delta in deltas:
                if piece := unfence.feed(delta):
                    yield piece
        if piece := unfence.rest():
            yield piece
        if step.repeats:
            self.notices.append(NOTICE)
        self.around, self.finish_reason = unfence.around, step.finish_reason
        self.counted.append(step.usage)

    async def _drafted(self) -> AsyncGenerator[str, None]:
        assert self._making.draft is not None
        prose = Prose(self._way, self._wish.prompt, self._observe)
        async with aclosing(self._making.draft(self._wish, prose)) as pieces:
            async for piece in pieces:
                yield piece
        self.finish_reason = "stop"
        self.counted.append(prose.usage)
        self.notices += prose.notices


@asynccontextmanager
async def run(
    making: Making, wish: Wish, engine: Engine, noted: Request, *, original_prompt: str | None = None
) -> AsyncIterator[AsyncGenerator[GenerateEvent, None]]:
    """The events of one generation, which is `noted`; leaving the context stops the model.

    The work runs beside its reader, so that the place in a queue is told while it is waited for.
    """
    send, receive = anyio.create_memory_object_stream[Sent](_MOST_WAITING)

    async def work() -> None:
        async with send:
            try:
                async with aclosing(_remembered(making, wish, engine, noted, original_prompt, _queue(send))) as events:
                    async for event in events:
                        await send.send(event)
            except TheoError as error:
                await send.send(error)

    async def read() -> AsyncGenerator[GenerateEvent, None]:
        text: list[str] = []
        async for sent in receive:
            if isinstance(sent, TheoError):
                sent.partial = "".join(text)
                noted.failed(sent)
                raise sent
            if isinstance(sent, GenerateToken):
                text.append(sent.text)
            yield sent

    async with receive, meanwhile() as tasks:
        tasks.start_soon(work)
        async with aclosing(read()) as events:
            yield events


async def _remembered(
    making: Making, wish: Wish, engine: Engine, noted: Request, original_prompt: str | None, observe: Observe
) -> AsyncGenerator[GenerateEvent, None]:
    """The events, noted in the caller's usage and audit; what was made, in the history of generations too."""
    caller = noted.caller
    mode: ResolvedMode = "fast" if making.output_type == "email" else "code"
    way = await engine.router.route(mode, observe=observe, caller=caller)
    noted.answers("generate", way.model)
    source = Source(making, wish, way, observe)
    async with aclosing(_events(making, wish, way, source)) as events:
        async for event in events:
            if isinstance(event, GenerateDone):
                noted.done(respond.usage(source.usage, way.model))
                engine.memory.history.add(
                    caller,
                    new_id("gen"),
                    making.output_type,
                    wish.prompt,
                    original_prompt=original_prompt,
                    model=way.model.id,
                )
            yield event


async def _events(making: Making, wish: Wish, way: Route, source: Source) -> AsyncGenerator[GenerateEvent, None]:
    async with aclosing(source.events()) as events:
        async for event in events:
            if isinstance(event, Token):
                yield GenerateToken(text=event.token)
    checked = making.check(source.text, wish)
    about = respond.about(
        way.model,
        source,
        checks=(checked.check,),
        notices=(*checked.notices, *way.notices, *source.notices),
        cost_cents=respond.usage(source.usage, way.model).cost_cents,
    )
    yield GenerateDone(
        tokens_used=source.usage.total_tokens,
        model=way.model.id,
        theo_mcp=about.model_copy(update={"explanation": source.around}),
    )


def _queue(send: MemoryObjectSendStream[Sent]) -> Observe:
    """Passes on what is said of a queue; the rest of what happens has no event of its own."""

    def observe(words: str) -> None:
        if words.startswith(_QUEUED):
            with suppress(anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                send.send_nowait(GenerateQueue(message=words))

    return observe
