"""A rough prompt into a detailed brief, by GetCode's improve, in its place."""

from __future__ import annotations

import re
from typing import Final

from theo_lsp.actions import Action, Offer
from theo_lsp.edits.language import named
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection
from theo_lsp.subject import paragraph_at
from theo_mcp.errors import InputError

_KINDS: Final = {
    "powerpoint": r"powerpoint|pptx?|slides?|slide deck|presentation",
    "excel": r"excel|xlsx?|spreadsheet|workbook",
    "pdf": r"pdf|brochure|flyer|invoice",
    "word": r"word document|docx|report|letter|essay|article|memo|document",
    "email": r"e-?mail|newsletter",
    "video": r"video|film|animation|clip|trailer",
    "chart": r"chart|graph|plot|diagram|histogram",
    "api": r"api|endpoints?|rest|graphql|backend|microservice",
    "image": r"image|picture|photo|logo|illustration|icon|poster|drawing",
    "website": r"website|web ?page|site|page|landing|shop|blog|portfolio|dashboard|app",
}  # by the names that GetCode has for them; what is named first counts
_NAMED: Final = re.compile(
    rf"\b(?:{'|'.join(f'(?P<{kind}>{words})' for kind, words in _KINDS.items())})\b", re.IGNORECASE
)
_DEFAULT: Final = "website"
_SHORT: Final = 1_500  # characters: a document or a paragraph that is longer is hardly one prompt
_LONGEST: Final = 8_000
_ARTICLES: Final = {"api": "an API", "email": "an e-mail", "excel": "an Excel file", "image": "an image"}
_TITLES: Final = {"pdf": "a PDF", "word": "a Word document", "powerpoint": "a PowerPoint presentation"}


def _offer(selection: Selection) -> Offer | None:
    if named(selection.document.language) not in ("markdown", "plaintext"):
        return None
    text = selection.document.text
    whole = Span(len(text) - len(text.lstrip()), len(text.rstrip()))
    span: Span | None = whole if selection.is_cursor and 0 < whole.end - whole.start <= _SHORT else None
    span = span or paragraph_at(selection)
    if span is None or span.end - span.start > (_SHORT if selection.is_cursor else _LONGEST):
        return None
    kind = _named(selection.instruction) if selection.instruction else _told(span.of(text)) or _DEFAULT
    shown = _ARTICLES.get(kind) or _TITLES.get(kind) or f"a {kind}"
    return Offer(span, f"Improve this prompt for {shown}", kind)


def _named(instruction: str) -> str:
    kind = _told(instruction)
    if kind is None:
        raise InputError(
            f"A prompt is improved for one kind of output, and “{instruction[:40]}” names none.",
            hint=f"Say one of {', '.join(sorted(_KINDS))}.",
        )
    return kind


def _told(text: str) -> str | None:
    """The kind of output that is named first in `text`."""
    found = _NAMED.search(text[:_SHORT])
    return found.lastgroup if found else None


def _task(selection: Selection, instruction: str) -> str:
    return selection.text


ACTION = Action(
    name="improve",
    title="Improve this prompt",
    kind="refactor.rewrite.theo.improve",
    order=50,
    offer=_offer,
    task=_task,
    gives="prose",
    instruction="optional",
    improves=True,
)
