"""What a name leads to: an engine's id, a server's name, ``local`` or a model's name.

The user's tables decide. What they do not name leads to one place: the server at ``engine_url``, else the first of
``[servers]``, else the model on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from theo_mcp.engine import models
from theo_mcp.engine.providers import Price
from theo_mcp.engine.providers.local import LocalModel
from theo_mcp.engine.providers.openai_compatible import OpenAICompatible
from theo_mcp.engine.providers.pool import Pool
from theo_mcp.engine.providers.slots import Server
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.errors import ConfigError, InputError, TheoError
from theo_mcp.http import wanted
from theo_mcp.http.address import host_of
from theo_mcp.http.retry import RetryPolicy
from theo_mcp.settings import Settings
from theo_mcp.settings.servers import AUTO, ENGINE, LOCAL

OF_MODE: Final[dict[ResolvedMode, str]] = {
    "fast": "theo-1-flash",
    "think": "theo-1-reason",
    "code": "theo-1-code",
    "roast": "theo-1-flash",
    "genui": "theo-1-code",
    "research": "theo-1-reason",
}
"""The engine of each mode, unless the settings say otherwise."""
_SHOWN: Final = 60


@dataclass(frozen=True)
class Place:
    """Where a name leads: the pool, and the model there where the name says it."""

    pool: Pool
    model: str | None = None


class Engines:
    """The pools of one engine, opened at the first need and closed with it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pools: dict[str, Pool] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """The engines that exist."""
        return tuple(dict.fromkeys([*OF_MODE.values(), *self._settings.engines]))

    def id_of(self, mode: ResolvedMode) -> str:
        """What answers `mode` where the request does not say."""
        chosen = next((name for each, name in self._settings.modes.items() if each == mode), None)
        return chosen or OF_MODE.get(mode, OF_MODE["fast"])

    def used(self, modes: Set[ResolvedMode]) -> Iterator[Pool]:
        """The pools that `modes` lead to, each once.

        Raises:
            ConfigError: the settings name something that is nowhere.
        """
        seen: set[str] = set()
        for mode in (each for each in OF_MODE if each in modes):
            pool = self.of(mode).pool
            if pool.name not in seen:
                seen.add(pool.name)
                yield pool

    def of(self, mode: ResolvedMode) -> Place:
        """Where `mode` leads.

        Raises:
            ConfigError: the settings name something that is nowhere.
        """
        name = self.id_of(mode)
        if name == AUTO:
            name = OF_MODE.get(mode, OF_MODE["fast"])
        return self._place(name, f"modes.{mode}")

    async def named(self, name: str, mode: ResolvedMode) -> Place | None:
        """Where a request's or a skill's own `name` leads; None where it leads nowhere.

        Raises:
            ConfigError: the settings name something that is nowhere.
        """
        if name == AUTO:
            return self.of(mode)
        known = self._place(name, "engines") if name in self.ids else self._named_here(name)
        if known is not None:
            return known
        default = self.default.pool
        if default.name == LOCAL:
            return None
        try:
            listed = await default.models()
        except TheoError:  # what cannot be asked lists nothing
            return None
        return Place(default, name) if name in listed else None

    def unknown(self, name: str) -> InputError:
        """The error of a request that names what is nowhere."""
        more = [*self._settings.servers, *(model.name for model in models.installed(self._settings.data_dir))]
        also = f" Servers and models by name: {', '.join(more[:20])}." if more else ""
        return InputError(
            f"There is no engine {name[:_SHOWN]!r}.",
            hint=f"The engines are: {', '.join([AUTO, *self.ids])}.{also}",
        )

    @property
    def default(self) -> Place:
        """Where everything leads that is not named."""
        settings = self._settings
        return self._at(ENGINE if settings.engine_url is not None else next(iter(settings.servers), LOCAL))

    async def aclose(self) -> None:
        """Closes connections and ends processes."""
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            for pool in self._pools.values():
                stack.push_async_callback(pool.aclose)

    def _place(self, name: str, setting: str) -> Place:
        """Where what the user's own tables name leads: an engine's id, or the name of a server or model. A server of
        many models is taken at its word that it has it."""
        if name in self.ids:
            target = self._settings.engines.get(name)
            if target is None:
                return self.default
            name, setting = target, f"engines.{name}"
        if name not in self.ids:
            if (known := self._named_here(name)) is not None:
                return known
            if self._settings.engine_url is not None:
                return Place(self.default.pool, name)
        raise ConfigError(
            f"The setting {setting} names {name[:_SHOWN]!r}, which is no server and no model that is installed here.",
            hint="Name one of [servers], a model of `theo-mcp engine list`, or local.",
        )

    def _named_here(self, name: str) -> Place | None:
        """The server, or the model on this machine, that is called `name`; else the server whose model is."""
        settings = self._settings
        if name in settings.servers or name == LOCAL:
            return self._at(name)
        if any(model.name == name for model in models.installed(settings.data_dir)):
            usual = models.chosen(settings.data_dir, self._local_model).name == name  # one process a model
            return self._at(LOCAL if usual else f"{LOCAL}/{name}")
        for server, table in settings.servers.items():
            if table.model == name:
                return self._at(server)
        return None

    @property
    def _local_model(self) -> str | None:
        """The model on this machine that the settings choose; beside an engine_url, engine_model is that server's."""
        return self._settings.engine_model if self._settings.engine_url is None else None

    def _at(self, name: str) -> Place:
        if name not in self._pools:
            self._pools[name] = self._made(name)
        table = self._settings.servers.get(name)
        return Place(self._pools[name], table.model if table is not None else None)

    def _made(self, name: str) -> Pool:
        settings = self._settings
        price = None
        if name == LOCAL or name.startswith(f"{LOCAL}/"):
            servers = [self._local(name)]
        elif name == ENGINE:
            servers = [self._default_server()]
        else:
            table = settings.servers[name]
            if table.input_cents_per_million is not None and table.output_cents_per_million is not None:
                price = Price(table.input_cents_per_million, table.output_cents_per_million)
            servers = self._servers(name, price)
        return Pool(name, servers, waiting=settings.engine_queue, idle=settings.idle_timeout_s, price=price)

    def _local(self, name: str) -> Server:
        """The child process of one model: it makes one answer at a time, as measured."""
        settings = self._settings
        model = self._local_model if name == LOCAL else name.removeprefix(f"{LOCAL}/")
        others = settings.backend == "engine" or bool(settings.servers)
        timeouts = wanted.timeouts(settings)
        provider = LocalModel(settings.data_dir, model, settings.context_tokens, timeouts, others=others)
        return Server(name, provider, parallel=1, billed=False)

    def _default_server(self) -> Server:
        settings = self._settings
        assert settings.engine_url is not None
        provider = OpenAICompatible(
            settings.engine_url,
            settings.key("engine"),
            model=settings.engine_model,
            timeouts=wanted.timeouts(settings),
            retries=wanted.retries(settings),
            limits=wanted.limits(settings),
        )
        name = host_of(settings.engine_url)
        return Server(name, provider, settings.engine_parallel, provider.billed)

    def _servers(self, name: str, price: Price | None) -> list[Server]:
        """One for each address. With several, another is asked where one refuses, instead of the same one again."""
        settings, table = self._settings, self._settings.servers[name]
        alone = len(table.urls) == 1
        key = table.key(name)
        servers = []
        for number, url in enumerate(table.urls, 1):
            called = name if alone else f"{name}#{number}"
            provider = OpenAICompatible(
                url,
                key,
                model=table.model,
                timeouts=wanted.timeouts(settings),
                retries=wanted.retries(settings) if alone else RetryPolicy(retries=0, max_retry_after=0),
                limits=wanted.limits(settings),
                service=f"The model server {called}",
                billed=None if price is None else not price.free,
                setting=f"servers.{name}.urls",
            )
            servers.append(Server(called, provider, table.parallel, provider.billed))
        return servers
