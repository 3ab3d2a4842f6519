"""What the check of every message lets through and what not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.lsp.model import faults

_PLACE = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def _told(method: str, params: Any, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params, **more}


def _answered(result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def _edited(**document: Any) -> dict[str, Any]:
    change = {"textDocument": document, "edits": [{"range": _PLACE, "newText": "x"}]}
    return _told("workspace/applyEdit", {"edit": {"documentChanges": [change]}}, id=1)


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (_edited(uri="file:///x", version=1), []),
        (_edited(uri="file:///x", version=None), []),
        (_edited(uri="file:///x"), ["OptionalVersionedTextDocumentIdentifier without version"]),
        (_edited(uri="file:///x", version=1.5), ["float instead of int"]),
        (_edited(uri="file:///x", version=1, text=""), ["OptionalVersionedTextDocumentIdentifier has no text"]),
        (_answered([{"title": "Go", "kind": "quickfix", "tags": [1]}]), []),
        (_answered([{"title": "Go", "kind": None}]), ["kind: null instead of absent"]),
        (_answered([{"title": "Go", "tags": [7]}]), ["tags[0]: no CodeActionTag"]),
        (_answered([{"kind": "quickfix"}]), ["CodeAction without title"]),
        (_answered(None), []),
        ({"jsonrpc": "2.0", "id": 1}, ["an answer with ['id', 'jsonrpc']"]),
        ({"jsonrpc": "2.0", "id": None, "error": {"code": -32602, "message": ""}}, ["an answer to nobody"]),
        (_told("$/progress", {"token": "t", "value": {"kind": "end"}}), []),
        (_told("$/progress", {"token": "t", "value": {"kind": "begin"}}), ["WorkDoneProgressBegin without title"]),
        (_told("window/showMessage", {"type": 9, "message": ""}), ["type: no MessageType"]),
        (_told("window/showMessageRequest", {"type": 1, "message": ""}), ["is a request"]),
        (_told("textDocument/hover", {}, id=1), ["is no message of a server"]),
    ],
)
def test_a_message_is_as_the_model_has_it(message: Any, found: list[str]) -> None:
    said = faults(message, {1: "textDocument/codeAction"})

    assert len(said) == len(found)
    assert all(each.endswith(end) for each, end in zip(said, found, strict=True)), said
