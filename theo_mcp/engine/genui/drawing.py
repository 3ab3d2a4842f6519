"""The mode genui: a draft by the model, validated, repaired once, rendered."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Final

from pydantic import JsonValue

from theo_mcp.backend import Observe
from theo_mcp.engine import brief, loop
from theo_mcp.engine.genui import draft, render, skeletons
from theo_mcp.engine.genui.components import Page
from theo_mcp.engine.genui.libraries import Library
from theo_mcp.engine.prose import Prose
from theo_mcp.engine.repetition import NOTICE
from theo_mcp.engine.routing import Route
from theo_mcp.engine.working import WorkEvent, Working
from theo_mcp.wire.events import ArtifactEvent, GenuiMeta, Token
from theo_mcp.wire.openai import ChatMessage
from theo_mcp.wire.parts import StructuredOutput, new_id

_TITLE: Final = "Page"
_REPAIRED: Final = "The first draft did not fit the library and was made again; its tokens came before the second's."


class Drawing(Working):
    """One user interface while it is made. `text` is the draft that the tree was made of."""

    def __init__(
        self, way: Route, messages: tuple[ChatMessage, ...], prompt: str, library: Library, observe: Observe | None
    ) -> None:
        super().__init__()
        self._way, self._messages, self._prompt = way, messages, prompt
        self._library, self._observe = library, observe

    async def events(self) -> AsyncGenerator[WorkEvent, None]:
        yield GenuiMeta(library=self._library.name)
        capable = (await self._way.provider.capabilities(self._way.model.id)).schema
        first = self._drafted() if self._way.model.draft else self._asked(self._question(), capable)
        async with aclosing(first) as pieces:
            async for token in pieces:
                yield token
        page, problem = self._page()
        if problem is not None and not self._way.model.draft:
            self.notices.append(_REPAIRED)
            yield Token(token="\n")  # noqa: S106 - a piece of text
            async with aclosing(self._asked(self._repair(problem), capable)) as again:
                async for token in again:
                    yield token
            page, problem = self._page()
        if page is None:
            said = f"The draft does not fit the library {self._library.name}: {problem}."
            self.structured_output = StructuredOutput(type="genui", parse_error=said)
            self.notices.append(f"{said} Its text is kept as it is, and nothing was rendered.")
            return
        tree = page.model_dump(mode="json", exclude_none=True)
        self.structured_output = StructuredOutput(type="genui", data={"library": self._library.name, "root": tree})
        code = render.html(page, self._library)
        yield ArtifactEvent(id=new_id("art"), type="genui", title=page.title, code=code, language="html")

    async def _asked(self, messages: tuple[ChatMessage, ...], capable: bool) -> AsyncGenerator[Token, None]:
        shape: dict[str, JsonValue] = {"name": "interface", "schema": draft.schema(self._library)}
        form: dict[str, JsonValue] | None = {"type": "json_schema", "json_schema": shape} if capable else None
        async with AsyncExitStack() as stack:
            step = await stack.enter_async_context(
                loop.step(self._way, messages, response_format=form, observe=self._observe)
            )
            async for delta in await stack.enter_async_context(aclosing(step.deltas())):
                yield Token(token=delta)
        self.text, self.finish_reason = step.text, step.finish_reason
        self.counted.append(step.usage)
        if step.repeats and NOTICE not in self.notices:
            self.notices.append(NOTICE)

    async def _drafted(self) -> AsyncGenerator[Token, None]:
        """A draft by rule, whose prose the small model writes."""
        prose = Prose(self._way, self._prompt, self._observe)
        title = brief.title(self._prompt, _TITLE)
        pieces = [f'{{"title": {json.dumps(title, ensure_ascii=False)}, "nodes": [']
        yield Token(token=pieces[0])
        async for node in skeletons.nodes(self._prompt, title, self._library, prose, self.notices):
            pieces.append(("," if len(pieces) > 1 else "") + "\n " + json.dumps(node, ensure_ascii=False))
            yield Token(token=pieces[-1])
        pieces.append("\n]}")
        yield Token(token=pieces[-1])
        self.text, self.finish_reason = "".join(pieces), "stop"
        self.counted.append(prose.usage)

    def _page(self) -> tuple[Page | None, draft.UnfitError | None]:
        try:
            return draft.tree(self.text, self._library, self._prompt), None
        except draft.UnfitError as error:
            return None, error

    def _question(self) -> tuple[ChatMessage, ...]:
        """The chat, whose last turn says what the components are: the persona ``none`` wants no system text."""
        *before, last = self._messages
        told = f"{last.content}\n\n{draft.instructions(self._library)}"
        return (*before, last.model_copy(update={"content": told}))

    def _repair(self, problem: draft.UnfitError) -> tuple[ChatMessage, ...]:
        told = "That does not fit:\n" + "\n".join(f"- {each}" for each in problem.problems)
        return (
            *self._question(),
            ChatMessage(role="assistant", content=self.text or "{}"),
            ChatMessage(role="user", content=f"{told}\nAnswer with the whole corrected JSON object alone."),
        )


@asynccontextmanager
async def run(
    way: Route,
    messages: tuple[ChatMessage, ...],
    *,
    prompt: str,
    library: Library,
    observe: Observe | None = None,
) -> AsyncIterator[Drawing]:
    """A user interface for `prompt`, of the components of `library`."""
    yield Drawing(way, messages, prompt, library, observe)
