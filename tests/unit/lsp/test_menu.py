"""What is offered where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from lsprotocol import types

from theo_lsp.documents import Document
from theo_lsp.menu import kinds, menu

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


def _offered(document: Document, start: int, end: int | None = None, *, locale: str = "", **context: Any) -> list[str]:
    last = start if end is None else end
    range = types.Range(types.Position(start, 2), types.Position(last, 2 if end is None else 100))
    given = types.CodeActionContext(**{"diagnostics": [], **context})
    found = menu(
        document, types.CodeActionParams(types.TextDocumentIdentifier(document.uri), range, given), locale=locale
    )
    return [action.title for action in found]


def _titles(text: str, language: str, start: int, end: int | None = None, **context: Any) -> Sequence[str]:
    found = _offered(Document("file:///half.x", language, 1, text), start, end, **context)
    return [title.removeprefix("Theo: ").split(":")[0] for title in found if "exact prompt" not in title]


TYPED = "def half(n: int) -> float:\n    return n / 2\n"
IN_FUNCTION = ["Complete here", "Document this", "Add types", "Simplify this", "Write tests for this", "Explain this",
               "Translate into TypeScript"]  # fmt: skip
IN_TYPED = [title for title in IN_FUNCTION if title != "Add types"]
FILE_OF_PYTHON = "Translate this file into TypeScript"


@pytest.mark.parametrize(
    ("text", "language", "start", "end", "titles"),
    [
        (PYTHON, "python", 4, None, ["Generate code"]),
        (PYTHON, "python", 2, None, ["Complete here", FILE_OF_PYTHON]),
        (PYTHON, "python", 10, None, IN_FUNCTION),
        (PYTHON, "python", 16, None, ["Complete here", FILE_OF_PYTHON]),
        (PYTHON, "python", 2, 4, ["Explain this"]),
        (PYTHON, "python", 8, 10, ["Document this", "Add types", "Simplify this", "Write tests for this",
         "Explain this", "Translate into TypeScript", "Translate into Go", "Translate into Rust"]),
        (PYTHON * 14, "python", 2, None, ["Complete here"]),
        (TYPED, "python", 1, None, IN_TYPED),
        ("def half(self, *, key=lambda n: n) -> int:\n    return 1\n", "python", 1, None, IN_FUNCTION),
        ("class Half:\n    number = 2\n", "python", 1, None, IN_TYPED),
        (JAVASCRIPT, "javascript", 0, None, ["Generate code"]),
        (JAVASCRIPT, "javascript", 5, None, IN_FUNCTION),
        ("/** @param {number} n */\nfunction half(n) {\n  return n;\n}\n", "javascript", 2, None, IN_TYPED),
        ("function half(n: number, m = 2) {\n  return n;\n}\n", "typescript", 1, None,
         [*IN_TYPED[:-1], "Translate into JavaScript"]),
        ("const half = (n) => {\n  return n;\n};\n", "typescript", 1, None,
         [*IN_FUNCTION[:-1], "Translate into JavaScript"]),
        ("function half(int $n) {\n  return $n;\n}\n", "php", 1, None, IN_FUNCTION),
        ("function half(int $n, &...$m): int {\n  return $n;\n}\n", "php", 1, None, IN_FUNCTION),
        ("function half(int $n): int {\n  return $n;\n}\n", "php", 1, None, IN_TYPED),
        ("def half(n)\n  n / 2\nend\n", "ruby", 1, None, [*IN_TYPED[:-1], "Translate into Python"]),
        ("local function half(n)\n  return n\nend\n", "lua", 1, None, [*IN_FUNCTION[:-1], "Translate into Python"]),
        ("---@param n number\nlocal function half(n)\n  return n\nend\n", "lua", 2, None,
         [*IN_TYPED[:-1], "Translate into Python"]),
        ("# theo: use a set\nx = [1]\n", "python", 0, 1, ["Refactor", "Explain this"]),
        ("a = 1\n# theo: use a set\nx = [a]\n", "python", 0, 2, ["Refactor", "Simplify this", "Explain this",
         "Translate into TypeScript", "Translate into Go", "Translate into Rust"]),
        ("# A title\n\nProse.\n", "markdown", 2, None, ["Improve this prompt for a website"]),
        ("# A deck of slides\n\nProse.\n", "markdown", 2, None, ["Improve this prompt for a PowerPoint presentation"]),
        ("Une lettre.\n", "plaintext", 0, 0, ["Improve this prompt for a website", "Explain this",
         "Translate into English"]),
        ("A letter to the mayor of the town, and to you.\n", "plaintext", 0, 0,
         ["Improve this prompt for a Word document", "Explain this"]),
        ("\nOne.\n\n" * 500, "markdown", 1, None, ["Improve this prompt for a website"]),
        ("Word. " * 500, "markdown", 0, None, []),
        ("{\n  1\n}", "json", 0, 1, ["Explain this"]),
        ("", "python", 0, None, []),
        ("", "markdown", 0, None, []),
    ],
)  # fmt: skip
def test_actions_are_offered_where_they_make_sense(
    text: str, language: str, start: int, end: int | None, titles: list[str]
) -> None:
    assert _titles(text, language, start, end) == titles


def test_only_the_kinds_that_were_asked_for_are_offered() -> None:
    assert _titles(PYTHON, "python", 10, only=["quickfix"]) == []
    assert _titles(PYTHON, "python", 10, only=["refactor.rewrite"]) == IN_FUNCTION[:4]
    assert _titles(PYTHON, "python", 10, only=["refactor.rewrite.theo.document"]) == ["Document this"]
    assert _titles(PYTHON, "python", 10, only=["source"]) == []
    assert len(_titles(PYTHON, "python", 10, only=[""])) == 7


def test_a_light_bulb_is_lit_by_a_diagnostic_alone() -> None:
    automatic = types.CodeActionTriggerKind.Automatic
    place = types.Range(types.Position(10, 12), types.Position(10, 13))
    flaw = types.Diagnostic(place, "Undefined name `n`", source="ruff", code="F821")

    assert _titles(PYTHON, "python", 10, trigger_kind=automatic) == []
    assert _titles(PYTHON, "python", 10, trigger_kind=automatic, diagnostics=[flaw]) == [
        "Fix",
        "Fix every ‘F821’ in this document",
    ]


def test_a_menu_in_a_function_has_at_most_ten_entries() -> None:
    for text, language in ((PYTHON, "python"), (JAVASCRIPT, "javascript")):
        assert len(_offered(Document("file:///half.x", language, 1, text), 10)) <= 10


@pytest.mark.parametrize(
    ("locale", "title"),
    [("de-AT", "Translate into German"), ("pt_BR", "Translate into Portuguese"), ("tlh", "Translate into English")],
)
def test_prose_is_translated_into_the_language_of_the_editor(locale: str, title: str) -> None:
    document = Document("file:///letter.txt", "plaintext", 1, "Une lettre.\n")

    assert f"Theo: {title}" in _offered(document, 0, 0, locale=locale)


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ([("F401", "`os` imported but unused", 0), ("F401", "`re` imported but unused", 1)], "Fix all 2 of this kind"),
        ([("", "`os` is unused, 3 times", 0), ("", "`re` is unused, 4 times", 1)], "Fix all 2 of this kind"),
        ([("F401", "`os` imported but unused", 0), ("E501", "Too long", 1)], "Fix every ‘F401’ in this document"),
        ([("", "Something", 0)], None),
    ],
)
def test_what_is_reported_of_one_kind_is_fixed_at_once(said: list[tuple[str, str, int]], title: str | None) -> None:
    flaws = [
        types.Diagnostic(
            types.Range(types.Position(row, 0), types.Position(row, 2)), message, source="ruff", code=code or None
        )
        for code, message, row in said
    ]

    titles = _titles("import os\nimport re\n", "python", 0, 1, diagnostics=flaws)

    assert titles[:2] == (["Fix", title or "Simplify this"])


def test_what_is_reported_far_apart_is_not_fixed_at_once() -> None:
    flaws = [
        types.Diagnostic(types.Range(types.Position(row, 0), types.Position(row, 1)), "No", source="ruff", code="F401")
        for row in (0, 600)
    ]

    assert _titles("x\n" * 700, "python", 0, diagnostics=flaws)[:2] == ["Fix", "Complete here"]


def test_no_kind_is_one_that_an_editor_runs_when_it_saves() -> None:
    assert [
        kind for kind in kinds() if kind.startswith("source") or not kind.startswith(("refactor.", "quickfix."))
    ] == []


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
