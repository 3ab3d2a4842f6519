"""Settings in, `Backend` out: the only place that decides who answers.

Per API: ``--backend`` wins over ``--engine-url``, that over the API's key, and without any of them the engine answers
on this machine. A hosted call that fails is never answered by the engine instead.
"""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, TypeVar

from theo_mcp.backend import Api, Backend, Choice
from theo_mcp.connection.late import LateGetCode, LateTheo
from theo_mcp.engine.background import Background
from theo_mcp.errors import ConfigError
from theo_mcp.http.address import checked_base_url
from theo_mcp.settings import Settings, variable_of

if TYPE_CHECKING:
    from theo_mcp.backend import Audit, GetCode, Limited, Session, Spending, Spent, Theo
    from theo_mcp.engine.engine import Engine
    from theo_mcp.hosted.getcode import GetCodeClient
    from theo_mcp.hosted.service import HostedService
    from theo_mcp.hosted.theo import TheoClient
    from theo_mcp.meter import Meter
    from theo_mcp.meter.ledger import Ledger

ArmT = TypeVar("ArmT")
ClientT = TypeVar("ClientT", "TheoClient", "GetCodeClient")
_NAMES = {"theo": "Theo", "getcode": "GetCode"}


def connect(settings: Settings | ConfigError, spent: Spent | None = None) -> Backend:
    """The backend that `settings` ask for. Nothing is contacted or started before the first call. `spent` is what the
    session's calls have cost by the connections before this one.

    A setting that makes one API unusable (a malformed key, say) leaves the other as it is: each call to the broken one
    raises its `ConfigError`. Settings that could not be read at all, given as their error, break both.
    """
    if isinstance(settings, ConfigError):
        nothing = Choice("nothing", str(settings))
        return Backend(LateTheo(_fails(settings)), LateGetCode(_fails(settings)), nothing, nothing)
    arms = _Arms(settings, spent)
    theo, theo_choice = arms.made("theo", arms.theo)
    getcode, getcode_choice = arms.made("getcode", arms.getcode)
    uses_engine = "engine" in (theo_choice.answers, getcode_choice.answers)
    check = arms.check_engine if uses_engine else None
    billed = theo_choice.answers == "hosted"
    return Backend(
        LateTheo(lambda: arms.meter.theo(theo(), billed=billed)),
        LateGetCode(lambda: arms.meter.getcode(getcode())),
        theo_choice,
        getcode_choice,
        (arms.aclose,),
        check,
        arms.spending,
        arms.session,
        arms.limits,
        arms.background.open if uses_engine else None,
        arms.audit if uses_engine else None,
    )


def prepare() -> None:
    """Does beforehand, in whichever thread, what takes the first call long: for a process whose event loop answers
    somebody meanwhile."""
    import theo_mcp.meter  # noqa: F401
    from theo_mcp.http.library import make_client

    make_client("http://127.0.0.1")  # which imports the library, and reads the certificates that this machine trusts


class _Arms:
    """Makes the arms; the engine's provider, with its model process, is made once for both APIs.

    The packages behind an arm are imported when it is made, so that nobody waits for what another needs.
    """

    def __init__(self, settings: Settings, spent: Spent | None = None) -> None:
        self._settings, self._spent = settings, spent
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._hosted: list[HostedService] = []
        self.background = Background()

    def made(self, api: Api, make: Callable[[bool], ArmT]) -> tuple[Callable[[], ArmT], Choice]:
        """What makes the arm of `api`, and the choice; what its settings lack is told by every call."""
        try:
            choice = self._choose(api)
            self._check(api, choice)
        except ConfigError as error:
            return _fails(error), Choice("nothing", str(error))
        return lambda: make(choice.answers == "hosted"), choice

    def theo(self, hosted: bool) -> Theo:
        settings = self._settings
        if not hosted:
            from theo_mcp.engine.theo import EngineTheo

            return EngineTheo(self._engine)
        from theo_mcp.hosted.theo import TheoClient

        return self._opened(TheoClient, "theo", settings.theo_base_url)

    def getcode(self, hosted: bool) -> GetCode:
        settings = self._settings
        if not hosted:
            from theo_mcp.engine.getcode import EngineGetCode

            return EngineGetCode(self._engine)
        from theo_mcp.hosted.getcode import GetCodeClient

        return self._opened(GetCodeClient, "getcode", settings.getcode_base_url)

    def _opened(self, client: type[ClientT], api: Api, base_url: str) -> ClientT:
        """A client of the hosted service, closed with the others."""
        from theo_mcp.http import wanted

        settings = self._settings
        opened = client(
            settings.key(api) or "",
            base_url=base_url,
            timeouts=wanted.timeouts(settings),
            retries=wanted.retries(settings),
            limits=wanted.limits(settings),
            max_prompt_chars=settings.max_prompt_chars,
            allow_insecure_http=settings.allow_insecure_http,
        )
        self._closers.append(opened.aclose)
        self._hosted.append(opened)
        return opened

    @cached_property
    def meter(self) -> Meter:
        """Counts the calls of both arms."""
        from theo_mcp.meter import Meter

        settings = self._settings
        return Meter(
            self._ledger(), budget_cents=settings.budget_cents, max_cents=settings.max_cents, spent=self._spent
        )

    async def spending(self) -> Spending:
        return await self.meter.spending()

    def session(self) -> Session:
        return self.meter.session()

    def limits(self) -> tuple[Limited, ...]:
        return tuple(limited for client in self._hosted for limited in client.limits())

    def _ledger(self) -> Ledger:
        """Where the budget is kept. Without one nothing is written to disk."""
        from theo_mcp.meter.ledger import MemoryLedger, StoreLedger

        settings = self._settings
        if settings.budget_cents is None:
            return MemoryLedger()
        from theo_mcp.store import FILE, Store

        ledger = StoreLedger(lambda: Store.open(settings.data_dir / FILE))
        self._closers.append(ledger.aclose)
        return ledger

    def audit(self) -> Audit:
        return self._engine.memory.audit

    async def check_engine(self) -> None:
        await self._engine.report.check(self._engine.modes)

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            for close in self._closers:
                stack.push_async_callback(close)

    def _choose(self, api: Api) -> Choice:
        settings = self._settings
        if settings.backend == "engine":
            return Choice("engine", f"{settings.origin('backend')} says engine")
        if settings.backend == "auto" and settings.engine_url is not None:
            return Choice("engine", f"{settings.origin('engine_url')} names a model server")
        if settings.backend == "auto" and settings.servers:
            return Choice("engine", f"{settings.origin('servers')} has a table of model servers")
        if settings.key(api) is not None:
            return Choice("hosted", f"its key is set ({settings.key_source(api)})")
        if settings.backend == "hosted":
            raise ConfigError(
                f"There is no key for {_NAMES[api]}, and {settings.origin('backend')} asks for the hosted service.",
                code="no_key",
                hint=f"Set {variable_of(f'{api}_api_key')}, or leave the backend at auto to use this machine.",
            )
        return Choice("engine", f"{variable_of(f'{api}_api_key')} is not set")

    def _check(self, api: Api, choice: Choice) -> None:
        """Raises what is wrong with the settings of an arm, before it is made."""
        settings = self._settings
        if choice.answers == "hosted":
            name = f"{api}_base_url"
            checked_base_url(getattr(settings, name), name, allow_insecure_http=settings.allow_insecure_http)
            return
        if settings.engine_url is not None:
            checked_base_url(settings.engine_url, "engine_url", allow_insecure_http=True)
            settings.key("engine")
        for name, server in settings.servers.items():
            for url in server.urls:
                checked_base_url(url, f"servers.{name}.urls", allow_insecure_http=True)
            server.key(name)

    @cached_property
    def _engine(self) -> Engine:
        from theo_mcp.engine.engine import Engine

        engine = Engine(self._settings, self.background)
        self._closers.append(engine.aclose)
        return engine


def _fails(error: ConfigError) -> Callable[[], NoReturn]:
    def make() -> NoReturn:
        raise copy.copy(error).with_traceback(None)  # one shared error would collect the traces of all calls

    return make
