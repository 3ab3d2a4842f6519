"""Stage three: which model answers, and how it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from theo_mcp.backend import Caller, Observe
from theo_mcp.engine.engines import Engines, Place
from theo_mcp.engine.providers import Provider, ServedModel
from theo_mcp.engine.providers.pool import ESTIMATED, Visit
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.errors import InputError
from theo_mcp.settings import Settings
from theo_mcp.settings.servers import AUTO
from theo_mcp.wire.completions import CompletionRequest
from theo_mcp.wire.words import MODES


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
    engine_id: str = ""
    """What was asked for: the engine's id, or the server's or model's name that the request gave."""
    said: tuple[str, ...] = ()
    """What the choice itself gives the caller to know."""

    @property
    def server(self) -> str:
        """The server that answered, or the only one that can."""
        return self.provider.server if isinstance(self.provider, Visit) else ""

    @property
    def notices(self) -> tuple[str, ...]:
        """What the caller should know; complete once the answer is."""
        estimated = isinstance(self.provider, Visit) and self.provider.estimated
        return (*self.said, ESTIMATED) if estimated else self.said


class Router:
    """Chooses for one engine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.engines = Engines(settings)

    async def route(
        self,
        mode: ResolvedMode,
        *,
        override: str | None = None,
        preferred: str = "",
        temperature: float | None = None,
        observe: Observe | None = None,
        caller: Caller = Caller(),
    ) -> Route:
        """The way of one request: what it overrides wins over what its skill prefers, and that over the settings. A
        server of the user's own keeps its own defaults. Requests of one `caller` wait behind each other.

        Raises:
            InputError: there is no such engine.
            TheoError: there is no model; the hint says how to get one.
        """
        engine_id = self.engines.id_of(mode)
        place: Place | None = None
        said: tuple[str, ...] = ()
        if override is not None:
            place, engine_id = await self.engines.named(override, mode), override
            if place is None:
                raise self.engines.unknown(override)
        elif preferred:
            place = await self.engines.named(preferred, mode)
            if place is None:
                said = (f"A skill prefers the engine {preferred[:60]!r}, which is not here.",)
            else:
                engine_id = preferred
        if engine_id == AUTO:
            engine_id = self.engines.id_of(mode)
        place = place or self.engines.of(mode)
        visit = Visit(place.pool, place.model, caller)
        model = await visit.model(observe)
        embedded = TABLE.get(mode, TABLE["fast"]) if model.engine == "embedded" else None
        return Route(
            provider=visit,
            model=model,
            temperature=temperature if temperature is not None else embedded.temperature if embedded else None,
            repeat_penalty=embedded.repeat_penalty if embedded else None,
            max_tokens=self._settings.max_output_tokens or (DRAFT_MAX_TOKENS if model.draft else None),
            engine_id=engine_id,
            said=said,
        )

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
        await self.engines.aclose()


def override_of(request: CompletionRequest, mode: ResolvedMode) -> str | None:
    """What `request` wants to answer `mode`: its own word on it, else its word on ``auto`` where that led there.

    Raises:
        InputError: it names something that is no mode.
    """
    overrides = request.model_overrides or {}
    for name in overrides:
        if name not in MODES:
            raise InputError(
                f"model_overrides names {name[:60]!r}, which is not a mode.", hint=f"The modes are: {', '.join(MODES)}."
            )
    return overrides.get(mode) or (overrides.get("auto") if request.mode in (None, "auto") else None)
