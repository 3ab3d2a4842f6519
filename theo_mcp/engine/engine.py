"""What one engine is made of: a part for each stage, shared by both arms, made once and closed once."""

from __future__ import annotations

from contextlib import AsyncExitStack

from theo_mcp.engine.background import Background
from theo_mcp.engine.classify import Classifier
from theo_mcp.engine.memory import Memory
from theo_mcp.engine.report import Report
from theo_mcp.engine.routing import Router
from theo_mcp.engine.skills import Shelf
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.settings import Settings


class Engine:
    """The parts; each contacts, starts and opens nothing before its first use."""

    def __init__(self, settings: Settings, background: Background | None = None) -> None:
        self.settings = settings
        self.classifier = Classifier(settings)
        self.router = Router(settings)
        self.report = Report(self.router.engines)
        self.memory = Memory(settings, background or Background())
        self.shelf = Shelf(settings, self.memory.place)

    @property
    def modes(self) -> frozenset[ResolvedMode]:
        """The modes that can be carried out here now."""
        served: set[ResolvedMode] = {"fast", "think", "code", "roast", "genui"}
        if self.settings.searxng_url is not None:
            served.add("research")
        return frozenset(served)

    async def aclose(self) -> None:
        """Closes every part."""
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            stack.push_async_callback(self.memory.aclose)
            stack.push_async_callback(self.router.aclose)
            stack.push_async_callback(self.classifier.aclose)
