"""Types for a definition, where its language has optional ones and something in it has none."""

from __future__ import annotations

from typing import Final

from theo_lsp.actions import Action, Offer
from theo_lsp.head import untyped, with_comment
from theo_lsp.selection import Selection

_ANNOTATIONS: Final = {
    "python": "type hints in the signature",
    "typescript": "type annotations in the signature",
    "typescriptreact": "type annotations in the signature",
    "php": "type declarations in the signature",
}
_COMMENTS: Final = {
    "javascript": ("a JSDoc comment above it, with @param and @returns", ("@param", "@type", "@returns")),
    "javascriptreact": ("a JSDoc comment above it, with @param and @returns", ("@param", "@type", "@returns")),
    "lua": ("LuaCATS comments above it, such as ---@param name string", ("---@",)),
}


def _offer(selection: Selection) -> Offer | None:
    language, rows = selection.document.language, selection.block
    first, last = selection.rows
    if rows is None or not (rows[0] <= first and last <= rows[1]):
        return None
    known = selection.definition.untyped if selection.definition else None
    if language in _COMMENTS:
        whole = with_comment(selection, rows)
        above = selection.over(whole[0], rows[0]).of(selection.document.text)
        if any(mark in above for mark in _COMMENTS[language][1]) or not untyped(selection, rows):
            return None
        return Offer(selection.over(*whole))
    if language not in _ANNOTATIONS or known is False or (known is None and not untyped(selection, rows)):
        return None
    return Offer(selection.over(*rows))


def _task(selection: Selection, instruction: str) -> str:
    language = selection.document.language
    how = _ANNOTATIONS.get(language) or _COMMENTS.get(language, ("",))[0] or "types, as its language does it"
    return (
        f"Add types to the marked definition, by {how}: to every parameter and to the result. Choose the most precise "
        "type that its use shows. Change nothing else: names, defaults and the body stay as they are. Return all of "
        "the marked code, with its types."
    )


ACTION = Action(
    name="types",
    title="Add types",
    kind="refactor.rewrite.theo.types",
    order=32,
    offer=_offer,
    task=_task,
    keeps="lines",
)
