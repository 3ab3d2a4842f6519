"""What an answer that is prose makes of a document: it is put in as it came, but for a fence around all of it.

Code may stand in it, and its indentation means something; so nothing of what makes code fit is done here.
"""

from __future__ import annotations

import re

from theo_lsp.edits.answer import Refused
from theo_lsp.edits.changes import minimal
from theo_lsp.edits.edited import Doubt, Edited
from theo_lsp.edits.fit import line_ending
from theo_lsp.edits.places import Span
from theo_lsp.edits.prose import is_refusal, is_sentence
from theo_mcp.artifacts import fences

_THOUGHT = re.compile(r"^\s*<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL)
_GROWN, _SOME = 2, 100  # times, and characters: no translation is so much longer, both in characters and in bytes
_ECHO = re.compile(r"^The marked text, lines \d+ to \d+ of ", re.MULTILINE)
_ENDING = re.compile(r"\r\n|\r|\n")


def written(
    answer: str, document: str, span: Span, *, finish_reason: str = "", may_grow: bool = True
) -> Edited | Refused:
    """What `answer` makes of `document`, where it replaces `span`; one that is much longer is doubtful unless it
    `may_grow`."""
    original = span.of(document)
    plain = _ENDING.sub("\n", answer).lstrip("\ufeff\u200b")
    text = _unwrapped(_THOUGHT.sub("", plain, count=1), original).strip()
    if not text:
        return Refused("empty", "The answer is empty.")
    doubts: list[Doubt] = []
    if finish_reason == "length":
        doubts.append("truncated")
    if is_refusal(text) and not is_refusal(original):
        doubts.append("refuses")
    if not may_grow and (_grown(text, original) or (_ECHO.search(text) and not _ECHO.search(original))):
        doubts.append("beyond")
    lead = original[: len(original) - len(original.lstrip())]
    trail = original[len(original.rstrip()) :] if original.strip() else ""
    after = document[: span.start] + lead + text.replace("\n", line_ending(document)) + trail + document[span.end :]
    return Edited(after, tuple(minimal(document, after)), tuple(doubts))


def _grown(text: str, original: str) -> bool:
    sizes = ((len(text), len(original)), (_bytes(text), _bytes(original)))
    return all(now > _GROWN * before + _SOME for now, before in sizes)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _unwrapped(text: str, original: str) -> str:
    """`text` without a fence around all of it, and without the line that leads to it, unless the original has such."""
    parts = fences.read(text).parts
    blocks = [part for part in parts if isinstance(part, fences.Block)]
    said = [part.strip() for part in parts if isinstance(part, str) and part.strip()]
    if len(blocks) == 1 and blocks[0].closed and not fences.read(original).blocks:
        if not said:
            return blocks[0].code
        if len(said) == 1 and isinstance(parts[0], str) and _leads(said[0]):
            return blocks[0].code
    head, _, rest = text.strip().partition("\n\n")
    leads = rest.strip() and _leads(head) and not _leads(original.strip().partition("\n\n")[0])
    return rest if leads else text


def _leads(text: str) -> bool:
    return "\n" not in text and text.rstrip().endswith(":") and is_sentence(text)
