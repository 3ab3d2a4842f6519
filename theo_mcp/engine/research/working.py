"""A research, in a stream of its own or inside a job."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final

from pydantic import JsonValue

from theo_mcp import errors
from theo_mcp.backend import Caller, Observe
from theo_mcp.engine import brief, loop
from theo_mcp.engine.repetition import NOTICE
from theo_mcp.engine.research import pages, plan, searxng, writing
from theo_mcp.engine.research.citations import Citations, without_source
from theo_mcp.engine.research.documents import Documents
from theo_mcp.engine.research.plan import Depth
from theo_mcp.engine.research.sources import Source, merged, words
from theo_mcp.engine.routing import Route
from theo_mcp.engine.working import WorkEvent, Working
from theo_mcp.settings import Settings
from theo_mcp.wire.events import Token, ToolEvent
from theo_mcp.wire.openai import ChatMessage
from theo_mcp.wire.parts import StructuredOutput

DEPTH: Final[Depth] = "advanced"
MAX_SOURCES: Final = 10
_QUOTED: Final = (
    "The built-in model writes no report: the sentences are quoted from the sources as they are. A larger model "
    "(--engine-url) writes one."
)

_OWN: Final = " Of your documents, a passage counts that has two of them, or a name such as WebGPU."


def check(settings: Settings, caller: Caller) -> Documents:
    """The documents that may be read; nothing is asked or started.

    Raises:
        NotAvailableError: there is nowhere to search.
    """
    documents = Documents(settings, caller)
    if settings.searxng_url is None and not documents:
        told = "Research needs sources, and this machine has none to ask: no SearXNG instance is set (searxng_url)"
        if caller.tenant:
            told += ". The owner of this gateway can set one; folders that the owner trusts are read for nobody else"
        raise errors.NotAvailableError(
            f"{told}.",
            hint="Name a SearXNG instance with --searxng-url (or searxng_url in your settings file), or trust a folder "
            "of documents with `theo-mcp trust`.",
        )
    return documents


class Research(Working):
    """One research while it goes on. `progress` is told how much of it is done, from 0 to 1."""

    def __init__(
        self,
        way: Route,
        prompt: str,
        settings: Settings,
        documents: Documents,
        *,
        before: Sequence[ChatMessage] = (),
        depth: Depth = DEPTH,
        max_sources: int = MAX_SOURCES,
        observe: Observe | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._way, self._prompt, self._settings, self._documents = way, prompt, settings, documents
        self._before, self._depth, self._most = tuple(before), depth, max_sources
        self._observe, self._progress = observe, progress
        self._queries: tuple[str, ...] = ()
        self._sources: list[Source] = []

    async def events(self) -> AsyncGenerator[WorkEvent, None]:
        self._tell("planning", 0.02)
        planned = plan.by_rule(self._prompt, self._depth)
        if self._writes and (await self._way.provider.capabilities(self._way.model.id)).schema:
            planned = await plan.asked(self._way, self._prompt, self._depth, self._observe)
            self.counted.append(planned.usage)
        self._queries = planned.queries
        async with aclosing(self._searched()) as searches:
            async for tool in searches:
                yield tool
        citations = Citations(len(self._sources))
        title = brief.title(self._prompt, "Report")
        async with aclosing(self._report(title, planned.sections, citations)) as pieces:
            async for piece in pieces:
                self.text += piece
                yield Token(token=piece)
        self._judge(citations)
        self.finish_reason = self.finish_reason or "stop"
        self.structured_output = StructuredOutput(type="research", data=self.result())
        self._progress(1.0)

    def result(self) -> dict[str, JsonValue]:
        """What a job returns."""
        sources: list[JsonValue] = [each.entry(number) for number, each in enumerate(self._sources, 1)]
        return {
            "report": self.text,
            "sources": sources,
            "sourceCount": len(sources),
            "queries": [*self._queries],
            "notices": [*self.notices],
        }

    @property
    def _writes(self) -> bool:
        return not self._way.model.draft

    async def _searched(self) -> AsyncGenerator[ToolEvent, None]:
        """Asks for each query, and says what came; `_sources` are known then.

        Raises:
            TheoError: every search failed; it is the last one's.
            NotFoundError: nothing was found.
        """
        found: list[list[Source]] = []
        failure: errors.TheoError | None = None
        async with searxng.opened(self._settings) as web:
            for number, query in enumerate(self._queries):
                self._tell(f"searching: {query[:60]}", 0.05 + 0.35 * number / len(self._queries))
                if web is not None:
                    try:
                        found.append(await web.search(query))
                        yield _tool("web_search", "success", f"{query}: {len(found[-1])} results")
                    except errors.TheoError as error:
                        failure = error
                        yield _tool("web_search", "error", f"{query}: {error.message}")
                        if isinstance(error, errors.RateLimitError | errors.NotAvailableError):
                            break  # the next query would be told the same
            if self._documents:
                own = await self._documents.search(self._prompt, most=self._most)
                found.insert(0, own)
                yield _tool("document_search", "success", f"{len(own)} documents")
        self._sources = merged(found, self._most)
        if not self._sources and failure is not None:
            raise failure
        if not self._sources:
            raise errors.NotFoundError(
                "The search found nothing on this, so there is no report: one without sources is not written.",
                code="no_sources",
                hint="Ask in other words." + (_OWN if self._documents else ""),
            )
        if self._settings.allow_fetch:
            self._tell("reading the pages", 0.42)
            self._sources = await pages.read(self._sources, words(self._prompt), self._settings)
        if failure is not None:
            self.notices.append(f"Not every search was answered: {failure.message}")

    async def _report(self, title: str, sections: Sequence[str], citations: Citations) -> AsyncGenerator[str, None]:
        yield f"# {title}\n"
        if not self._writes:
            self.notices.append(_QUOTED)
            yield "\n"
            for line in writing.quoted(self._sources, words(self._prompt)):
                yield citations.feed(line)
        for number, section in enumerate(sections if self._writes else ()):
            self._tell(f"writing: {section[:60]}", 0.45 + 0.5 * number / len(sections))
            yield f"\n## {section}\n\n"
            chat = writing.question(self._before, self._prompt, section, sections, self._sources)
            async with (
                loop.step(self._way, chat, observe=self._observe) as step,
                aclosing(step.deltas()) as deltas,
            ):
                async for delta in deltas:
                    if piece := citations.feed(delta):
                        yield piece
            yield citations.rest() + "\n"
            self.counted.append(step.usage)
            if step.repeats and NOTICE not in self.notices:
                self.notices.append(NOTICE)
            self.finish_reason = (
                "length" if "length" in (self.finish_reason, step.finish_reason) else step.finish_reason
            )
        self._judge_text(citations)
        yield writing.listed(self._sources, citations.used)

    def _judge_text(self, citations: Citations) -> None:
        """Says what of the text has no source; the list of sources is not part of it."""
        bare, all_of_them = without_source(self.text)
        if not citations.used:
            self.notices.append("The model cited none of the sources: check every sentence against them.")
        elif bare and self._writes:
            self.notices.append(f"{bare} of {all_of_them} sentences name no source.")

    def _judge(self, citations: Citations) -> None:
        if citations.invented:
            self.notices.append(f"{citations.invented} numbers of sources that do not exist were taken out.")

    def _tell(self, words: str, done: float) -> None:
        if self._observe is not None:
            self._observe(words)
        self._progress(done)


@asynccontextmanager
async def run(
    way: Route,
    prompt: str,
    settings: Settings,
    caller: Caller,
    *,
    before: Sequence[ChatMessage] = (),
    depth: Depth = DEPTH,
    max_sources: int = MAX_SOURCES,
    observe: Observe | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> AsyncIterator[Research]:
    """A research of `prompt`; `before` is what stands before it in the chat.

    Raises:
        NotAvailableError: there is nowhere to search.
    """
    documents = check(settings, caller)
    yield Research(
        way, prompt, settings, documents, before=before, depth=depth, max_sources=max_sources, observe=observe,
        progress=progress,
    )  # fmt: skip


def _tool(name: str, status: str, words: str) -> ToolEvent:
    return ToolEvent(name=name, status=status, description=words)
