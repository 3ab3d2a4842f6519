"""``theo-mcp serve``: the MCP server on stdin and stdout."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from theo_mcp.commands import Command
from theo_mcp.commands._logging import log_to_stderr
from theo_mcp.errors import ConfigError
from theo_mcp.settings import Settings


def _run(arguments: argparse.Namespace, flags: Mapping[str, str | None]) -> int:
    import anyio

    from theo_mcp.connection import connect
    from theo_mcp.server import stdio
    from theo_mcp.server.app import build

    wire = stdio.claim()
    settings: Settings | ConfigError
    try:
        settings = Settings.load(flags)
    except ConfigError as error:
        settings = error  # a host shows a server that dies only as "failed"; one that starts can say why
    log_to_stderr("warning" if isinstance(settings, ConfigError) else settings.log_level)

    async def serve() -> None:
        async with connect(settings) as backend:
            await stdio.serve(build(backend, settings), wire)

    anyio.run(serve)
    return 0


COMMAND = Command(
    name="serve",
    help="Serve MCP over stdin and stdout: what an assistant's configuration starts.",
    add_arguments=lambda parser: None,
    run=_run,
)
