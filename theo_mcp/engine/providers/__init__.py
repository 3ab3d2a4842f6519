"""Where the engine's text comes from: one provider per file, each a model server that speaks the OpenAI chat API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from theo_mcp.backend import Observe
from theo_mcp.wire.openai import ChatChunk, ChatRequest, ChatUsage


@dataclass(frozen=True)
class Capabilities:
    """What one model on one server was seen to do."""

    schema: bool
    """It answers in the shape of a JSON schema."""
    tools: bool = False
    """It calls tools that it is offered. llama.cpp ignores them without a word where a model's template lacks them."""


@dataclass(frozen=True)
class Price:
    """Cents for a million tokens, as the user's settings have it."""

    input: float
    output: float

    @property
    def free(self) -> bool:
        return not (self.input or self.output)

    def of(self, usage: ChatUsage) -> float:
        """What `usage` costs, in cents."""
        return ((usage.prompt_tokens or 0) * self.input + (usage.completion_tokens or 0) * self.output) / 1_000_000


@dataclass(frozen=True)
class ServedModel:
    """What a provider answers with. `local` costs nothing, unless it has a price; `draft` is the small built-in
    model."""

    id: str
    label: str
    engine: str
    local: bool
    draft: bool
    source: str = ""
    """Where it comes from, the address of its server or the checksum of its file: two models may have one name."""
    price: Price | None = None

    def cost_cents(self, usage: ChatUsage) -> float | None:
        """What `usage` costs; None where the price is not known."""
        if self.price is not None:
            return self.price.of(usage)
        return 0.0 if self.local else None


class Provider(Protocol):
    """One source of text."""

    async def model(self, observe: Observe | None = None) -> ServedModel:
        """The model that would answer now.

        Raises:
            TheoError: there is none; the hint says how to get one.
        """

    async def check(self) -> ServedModel:
        """The same, after looking whether it can answer; nothing is started.

        Raises:
            TheoError: it cannot, and why.
        """

    def chat(
        self, request: ChatRequest, observe: Observe | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[ChatChunk]]:
        """A streamed chat; leaving the context stops the model. A stream that just ends raises `StreamError`."""

    async def capabilities(self, model: str) -> Capabilities:
        """What `model` can do: probed at the first call, then remembered."""

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
