"""Tells hosts what has changed: that there is another file or result, or that what they have read is not so any more.

Since 2026-07-28 a host listens to what it asks for; before, every session is told that the list has changed, and of
the resources to which it has subscribed. What happens at once is told once. Nobody who saves a file or ends a run
waits for a host, and one that does not read is given up.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourcesListChanged,
    ResourceUpdated,
    ServerEvent,
)
from mcp.shared.exceptions import MCPError

from theo_mcp.errors import TheoError

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from mcp.server.connection import Connection

    from theo_mcp.runs import Run

_GATHER_S = 0.1
_SEND_S = 5.0
_MOST_SUBSCRIPTIONS = 1_000
Context = ServerRequestContext[dict[str, Any]]

log = logging.getLogger(__name__)


def artifact_uri(name: str) -> str:
    """The address of a file in the output folder."""
    return f"theo://artifacts/{quote(name)}"


def result_uri(handle: str) -> str:
    """The address of a run."""
    return f"theo://results/{handle}"


class Changes:
    """What changes in one server, and who wants to know. Everything of it happens in the event loop of `keep`."""

    def __init__(self) -> None:
        self.bus = InMemorySubscriptionBus()
        self.listen = ListenHandler(self.bus, max_subscriptions=256)
        """Serves ``subscriptions/listen``."""
        self._news: dict[ServerEvent, None] = {}  # each once, in the order in which they came
        self._wake = anyio.Event()
        self._tasks: TaskGroup | None = None
        self._sessions: dict[Connection, set[str]] = {}

    def saved(self, name: str) -> None:
        """The file `name` was saved in the output folder."""
        self._note(ResourcesListChanged(), ResourceUpdated(artifact_uri(name)))

    def skills(self) -> None:
        """A skill was installed."""
        self._note(ResourceUpdated("theo://skills/installed"))

    def follow(self, run: Run) -> None:
        """There is another run; the end of one that goes on is told as well."""
        self._note(ResourcesListChanged(), *([ResourceUpdated(result_uri(run.handle))] if run.ended else []))
        if not run.ended and self._tasks is not None:
            self._tasks.start_soon(self._end_of, run)

    async def keep(self) -> None:
        """Tells what has changed until it is cancelled."""
        async with anyio.create_task_group() as self._tasks:
            try:
                while True:
                    await self._wake.wait()
                    await anyio.sleep(_GATHER_S)
                    self._wake = anyio.Event()
                    news, self._news = self._news, {}
                    for event in news:
                        await self.bus.publish(event)
                        await self._tell_sessions(event)
            finally:
                self._tasks = None

    async def began(self, context: Context, params: types.NotificationParams) -> None:
        """A session of an earlier era is ready: ``notifications/initialized``."""
        self._session(context)

    async def subscribe(self, context: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
        """``resources/subscribe``, of an earlier era."""
        from theo_mcp.server.resources import found, refused

        try:
            found(params.uri)
        except TheoError as error:
            raise refused(error, params.uri) from None
        uris = self._session(context)
        if len(uris) >= _MOST_SUBSCRIPTIONS:
            raise MCPError(types.INVALID_PARAMS, f"This session has {len(uris):,} subscriptions, which is the limit.")
        uris.add(params.uri)
        return types.EmptyResult()

    async def unsubscribe(self, context: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
        """``resources/unsubscribe``, of an earlier era."""
        self._session(context).discard(params.uri)
        return types.EmptyResult()

    def _session(self, context: Context) -> set[str]:
        """The subscriptions of a session, which is forgotten when it ends."""
        # The SDK hands it to nobody, and nothing else can be told without a request, or knows when it ends.
        connection = context.session._connection  # noqa: SLF001
        if connection not in self._sessions:
            self._sessions[connection] = set()
            connection.exit_stack.callback(self._sessions.pop, connection, None)
        return self._sessions[connection]

    def _note(self, *events: ServerEvent) -> None:
        self._news.update(dict.fromkeys(events))
        self._wake.set()

    async def _end_of(self, run: Run) -> None:
        await run.wait(math.inf)
        self._note(ResourcesListChanged(), ResourceUpdated(result_uri(run.handle)))

    async def _tell_sessions(self, event: ServerEvent) -> None:
        async with anyio.create_task_group() as tasks:
            for connection, uris in list(self._sessions.items()):
                if isinstance(event, ResourcesListChanged):
                    tasks.start_soon(self._tell, connection, connection.send_resource_list_changed)
                elif isinstance(event, ResourceUpdated) and event.uri in uris:
                    tasks.start_soon(self._tell, connection, partial(connection.send_resource_updated, event.uri))

    async def _tell(self, connection: Connection, send: Callable[[], Awaitable[None]]) -> None:
        try:
            with anyio.fail_after(_SEND_S):
                await send()
        except Exception as error:  # whatever is wrong with one session may end neither the others nor the server
            log.warning("A session is told of no more changes: %s", type(error).__name__)
            self._sessions.pop(connection, None)
