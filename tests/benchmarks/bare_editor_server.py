"""``python -m tests.benchmarks.bare_editor_server``: the least server that pygls can be, with one code action."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "0")


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
def offer(params: types.CodeActionParams) -> list[types.CodeAction]:
    """One action at every place."""
    return [types.CodeAction(title="Do", command=types.Command("Do", "do", arguments=[params.text_document.uri]))]


if __name__ == "__main__":
    server.start_io()
