"""Settings in, `Backend` out: the only place that decides who answers.

Per API: ``--backend`` wins over ``--engine-url``, that over the API's key, and without any of them the engine answers
on this machine. A hosted call that fails is never answered by the engine instead.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Literal, NoReturn, TypeVar

from theo_mcp.backend import Backend, Choice
from theo_mcp.errors import ConfigError
from theo_mcp.http.address import checked_base_url
from theo_mcp.settings import Settings, variable_of

if TYPE_CHECKING:
    from theo_mcp.backend import Caller, GetCode, Observe, Spending, Theo
    from theo_mcp.engine.providers import Provider
    from theo_mcp.http.options import Limits, Timeouts
    from theo_mcp.http.retry import RetryPolicy
    from theo_mcp.meter import Meter
    from theo_mcp.meter.ledger import Ledger
    from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
    from theo_mcp.wire.events import CompletionEvent
    from theo_mcp.wire.files import Fetched
    from theo_mcp.wire.getcode import Improved, ImproveRequest
    from theo_mcp.wire.openai import ChatCompletion
    from theo_mcp.wire.service import Health, Models

ArmT = TypeVar("ArmT")
STORE = "store.sqlite"
"""The store's file in the data folder."""
_Api = Literal["theo", "getcode"]
_NAMES = {"theo": "Theo", "getcode": "GetCode"}


def connect(settings: Settings | ConfigError) -> Backend:
    """The backend that `settings` ask for. Nothing is contacted or started before the first call.

    A setting that makes one API unusable (a malformed key, say) leaves the other as it is: each call to the broken one
    raises its `ConfigError`. Settings that could not be read at all, given as their error, break both.
    """
    if isinstance(settings, ConfigError):
        nothing = Choice("nothing", str(settings))
        return Backend(_LateTheo(_fails(settings)), _LateGetCode(_fails(settings)), nothing, nothing)
    arms = _Arms(settings)
    theo, theo_choice = arms.made("theo", arms.theo)
    getcode, getcode_choice = arms.made("getcode", arms.getcode)
    uses_engine = "engine" in (theo_choice.answers, getcode_choice.answers)
    check = arms.check_engine if uses_engine else None
    billed = theo_choice.answers == "hosted"
    return Backend(
        _LateTheo(lambda: arms.meter.theo(theo(), billed=billed)),
        _LateGetCode(lambda: arms.meter.getcode(getcode())),
        theo_choice,
        getcode_choice,
        (arms.aclose,),
        check,
        arms.spending,
    )


class _Arms:
    """Makes the arms; the engine's provider, with its model process, is made once for both APIs.

    The packages behind an arm are imported when it is made, so that nobody waits for what another needs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closers: list[Callable[[], Awaitable[None]]] = []

    def made(self, api: _Api, make: Callable[[bool], ArmT]) -> tuple[Callable[[], ArmT], Choice]:
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

            return EngineTheo(
                self._provider,
                max_prompt_chars=settings.max_prompt_chars,
                max_output_tokens=settings.max_output_tokens,
            )
        from theo_mcp.hosted.theo import TheoClient

        client = TheoClient(
            settings.key("theo") or "",
            base_url=settings.theo_base_url,
            timeouts=self._timeouts,
            retries=self._retries,
            limits=self._limits,
            max_prompt_chars=settings.max_prompt_chars,
            allow_insecure_http=settings.allow_insecure_http,
        )
        self._closers.append(client.aclose)
        return client

    def getcode(self, hosted: bool) -> GetCode:
        settings = self._settings
        if not hosted:
            from theo_mcp.engine.getcode import EngineGetCode

            return EngineGetCode(self._provider, max_prompt_chars=settings.max_prompt_chars)
        from theo_mcp.hosted.getcode import GetCodeClient

        client = GetCodeClient(
            settings.key("getcode") or "",
            base_url=settings.getcode_base_url,
            timeouts=self._timeouts,
            retries=self._retries,
            limits=self._limits,
            max_prompt_chars=settings.max_prompt_chars,
            allow_insecure_http=settings.allow_insecure_http,
        )
        self._closers.append(client.aclose)
        return client

    @cached_property
    def meter(self) -> Meter:
        """Counts the calls of both arms."""
        from theo_mcp.meter import Meter

        return Meter(self._ledger(), budget_cents=self._settings.budget_cents)

    async def spending(self) -> Spending:
        return await self.meter.spending()

    def _ledger(self) -> Ledger:
        """Where the budget is kept. Without one nothing is written to disk."""
        from theo_mcp.meter.ledger import MemoryLedger, StoreLedger

        settings = self._settings
        if settings.budget_cents is None:
            return MemoryLedger()
        from theo_mcp.store import Store

        ledger = StoreLedger(lambda: Store.open(settings.data_dir / STORE))
        self._closers.append(ledger.aclose)
        return ledger

    async def check_engine(self) -> None:
        await self._provider.check()

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:  # one that fails does not keep the others open
            for close in self._closers:
                stack.push_async_callback(close)

    def _choose(self, api: _Api) -> Choice:
        settings = self._settings
        if settings.backend == "engine":
            return Choice("engine", f"{settings.origin('backend')} says engine")
        if settings.backend == "auto" and settings.engine_url is not None:
            return Choice("engine", f"{settings.origin('engine_url')} names a model server")
        if settings.key(api) is not None:
            name = f"{api}_api_key"
            source = settings.origin(name if getattr(settings, name) is not None else name + "_file")
            return Choice("hosted", f"its key is set ({source})")
        if settings.backend == "hosted":
            raise ConfigError(
                f"There is no key for {_NAMES[api]}, and {settings.origin('backend')} asks for the hosted service.",
                code="no_key",
                hint=f"Set {variable_of(f'{api}_api_key')}, or leave the backend at auto to use this machine.",
            )
        return Choice("engine", f"{variable_of(f'{api}_api_key')} is not set")

    def _check(self, api: _Api, choice: Choice) -> None:
        """Raises what is wrong with the settings of an arm, before it is made."""
        settings = self._settings
        if choice.answers == "hosted":
            name = f"{api}_base_url"
            checked_base_url(getattr(settings, name), name, allow_insecure_http=settings.allow_insecure_http)
        elif settings.engine_url is not None:
            checked_base_url(settings.engine_url, "engine_url", allow_insecure_http=True)
            settings.key("engine")

    @cached_property
    def _provider(self) -> Provider:
        provider = self._make_provider()
        self._closers.append(provider.aclose)
        return provider

    def _make_provider(self) -> Provider:
        settings = self._settings
        if settings.engine_url is not None:
            from theo_mcp.engine.providers.openai_compatible import OpenAICompatible

            return OpenAICompatible(
                settings.engine_url,
                settings.key("engine"),
                model=settings.engine_model,
                timeouts=self._timeouts,
                retries=self._retries,
                limits=self._limits,
            )
        from theo_mcp.engine.providers.local import LocalModel

        return LocalModel(settings.data_dir, settings.engine_model, settings.context_tokens, self._timeouts)

    @cached_property
    def _timeouts(self) -> Timeouts:
        from theo_mcp.http.options import Timeouts

        settings = self._settings
        return Timeouts(
            connect=settings.connect_timeout_s,
            first_byte=settings.first_byte_timeout_s,
            idle=settings.idle_timeout_s,
            whole=settings.timeout_s,
        )

    @cached_property
    def _limits(self) -> Limits:
        from theo_mcp.http.options import Limits

        return Limits(body=self._settings.max_reply_bytes, event=self._settings.max_event_bytes)

    @cached_property
    def _retries(self) -> RetryPolicy:
        from theo_mcp.http.retry import RetryPolicy

        settings = self._settings
        return RetryPolicy(
            retries=settings.max_retries,
            max_retry_after=settings.max_retry_after_s,
            retry_ambiguous=settings.retry_ambiguous,
        )


class _Late(Generic[ArmT]):
    """An arm that is made at its first call, so that a server which only lists its tools imports nothing for it. What
    is wrong with its settings is told by every call."""

    def __init__(self, make: Callable[[], ArmT]) -> None:
        self._make = make

    @cached_property
    def _arm(self) -> ArmT:
        return self._make()


class _LateTheo(_Late["Theo"]):
    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        return await self._arm.complete(request, observe=observe)

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        return await self._arm.complete_openai(request, observe=observe)

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        async with self._arm.stream(request) as events:
            yield events

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        return await self._arm.code(request, observe=observe)

    async def models(self) -> Models:
        return await self._arm.models()

    async def health(self) -> Health:
        return await self._arm.health()

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> Theo:
        return _LateTheo(lambda: self._arm.for_caller(caller))


class _LateGetCode(_Late["GetCode"]):
    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        return await self._arm.improve(request, observe=observe)

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        return await self._arm.open(url, max_bytes=max_bytes)

    def for_caller(self, caller: Caller) -> GetCode:
        return _LateGetCode(lambda: self._arm.for_caller(caller))


def _fails(error: ConfigError) -> Callable[[], NoReturn]:
    def make() -> NoReturn:
        raise copy.copy(error).with_traceback(None)  # one shared error would collect the traces of all calls

    return make
