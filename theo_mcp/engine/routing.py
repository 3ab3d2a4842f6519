"""Stage three: which model answers, and how it is asked."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from theo_mcp.backend import Observe
from theo_mcp.engine.providers import Provider, ServedModel
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.http.options import Limits, Timeouts
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.settings import Settings


@dataclass(frozen=True)
class Sampling:
    """How an embedded model is asked unless the request says otherwise (measured on small models)."""

    temperature: float
    repeat_penalty: float
    """1.0 for code, which repeats by nature."""


TABLE: Final[dict[ResolvedMode, Sampling]] = {
    "fast": Sampling(temperature=0.3, repeat_penalty=1.1),
    "think": Sampling(temperature=0.3, repeat_penalty=1.1),
    "code": Sampling(temperature=0.0, repeat_penalty=1.0),
    "roast": Sampling(temperature=0.8, repeat_penalty=1.1),
}
DRAFT_MAX_TOKENS: Final = 1024
"""A small model that has not come to an end by then is going in circles."""


@dataclass(frozen=True)
class Route:
    """Who answers, and with which settings; None leaves a setting to the server."""

    provider: Provider
    model: ServedModel
    temperature: float | None
    repeat_penalty: float | None
    max_tokens: int | None


class Router:
    """The providers of one engine, opened at the first need and closed with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: list[Provider] = []

    async def route(
        self,
        mode: ResolvedMode,
        *,
        override: str | None = None,
        preferred: str = "",
        temperature: float | None = None,
        observe: Observe | None = None,
    ) -> Route:
        """The way of one request. A server of the user's own keeps its own defaults.

        Raises:
            TheoError: there is no model; the hint says how to get one.
        """
        provider = self.provider
        model = await provider.model(observe)
        embedded = TABLE.get(mode, TABLE["fast"]) if model.engine == "embedded" else None
        return Route(
            provider=provider,
            model=model,
            temperature=temperature if temperature is not None else embedded.temperature if embedded else None,
            repeat_penalty=embedded.repeat_penalty if embedded else None,
            max_tokens=self._settings.max_output_tokens or (DRAFT_MAX_TOKENS if model.draft else None),
        )

    @cached_property
    def provider(self) -> Provider:
        """What answers where nothing else is chosen."""
        provider = self._make()
        self._opened.append(provider)
        return provider

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            for provider in self._opened:
                stack.push_async_callback(provider.aclose)

    def _make(self) -> Provider:
        settings = self._settings
        timeouts = Timeouts(
            connect=settings.connect_timeout_s,
            first_byte=settings.first_byte_timeout_s,
            idle=settings.idle_timeout_s,
            whole=settings.timeout_s,
        )
        if settings.engine_url is None:
            from theo_mcp.engine.providers.local import LocalModel

            return LocalModel(settings.data_dir, settings.engine_model, settings.context_tokens, timeouts)
        from theo_mcp.engine.providers.openai_compatible import OpenAICompatible

        return OpenAICompatible(
            settings.engine_url,
            settings.key("engine"),
            model=settings.engine_model,
            timeouts=timeouts,
            retries=RetryPolicy(
                retries=settings.max_retries,
                max_retry_after=settings.max_retry_after_s,
                retry_ambiguous=settings.retry_ambiguous,
            ),
            limits=Limits(body=settings.max_reply_bytes, event=settings.max_event_bytes),
        )
