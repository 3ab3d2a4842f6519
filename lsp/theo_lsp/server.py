"""``theo-lsp``: the language server on stdin and stdout.

It answers at once, always: initialize before anything large is imported, offers of actions from the open document and
nothing else, and a command only starts a run. Whatever fails is told in one plain sentence; nothing that was sent or
received is ever logged.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Sequence

from theo_lsp import hello
from theo_lsp.wire import peers
from theo_lsp.wire.input import Input

TYPE_CHECKING = False  # `typing` takes longer to import than all of this
if TYPE_CHECKING:
    from theo_lsp.wire.peers import Peer

_IMPORTING = (10_000, 5, 100)
"""How many new objects come between two looks for garbage: few of what is imported are, and each look takes longer."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves one editor, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until something runs that an interrupt should end in order
    given = sys.argv[1:] if arguments is None else arguments
    peer: Peer
    peer, editor = (peers.claim(), None) if all(each == "--stdio" for each in given) else _chosen(given)
    begun = hello.begin(peer)
    if begun is None:
        return 0
    reading = Input(peer, begun.frames, begun.bodies, answered=begun.answered)
    reading.start()
    gc.set_threshold(*_IMPORTING)
    from theo_lsp.serving import serve  # only now: the editor has its answer

    return serve(peer, reading, editor, answered=begun.answered)


def _chosen(arguments: Sequence[str]) -> tuple[Peer, int | None]:
    """Whom to serve, and the process to end with."""
    import argparse
    from importlib.metadata import version

    parser = argparse.ArgumentParser(prog="theo-lsp", description="Theo and GetCode as code actions in any editor.")
    parser.add_argument("--stdio", action="store_true", help="serve stdin and stdout, which is the default")
    parser.add_argument("--tcp", metavar="HOST:PORT", help="serve one connection to this machine, for debugging")
    parser.add_argument("--clientProcessId", type=int, metavar="ID", help="end when this process does, as the editor's")
    parser.add_argument("--check", action="store_true", help="print who would answer and what is missing, and end")
    parser.add_argument("--version", action="version", version=version("theo-mcp"))
    chosen = parser.parse_args(arguments)
    if chosen.check:
        sys.exit(_tell_check())
    if not chosen.tcp:
        return peers.claim(), chosen.clientProcessId
    host, _, port = chosen.tcp.rpartition(":")
    if host not in ("127.0.0.1", "localhost", "::1", "[::1]") or not port.isdigit():
        parser.error("--tcp takes 127.0.0.1:PORT: anybody who can connect can read what you have open.")
    return peers.accept(host.strip("[]"), int(port), listening=_tell_port), chosen.clientProcessId


def _tell_check() -> int:
    import json

    import anyio

    from theo_lsp.check import check
    from theo_lsp.serving import log_to_stderr

    log_to_stderr()
    print(json.dumps(anyio.run(check), indent=2, ensure_ascii=False))  # noqa: T201 - this is what was asked for
    return 0


def _tell_port(port: int) -> None:
    print(f"theo-lsp listens on port {port}", file=sys.stderr, flush=True)  # noqa: T201 - for who debugs


if __name__ == "__main__":
    sys.exit(main())
