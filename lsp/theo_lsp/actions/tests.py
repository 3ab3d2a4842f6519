"""Tests for a definition, in a new file beside the document, named as its language does."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from theo_lsp.actions import Action, Offer
from theo_lsp.selection import Selection, is_prose

_NAMES: Final = {
    "python": "test_{stem}.py",
    "go": "{stem}_test.go",
    "ruby": "{stem}_spec.rb",
    "java": "{stem}Test.java",
    "kotlin": "{stem}Test.kt",
    "csharp": "{stem}Tests.cs",
    "php": "{stem}Test.php",
    "elixir": "{stem}_test.exs",
    "lua": "{stem}_spec.lua",
    "dart": "{stem}_test.dart",
    "swift": "{stem}Tests.swift",
}
_OTHERS: Final = "{stem}.test{suffix}"


def _offer(selection: Selection) -> Offer | None:
    name = _path(selection).name
    is_test = name.startswith("test_") or any(mark in name for mark in ("_test.", ".test.", "_spec.", ".spec."))
    if is_prose(selection.document.language) or selection.block is None or is_test:
        return None
    return Offer(selection.over(*selection.block))


def _task(selection: Selection, instruction: str) -> str:
    return (
        f"Write tests for the marked definition, which is in {_path(selection).name}, with the test framework that is "
        "usual for its language: what it is for, its edge cases, and its errors. Return one complete file, with its "
        "imports."
    )


def _new_file(selection: Selection) -> str:
    path = _path(selection)
    return _NAMES.get(selection.document.language, _OTHERS).format(stem=path.stem, suffix=path.suffix)


def _path(selection: Selection) -> PurePosixPath:
    return PurePosixPath(unquote(urlsplit(selection.document.uri).path) or "untitled")


ACTION = Action(
    name="tests",
    title="Write tests for this",
    kind="refactor.theo.tests",
    order=40,
    offer=_offer,
    task=_task,
    gives="file",
    new_file=_new_file,
)
