"""Documentation for a definition, as its language writes it."""

from __future__ import annotations

from typing import Final

from theo_lsp.actions import Action, Offer
from theo_lsp.head import with_comment
from theo_lsp.selection import Selection, is_prose

_CONVENTIONS: Final = {
    "python": "a docstring (PEP 257)",
    "javascript": "a JSDoc comment",
    "javascriptreact": "a JSDoc comment",
    "typescript": "a TSDoc comment",
    "typescriptreact": "a TSDoc comment",
    "java": "a Javadoc comment",
    "kotlin": "a KDoc comment",
    "rust": "a /// doc comment",
    "go": "a Go doc comment that begins with the name",
    "csharp": "an XML documentation comment",
    "c": "a Doxygen comment",
    "cpp": "a Doxygen comment",
    "php": "a PHPDoc comment",
    "ruby": "a YARD comment",
    "swift": "a /// documentation comment",
    "lua": "a --- comment (LuaCATS)",
    "r": "a roxygen2 comment",
    "elixir": "an @doc attribute",
}

_UPDATE: Final = "update"


def _offer(selection: Selection) -> Offer | None:
    if is_prose(selection.document.language) or selection.block is None:
        return None
    first, last = selection.rows
    block = selection.block
    if not (block[0] <= first and last <= block[1]):
        return None
    if selection.definition is None or not selection.definition.documented:
        return Offer(selection.over(*block))
    return Offer(selection.over(*with_comment(selection, block)), "Update the documentation", _UPDATE)


def _task(selection: Selection, instruction: str) -> str:
    convention = _CONVENTIONS.get(selection.document.language, "a comment, as its language does it")
    if instruction == _UPDATE:
        return (
            f"Correct and complete the documentation of the marked definition, {convention}, so that it says what the "
            "code does now: parameters, result, errors. Keep what is still true. Return all of the marked code with "
            "the documentation, and change no other character of it."
        )
    return (
        f"Document the marked definition with {convention}: what it does, its parameters, what it returns and raises, "
        "as far as that is not plain from its signature. Return all of the marked code with the documentation, and "
        "change no other character of it."
    )


ACTION = Action(
    name="document",
    title="Document this",
    kind="refactor.rewrite.theo.document",
    order=30,
    offer=_offer,
    task=_task,
    keeps="lines",
)
