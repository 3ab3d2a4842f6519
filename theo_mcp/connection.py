"""Settings in, `Backend` out: the only place that decides who answers.

Per API: ``--backend`` wins over ``--engine-url``, that over the API's key, and without any of them the engine answers
on this machine. A hosted call that fails is never answered by the engine instead.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeVar

from theo_mcp.backend import Backend, Caller, Choice, GetCode, Observe, Theo
from theo_mcp.errors import ConfigError
from theo_mcp.meter import Meter
from theo_mcp.meter.ledger import Ledger, MemoryLedger, StoreLedger
from theo_mcp.settings import Settings, variable_of
from theo_mcp.wire.completions import Code, CodeRequest, Completion, CompletionRequest
from theo_mcp.wire.events import CompletionEvent
from theo_mcp.wire.getcode import Improved, ImproveRequest
from theo_mcp.wire.openai import ChatCompletion
from theo_mcp.wire.service import Health, Models

if TYPE_CHECKING:
    from theo_mcp.engine.providers import Provider
    from theo_mcp.http.download import Fetched
    from theo_mcp.http.options import Timeouts
    from theo_mcp.http.retry import RetryPolicy

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
        return Backend(_Broken(settings), _Broken(settings), nothing, nothing)
    arms = _Arms(settings)
    theo, theo_choice = arms.theo()
    getcode, getcode_choice = arms.getcode()
    uses_engine = "engine" in (theo_choice.answers, getcode_choice.answers)
    check = arms.check_engine if uses_engine else None
    meter = Meter(arms.ledger(), budget_cents=settings.budget_cents)
    return Backend(
        meter.theo(theo, billed=theo_choice.answers == "hosted"),
        meter.getcode(getcode),
        theo_choice,
        getcode_choice,
        (arms.aclose,),
        check,
        meter.spending,
    )


class _Arms:
    """Makes the arms; the engine's provider, with its model process, is made once for both APIs.

    The packages behind an arm are imported when it is chosen, so that a hosted user does not wait for the engine's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closers: list[Callable[[], Awaitable[None]]] = []

    def theo(self) -> tuple[Theo, Choice]:
        settings = self._settings

        def hosted() -> Theo:
            from theo_mcp.hosted.theo import TheoClient

            client = TheoClient(
                settings.key("theo") or "",
                base_url=settings.theo_base_url,
                timeouts=self._timeouts,
                retries=self._retries,
                max_prompt_chars=settings.max_prompt_chars,
                allow_insecure_http=settings.allow_insecure_http,
            )
            self._closers.append(client.aclose)
            return client

        def embedded() -> Theo:
            from theo_mcp.engine.theo import EngineTheo

            return EngineTheo(
                self._provider,
                max_prompt_chars=settings.max_prompt_chars,
                max_output_tokens=settings.max_output_tokens,
            )

        return self._arm("theo", hosted, embedded)

    def getcode(self) -> tuple[GetCode, Choice]:
        settings = self._settings

        def hosted() -> GetCode:
            from theo_mcp.hosted.getcode import GetCodeClient

            client = GetCodeClient(
                settings.key("getcode") or "",
                base_url=settings.getcode_base_url,
                timeouts=self._timeouts,
                retries=self._retries,
                max_prompt_chars=settings.max_prompt_chars,
                allow_insecure_http=settings.allow_insecure_http,
            )
            self._closers.append(client.aclose)
            return client

        def embedded() -> GetCode:
            from theo_mcp.engine.getcode import EngineGetCode

            return EngineGetCode(self._provider, max_prompt_chars=settings.max_prompt_chars)

        return self._arm("getcode", hosted, embedded)

    def _arm(
        self, api: _Api, hosted: Callable[[], ArmT], embedded: Callable[[], ArmT]
    ) -> tuple[ArmT | _Broken, Choice]:
        try:
            choice = self._choose(api)
            return (hosted if choice.answers == "hosted" else embedded)(), choice
        except ConfigError as error:
            return _Broken(error), Choice("nothing", str(error))

    def ledger(self) -> Ledger:
        """Where the budget is kept. Without one nothing is written to disk."""
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
    def _retries(self) -> RetryPolicy:
        from theo_mcp.http.retry import RetryPolicy

        settings = self._settings
        return RetryPolicy(
            retries=settings.max_retries,
            max_retry_after=settings.max_retry_after_s,
            retry_ambiguous=settings.retry_ambiguous,
        )


class _Broken:
    """An arm whose settings are wrong: every call says what is wrong with them."""

    def __init__(self, error: ConfigError) -> None:
        self._error = error

    def _told(self) -> ConfigError:
        return copy.copy(self._error).with_traceback(None)  # one shared error would collect the traces of all calls

    async def complete(self, request: CompletionRequest, *, observe: Observe | None = None) -> Completion:
        raise self._told()

    async def complete_openai(self, request: CompletionRequest, *, observe: Observe | None = None) -> ChatCompletion:
        raise self._told()

    @asynccontextmanager
    async def stream(self, request: CompletionRequest) -> AsyncIterator[AsyncIterator[CompletionEvent]]:
        raise self._told()
        yield

    async def code(self, request: CodeRequest, *, observe: Observe | None = None) -> Code:
        raise self._told()

    async def models(self) -> Models:
        raise self._told()

    async def health(self) -> Health:
        raise self._told()

    async def improve(self, request: ImproveRequest, *, observe: Observe | None = None) -> Improved:
        raise self._told()

    async def open(self, url: str, *, max_bytes: int) -> Fetched:
        raise self._told()

    def for_caller(self, caller: Caller) -> _Broken:
        return self
