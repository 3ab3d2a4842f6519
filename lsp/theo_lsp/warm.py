"""Makes beforehand what the first key would wait for: the code that reads and writes a type is made at its first use.

It takes as long as the first keys would otherwise be late together, before any has come.
"""

from __future__ import annotations

from typing import Any, Final

from lsprotocol import types

from theo_lsp.protocol import Server

_DOCUMENT: Final = {"uri": "untitled:", "version": 1}
_PLACE: Final = {"line": 0, "character": 0}
_RANGE: Final = {"start": _PLACE, "end": _PLACE}
_FLAW: Final = {"range": _RANGE, "message": "", "severity": 1, "code": "", "source": ""}
_COMES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (types.INITIALIZED, {}),
    (types.TEXT_DOCUMENT_DID_OPEN, {"textDocument": {**_DOCUMENT, "languageId": "", "text": ""}}),
    (types.TEXT_DOCUMENT_DID_CHANGE, {"textDocument": _DOCUMENT, "contentChanges": [{"range": _RANGE, "text": ""}]}),
    (types.TEXT_DOCUMENT_CODE_ACTION,
     {"textDocument": _DOCUMENT, "range": _RANGE, "context": {"diagnostics": [_FLAW], "triggerKind": 1}}),
)  # fmt: skip


def warm(server: Server) -> None:
    """Reads and writes, for nobody, what comes and goes while somebody types."""
    protocol = server.protocol
    for method, params in _COMES:
        asks = {"id": 1} if method == types.TEXT_DOCUMENT_CODE_ACTION else {}
        protocol.structure_message({"jsonrpc": "2.0", "method": method, "params": params, **asks})
    action = types.CodeAction("", kind="", command=types.Command("", "", arguments=[{}]))
    protocol.written([action])
