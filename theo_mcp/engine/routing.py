"""Stage three: which model answers, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from theo_mcp.backend import Observe
from theo_mcp.engine.classify import ServedMode
from theo_mcp.engine.providers import Provider, ServedModel


@dataclass(frozen=True)
class Sampling:
    """How an embedded model is asked unless the request says otherwise (measured on small models)."""

    temperature: float
    repeat_penalty: float
    """1.0 for code, which repeats by nature."""


TABLE: Final[dict[ServedMode, Sampling]] = {
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


async def route(
    provider: Provider,
    mode: ServedMode,
    *,
    temperature: float | None = None,
    max_tokens: int | None = None,
    observe: Observe | None = None,
) -> Route:
    """The way of one request. A server of the user's own keeps its own defaults.

    Raises:
        TheoError: there is no model; the hint says how to get one.
    """
    model = await provider.model(observe)
    embedded = TABLE[mode] if model.engine == "embedded" else None
    return Route(
        provider=provider,
        model=model,
        temperature=temperature if temperature is not None else embedded.temperature if embedded else None,
        repeat_penalty=embedded.repeat_penalty if embedded else None,
        max_tokens=max_tokens or (DRAFT_MAX_TOKENS if model.draft else None),
    )
