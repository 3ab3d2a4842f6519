"""Arguments of theo.run that this server did not make."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types

from theo_lsp.documents import Documents
from theo_lsp.order import checked
from theo_mcp.errors import InputError

URI = "file:///project/app.py"
_PLACE = {"line": 0, "character": 0}
GOOD: dict[str, Any] = {
    "v": 1, "action": "generate", "uri": URI, "version": 3, "range": {"start": _PLACE, "end": _PLACE},
}  # fmt: skip
_NOT_OURS = "The argument of theo.run is not one that this server offers: "


@pytest.fixture
def documents() -> Documents:
    documents = Documents()
    documents.opened(types.TextDocumentItem(URI, "python", 3, "# Add.\n"))
    return documents


def test_an_argument_that_was_offered_is_taken(documents: Documents) -> None:
    order = checked([GOOD], documents)

    assert (order.action.name, order.document.uri, order.span.start) == ("generate", URI, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (None, "theo.run takes one argument, an object."),
        ([GOOD, GOOD], "theo.run takes one argument, an object."),
        (["generate"], "theo.run takes one argument, an object."),
        ([GOOD | {"v": 2}], _NOT_OURS + "v: input should be 1."),
        ([GOOD | {"shell": "rm"}], _NOT_OURS + "shell: extra inputs are not permitted."),
        ([GOOD | {"version": "3"}], _NOT_OURS + "version: input should be a valid integer."),
        ([GOOD | {"range": {"start": {"line": -1, "character": 0}, "end": _PLACE}}],
         _NOT_OURS + "range.start.line: input should be greater than or equal to 0."),
        ([GOOD | {"instruction": "x" * 4001}],
         _NOT_OURS + "instruction: string should have at most 4000 characters."),
        ([GOOD | {"action": "erase"}], "There is no such action."),
        ([GOOD | {"uri": "file:///etc/passwd"}],
         "The document is not open in the editor, and only open documents are read or changed."),
        ([GOOD | {"uri": "file:///project/../etc/passwd"}],
         "The document is not open in the editor, and only open documents are read or changed."),
        ([GOOD | {"version": 2}], "The document has changed since the action was offered."),
    ],
)  # fmt: skip
def test_a_forged_argument_is_refused_in_a_sentence(documents: Documents, arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(arguments, documents)

    assert refused.value.message == sentence


def test_a_range_beyond_the_document_is_moved_inside(documents: Documents) -> None:
    far = {"line": 10**9, "character": 10**9}

    order = checked([GOOD | {"range": {"start": far, "end": far}}], documents)

    assert order.span.start == order.span.end == len("# Add.\n")
