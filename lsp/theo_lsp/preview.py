"""An edit, shown before it is applied, and what its user says of it.

A plug-in that can (`Editor.previews`) shows both texts side by side, and its user may agree to a part. Any other editor
opens the difference as a document, and asks.
"""

from __future__ import annotations

import difflib
from typing import Final
from uuid import uuid4

from pydantic import JsonValue

from theo_lsp.documents import Document
from theo_lsp.editor import Editor
from theo_lsp.shown import Shown

APPLY, DISCARD = "Apply", "Discard"
_CONTEXT: Final = 3


async def agreed_to(editor: Editor, shown: Shown, label: str, document: Document, after: str, doubt: str) -> str | None:
    """The text that `document` shall have, as the user agrees to it, or None. `doubt` says why it is asked, if so."""
    if editor.previews:
        id = str(uuid4())
        params: dict[str, JsonValue] = {
            "id": id,
            "uri": document.uri,
            "version": document.version,
            "label": label,
            "reason": doubt,
            "before": document.text,
            "after": after,
            "languageId": document.language,
        }
        return await editor.preview(id, params)
    await shown.show("preview.diff", _difference(document.text, after))
    choice = await editor.choose(f"{label}: the change is shown. Apply it?", [APPLY, DISCARD])
    return after if choice == APPLY else None


def _difference(before: str, after: str) -> str:
    """A unified diff; what ends a line otherwise than by LF is part of the line."""
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), "before", "after", n=_CONTEXT, lineterm="")
    return "\n".join(lines) + "\n"
