"""What is offered where."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from lsprotocol import types

from theo_lsp.documents import Document
from theo_lsp.menu import menu

PYTHON = '''"""Halves."""

import os

# Add two numbers.


@cache
def half(n):
    """Half of n."""
    total = n / 2

    return total


print(half(4))
'''
JAVASCRIPT = "// Sum the numbers.\nconst a = 1;\n\nasync function half(n) {\n  if (n) {\n    return n;\n  }\n}\n"


def _offered(document: Document, start: int, end: int | None = None, **context: object) -> list[str]:
    last = start if end is None else end
    range = types.Range(types.Position(start, 2), types.Position(last, 2 if end is None else 100))
    given = types.CodeActionContext(**{"diagnostics": [], **context})  # type: ignore[arg-type]
    found = menu(document, types.CodeActionParams(types.TextDocumentIdentifier(document.uri), range, given))
    return [action.title for action in found]


def _titles(text: str, language: str, start: int, end: int | None = None, **context: object) -> Sequence[str]:
    found = _offered(Document("file:///half.x", language, 1, text), start, end, **context)
    return [title.removeprefix("Theo: ").split(":")[0] for title in found if "prompt" not in title]


@pytest.mark.parametrize(
    ("text", "language", "start", "end", "titles"),
    [
        (PYTHON, "python", 4, None, ["Generate code"]),
        (PYTHON, "python", 2, None, ["Complete here"]),
        (PYTHON, "python", 10, None, ["Complete here", "Document this", "Write tests for this", "Explain this"]),
        (PYTHON, "python", 16, None, ["Complete here"]),
        (PYTHON, "python", 2, 4, ["Explain this"]),
        (JAVASCRIPT, "javascript", 0, None, ["Generate code"]),
        (JAVASCRIPT, "javascript", 5, None,
         ["Complete here", "Document this", "Write tests for this", "Explain this"]),
        ("# theo: use a set\nx = [1]\n", "python", 0, 1, ["Refactor", "Explain this"]),
        ("# A title\n\nProse.\n", "markdown", 2, None, []),
        ("", "python", 0, None, []),
    ],
)  # fmt: skip
def test_actions_are_offered_where_they_make_sense(
    text: str, language: str, start: int, end: int | None, titles: list[str]
) -> None:
    assert _titles(text, language, start, end) == titles


def test_only_the_kinds_that_were_asked_for_are_offered() -> None:
    assert _titles(PYTHON, "python", 10, only=["quickfix"]) == []
    assert _titles(PYTHON, "python", 10, only=["refactor.rewrite"]) == ["Complete here", "Document this"]
    assert _titles(PYTHON, "python", 10, only=["refactor.rewrite.theo.document"]) == ["Document this"]
    assert len(_titles(PYTHON, "python", 10, only=[""])) == 4


def test_a_light_bulb_is_lit_by_a_diagnostic_alone() -> None:
    automatic = types.CodeActionTriggerKind.Automatic
    place = types.Range(types.Position(10, 12), types.Position(10, 13))
    flaw = types.Diagnostic(place, "Undefined name `n`", source="ruff", code="F821")

    assert _titles(PYTHON, "python", 10, trigger_kind=automatic) == []
    assert _titles(PYTHON, "python", 10, trigger_kind=automatic, diagnostics=[flaw]) == ["Fix"]


def test_every_entry_is_a_command_and_leaves_nothing_to_resolve() -> None:
    range = types.Range(types.Position(10, 0), types.Position(10, 0))
    params = types.CodeActionParams(
        types.TextDocumentIdentifier("file:///half.py"), range, types.CodeActionContext(diagnostics=[])
    )
    entries = menu(Document("file:///half.py", "python", 7, PYTHON), params, marked=True)

    assert entries
    for entry in entries:
        assert (entry.edit, entry.data, entry.disabled) == (None, None, None)
        assert entry.command is not None and entry.command.command == "theo.run"
        assert entry.command.arguments is not None
    document = next(entry for entry in entries if entry.title == "Theo: Document this")
    assert document.tags == [types.CodeActionTag.LlmGenerated]
    assert document.command and document.command.arguments == [
        {
            "v": 1,
            "action": "document",
            "uri": "file:///half.py",
            "version": 7,
            "range": {"start": {"line": 7, "character": 0}, "end": {"line": 12, "character": 16}},
            "instruction": "",
            "diagnostics": [],
            "dry": False,
        }
    ]


@pytest.mark.parametrize(
    "text", ["x" * 1_000_000, "(" * 100_000 + "\n" * 50_000, "\0\x01\ud800\n" * 1000, "a " * 300_000 + "(", "# " * 9999]
)
def test_what_no_person_wrote_is_looked_at_as_quickly(text: str) -> None:
    for language in ("python", "c", "unheard-of", ""):
        _offered(Document("file:///x", language, 1, text), 0)
