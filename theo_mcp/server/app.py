"""Puts the tools behind MCP's low-level server. No I/O happens here.

The SDK's high-level server is not used: it accepts unknown arguments in silence, publishes ``anyOf`` for every optional
one and answers with its validator's report.
"""

from __future__ import annotations

import difflib
import logging
from importlib.metadata import version
from typing import Any

import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from theo_mcp.backend import Backend
from theo_mcp.errors import TheoError
from theo_mcp.server.arguments import parse
from theo_mcp.server.progress import Progress, Report
from theo_mcp.server.reply import failure, result
from theo_mcp.server.tools import all_tools
from theo_mcp.wire.model import scrubbed

INSTRUCTIONS = (
    "Tools for Theo and GetCode: completions, code and briefs. Every result says who answered: the hosted service, or "
    "an engine on the user's machine. An answer marked draft comes from a very small model: check it before using it. "
    "Errors begin with a code word and end with the next step. theo_status says what is set up and what is missing."
)
_LIST_TTL_MS = 3_600_000

log = logging.getLogger(__name__)
Context = ServerRequestContext[dict[str, Any]]


def build(backend: Backend) -> Server[dict[str, Any]]:
    """The MCP server over `backend`, for both protocol eras; closing the backend stays with the caller."""
    tools = {tool.name: tool for tool in all_tools()}
    listed = types.ListToolsResult(tools=[tool.listed() for tool in tools.values()])

    async def list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed.model_copy()

    async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            near = difflib.get_close_matches(params.name, tools, n=1)
            hint = f" Did you mean {near[0]}?" if near else f" The tools are: {', '.join(tools)}."
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {params.name[:60]!r}.{hint}")
        try:
            arguments = parse(tool.arguments, params.arguments or {})
            progress = Progress(_report(context))
            return result(await progress.during(lambda: tool.run(backend, arguments, progress)))
        except TheoError as error:
            return failure(error)
        except Exception as error:
            log.exception("%s failed", tool.name)
            return failure(
                TheoError(
                    f"Something went wrong inside theo-mcp ({type(error).__name__}).",
                    code="internal_error",
                    hint="Its log on stderr has the details; please report them.",
                )
            )

    return Server(
        "theo",
        version=version("theo-mcp"),
        title="Theo",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": CacheHint(ttl_ms=_LIST_TTL_MS, scope="public")},
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _report(context: Context) -> Report:
    """The session sends nothing to a caller that asked for no progress."""

    async def report(progress: float, message: str | None) -> None:
        await context.session.report_progress(progress, None, scrubbed(message) if message else None)

    return report
