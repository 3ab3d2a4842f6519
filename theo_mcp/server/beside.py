"""What stands beside the tools: prompts, resources and completion, each imported when a host first asks for it."""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError

from theo_mcp.backend import Backend
from theo_mcp.server.cursors import only
from theo_mcp.server.rooms import Rooms

Context = ServerRequestContext[dict[str, Any]]
Paginated = types.PaginatedRequestParams | None
ParamsT = TypeVar("ParamsT")
ResultT = TypeVar("ResultT")

log = logging.getLogger(__name__)


def _guarded(
    handle: Callable[[Beside, Context, ParamsT], Awaitable[ResultT]],
) -> Callable[[Beside, Context, ParamsT], Awaitable[ResultT]]:
    """A fault of ours is told without its words, which the SDK would send to hosts of earlier eras."""

    @functools.wraps(handle)
    async def guarded(self: Beside, context: Context, params: ParamsT) -> ResultT:
        try:
            return await handle(self, context, params)
        except MCPError:
            raise
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__))  # its words may hold what was read
            log.error("%s failed with %s:\n%s", context.method, type(error).__name__, where)
            raise MCPError(
                types.INTERNAL_ERROR,
                f"internal_error: Something went wrong inside theo-mcp ({type(error).__name__}). "
                "Its log on stderr has the details; please report them.",
            ) from None

    return guarded


class Beside:
    """The handlers, for `backend` and `rooms`."""

    def __init__(self, backend: Backend, rooms: Rooms) -> None:
        self._backend = backend
        self._rooms = rooms

    @_guarded
    async def list_prompts(self, context: Context, params: Paginated) -> types.ListPromptsResult:
        from theo_mcp.server.prompts import all_prompts

        only(params)
        return types.ListPromptsResult(prompts=[each.listed() for each in all_prompts().values()])

    @_guarded
    async def get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        from theo_mcp.server import prompts

        return await prompts.get(self._rooms, params)

    @_guarded
    async def complete(self, context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        from theo_mcp.server import completion

        return await completion.complete(self._backend, self._rooms, params)

    @_guarded
    async def list_resources(self, context: Context, params: Paginated) -> types.ListResourcesResult:
        from theo_mcp.server import pages

        return await pages.resources(self._rooms, params)

    @_guarded
    async def list_templates(self, context: Context, params: Paginated) -> types.ListResourceTemplatesResult:
        from theo_mcp.server.resources import all_resources

        only(params)
        templates = [each.template() for each in all_resources().values() if each.variable]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    @_guarded
    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        from theo_mcp.server import resources

        return await resources.read(self._backend, self._rooms, params)
