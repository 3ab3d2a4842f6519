"""What the engine says of itself: the model behind each mode, and how every server does."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib.metadata import version
from time import monotonic
from typing import Final, Literal

import anyio

from theo_mcp.engine import respond
from theo_mcp.engine.engines import OF_MODE, Engines
from theo_mcp.engine.providers import ServedModel
from theo_mcp.engine.providers.pool import Pool, Visit
from theo_mcp.engine.providers.slots import Server
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.errors import AuthenticationError, ConfigError, NotAvailableError, TheoError, TimeoutExceededError
from theo_mcp.settings.servers import ENGINE, LOCAL
from theo_mcp.wire.model import Extension
from theo_mcp.wire.parts import now
from theo_mcp.wire.service import Health, ModelEntry, Models, ProviderHealth

_DESCRIPTIONS: Final[dict[ResolvedMode, str]] = {
    "fast": "Short, direct answers.",
    "think": "Answers with their reasoning.",
    "code": "Code, parsed before it is shown.",
    "roast": "Answers with humour.",
    "genui": "User interfaces, as trees of components.",
    "research": "Reports that cite their sources.",
}
_CHECK_S: Final = 4.0
_KEPT_S: Final = 30.0
"""As documented."""
_KEPT_ILL_S: Final = 5.0
"""Less where something is amiss, because somebody may be mending it."""


@dataclass(frozen=True)
class _Seen:
    """What a look at one server found."""

    name: str
    pool: Pool
    found: ServedModel | TheoError

    @property
    def status(self) -> Literal["healthy", "down", "unconfigured"]:
        if isinstance(self.found, ServedModel):
            return "healthy"
        lacks = isinstance(self.found, NotAvailableError | ConfigError | AuthenticationError)
        return "unconfigured" if lacks else "down"


class Report:
    """Looks for one engine, whose servers are asked again only after a while."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._looking = anyio.Lock()
        self._health: tuple[float, Health] | None = None

    async def models(self, modes: Set[ResolvedMode]) -> Models:
        """A row for each mode: its engine's id, and the model that this leads to.

        Raises:
            TheoError: no mode has a model.
        """
        rows: list[ModelEntry] = []
        first: ServedModel | None = None
        failed: TheoError | None = None
        for mode in (each for each in OF_MODE if each in modes):
            try:
                place = self._engines.of(mode)
                model = await Visit(place.pool, place.model).model()
            except TheoError as error:
                failed = failed or error
                continue
            first = first or model
            rows.append(
                ModelEntry(
                    mode=mode,
                    model_id=self._engines.id_of(mode),
                    label=model.label,
                    engine=model.engine,
                    description=_DESCRIPTIONS[mode],
                )
            )
        if first is None:
            raise failed or NotAvailableError("The engine on this machine carries out no mode.")
        return Models(models=tuple(rows), theo_mcp=respond.about(first, notices=[str(failed)] if failed else []))

    async def health(self, modes: Set[ResolvedMode]) -> Health:
        """Healthy where every server answers, degraded where another can answer for one that does not. What is missing
        is in the notice. No model is started."""
        async with self._looking:
            if self._health is None or self._health[0] <= monotonic():
                looked = _told(await self._look(modes))
                kept = _KEPT_S if looked.status == "healthy" else _KEPT_ILL_S
                self._health = monotonic() + kept, looked
            return self._health[1]

    async def check(self, modes: Set[ResolvedMode]) -> None:
        """
        Raises:
            TheoError: a mode has no server that could answer, and why.
        """
        seen = await self._look(modes)
        if isinstance(seen, ConfigError):
            raise seen
        able = _able(seen)
        for each in seen:
            if each.pool not in able and isinstance(each.found, TheoError):
                raise each.found

    async def _look(self, modes: Set[ResolvedMode]) -> list[_Seen] | ConfigError:
        try:
            pools = list(self._engines.used(modes))
        except ConfigError as error:
            return error
        found: dict[Server, ServedModel | TheoError] = {}

        async def ask(server: Server) -> None:
            found[server] = await _asked(server)

        async with anyio.create_task_group() as tasks:
            for pool in pools:
                for server in pool.servers:
                    tasks.start_soon(ask, server)
        return [
            _Seen(ENGINE if pool.name in (ENGINE, LOCAL) else server.name, pool, found[server])
            for pool in pools
            for server in pool.servers
        ]


async def _asked(server: Server) -> ServedModel | TheoError:
    """What it would answer with, within 4 s. One that rests and answers is due to be tried again."""
    try:
        with anyio.fail_after(_CHECK_S):
            model = await server.provider.check()
    except TimeoutError:
        return TimeoutExceededError(f"{server.name} did not answer within {_CHECK_S:g} s.")
    except TheoError as error:
        return error
    server.rests_until = 0.0
    return model


def _able(seen: list[_Seen]) -> set[Pool]:
    return {each.pool for each in seen if each.status == "healthy"}


def _told(seen: list[_Seen] | ConfigError) -> Health:
    if isinstance(seen, ConfigError):
        return _health("down", {ENGINE: "unconfigured"}, Extension(backend="engine", notice=str(seen)))
    models = [each.found for each in seen if isinstance(each.found, ServedModel)]
    notices = list(dict.fromkeys(str(each.found) for each in seen if isinstance(each.found, TheoError)))
    statuses = {each.name: each.status for each in seen}
    if not models:
        return _health("down", statuses, Extension(backend="engine", notice=" ".join(notices)))
    return _health("degraded" if notices else "healthy", statuses, respond.about(models[0], notices=notices))


def _health(status: str, providers: Mapping[str, str], about: Extension) -> Health:
    return Health(
        status=status,
        timestamp=now(),
        version=version("theo-mcp"),
        providers={name: ProviderHealth(status=each) for name, each in providers.items()},
        theo_mcp=about,
    )
