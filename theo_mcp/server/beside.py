"""What stands beside the tools: prompts, resources and completion, each imported when a host first asks for it."""

from __future__ import annotations

from typing import Any

import mcp_types as types
from mcp.server import ServerRequestContext

from theo_mcp.backend import Backend
from theo_mcp.server.cursors import only
from theo_mcp.server.rooms import Rooms

Context = ServerRequestContext[dict[str, Any]]
Paginated = types.PaginatedRequestParams | None


class Beside:
    """The handlers, for `backend` and `rooms`."""

    def __init__(self, backend: Backend, rooms: Rooms) -> None:
        self._backend = backend
        self._rooms = rooms

    async def list_prompts(self, context: Context, params: Paginated) -> types.ListPromptsResult:
        from theo_mcp.server.prompts import all_prompts

        only(params)
        return types.ListPromptsResult(prompts=[each.listed() for each in all_prompts().values()])

    async def get_prompt(self, context: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        from theo_mcp.server import prompts

        return await prompts.get(self._rooms, params)

    async def complete(self, context: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        from theo_mcp.server import completion

        return await completion.complete(self._backend, self._rooms, params)

    async def list_resources(self, context: Context, params: Paginated) -> types.ListResourcesResult:
        from theo_mcp.server import pages

        return await pages.resources(self._rooms, params)

    async def list_templates(self, context: Context, params: Paginated) -> types.ListResourceTemplatesResult:
        from theo_mcp.server.resources import all_resources

        only(params)
        templates = [each.template() for each in all_resources().values() if each.variable]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        from theo_mcp.server import resources

        return await resources.read(self._backend, self._rooms, params)
