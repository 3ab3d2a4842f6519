"""``theo-lsp``: the language server on stdin and stdout.

It answers at once, always: offering actions reads the open document and nothing else, and a command only starts a run.
Whatever fails is told in one plain sentence; nothing that was sent or received is ever logged.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version

import anyio

from theo_lsp import wire


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves one editor, until it ends."""
    parser = argparse.ArgumentParser(prog="theo-lsp", description="Theo and GetCode as code actions in any editor.")
    parser.add_argument("--stdio", action="store_true", help="serve stdin and stdout, which is the default")
    parser.add_argument("--tcp", metavar="HOST:PORT", help="serve one connection to this machine, for debugging")
    parser.add_argument("--clientProcessId", type=int, metavar="ID", help="end when this process does, as the editor's")
    parser.add_argument("--check", action="store_true", help="print who would answer and what is missing, and end")
    parser.add_argument("--version", action="version", version=version("theo-mcp"))
    chosen = parser.parse_args(arguments)
    if chosen.check:
        return _tell_check()
    peer: wire.Peer
    if chosen.tcp:
        host, _, port = chosen.tcp.rpartition(":")
        if host not in ("127.0.0.1", "localhost", "::1", "[::1]") or not port.isdigit():
            parser.error("--tcp takes 127.0.0.1:PORT: anybody who can connect can read what you have open.")
        peer = wire.accept(host.strip("[]"), int(port), listening=_tell_port)
    else:
        peer = wire.claim()
    _log_to_stderr()
    return anyio.run(_serve, peer, chosen.clientProcessId)


async def _serve(peer: wire.Peer, editor: int | None) -> int:
    from theo_lsp.session import Session

    async with anyio.create_task_group() as tasks:
        stop = tasks.cancel_scope.cancel
        tasks.start_soon(wire.stop_at_signal, stop)
        async with Session.open(wire.Writer(peer, wire.end_soon), tasks, stop) as session:
            tasks.start_soon(wire.stop_without, lambda: session.editor_process or editor, stop)
            await wire.read(peer, session.take, lost=wire.end_soon)
            stop()
    return session.exit_code


def _tell_check() -> int:
    import json

    from theo_lsp.check import check

    _log_to_stderr()
    print(json.dumps(anyio.run(check), indent=2, ensure_ascii=False))  # noqa: T201 - this is what was asked for
    return 0


def _tell_port(port: int) -> None:
    print(f"theo-lsp listens on port {port}", file=sys.stderr, flush=True)  # noqa: T201 - for who debugs


def _log_to_stderr() -> None:
    from theo_mcp.secret import RedactingFilter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("pygls", "httpx2", "httpcore2"):  # they log bodies and addresses, pygls also in its errors
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


if __name__ == "__main__":
    sys.exit(main())
