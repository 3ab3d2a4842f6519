"""Finds the code in a raw answer, or says in a sentence why there is none.

Of several blocks the one for the file counts, else those that define each its own, else the largest of the language;
tests, examples and commands beside it are left out. What was cut, was joined, or leaves code out by a comment ("rest
unchanged"), is marked: such is shown, never applied by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

from theo_lsp.edits.language import akin, is_comment, is_known, is_text, named
from theo_lsp.edits.prose import first_sentence, is_refusal, is_sentence, without_prose
from theo_lsp.edits.repeats import definitions
from theo_mcp.artifacts import fences
from theo_mcp.artifacts.fences import Block

Reason: TypeAlias = Literal["empty", "refusal", "prose", "language", "diff"]

_THOUGHT: Final = re.compile(r"^\s*<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL)
_GLUED: Final = re.compile(r"^(?P<said>[^`\n]*[.:!?])[ \t]*(?P<fence>```[\w+#-]*)[ \t]*$", re.MULTILINE)
_ON_ONE_LINE: Final = re.compile(r"\s*```(?:\w+ )?([^`\n]+)```\s*")
_INLINE: Final = re.compile(r"\s*`([^`\n]+)`[.]?\s*")
_BARE: Final = re.compile(r"^[ \t]{0,3}(?:```+|~~~+)[ \t]*$", re.MULTILINE)
_LEFT_OUT: Final = re.compile(
    r"(?:\.{3}|…).{0,40}\b(?:rest|existing|remain\w*|unchanged|previous|same|other|original)\b"
    r"|\b(?:rest|remainder) of (?:the |your )?(?:\w+ )?(?:code|file|function|class|method|implementation)"
    r"|\b(?:existing|unchanged|previous) code\b.{0,20}$|\b(?:remains?|stays?|is) unchanged\b",
    re.IGNORECASE,
)
_SWAP: Final = re.compile(r"^<{5,9} [^\n]*\n.*^={5,9}\n.*^>{5,9} ", re.MULTILINE | re.DOTALL)
_HUNK: Final = re.compile(r"^@@(?: .*)?$", re.MULTILINE)
_HEADERS: Final = re.compile(r"^--- .*\n\+\+\+ ", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """The code of an answer, its lines ended by LF. `diff`: it says what to change, not what to have."""

    code: str
    diff: bool = False
    truncated: bool = False
    elided: bool = False
    joined: bool = False


@dataclass(frozen=True)
class Refused:
    """There is nothing to apply; `said` is the sentence for the user."""

    reason: Reason
    said: str


def code_of(answer: str, language: str, *, file: str = "", finish_reason: str = "") -> Found | Refused:
    """The code in `answer` for a document of `language` whose name is `file`."""
    text = answer.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff\u200b")
    text = _THOUGHT.sub("", text, count=1)
    if not text.strip():
        return Refused("empty", "The answer is empty.")
    cut = finish_reason == "length"
    if one := _ON_ONE_LINE.fullmatch(text) or _INLINE.fullmatch(text):
        return _found(one[1], language, truncated=cut)
    text = _GLUED.sub(r"\g<said>\n\g<fence>", text)
    if is_text(language) and not _is_wrapped(text):
        return _written(text, language, cut=cut)
    if headless := _before_a_lone_fence(text, language):
        return _found(headless, language)
    parts = fences.read(text).blocks
    if not parts:
        return _bare(text, language, cut=cut)
    blocks = [block for block in parts if block.code.strip()]
    if not blocks:
        return Refused("empty", "The answer holds no code.")
    chosen = _chosen(blocks, language, file)
    if chosen is None:
        labels = ", ".join(sorted({block.language for block in blocks}))
        return Refused("language", f"The answer holds {labels}, no {language}.")
    joined = _joined(blocks, chosen, language)
    code, closed = joined or chosen.code, chosen.closed
    if not closed and code.rstrip().endswith("```"):  # the fence ends the last line of code
        code, closed = code.rstrip().removesuffix("```"), True
    if is_refusal(code) and without_prose(_uncommented(code), language) == "":
        return Refused("refusal", first_sentence(_uncommented(code)))
    found = _found(code, language, truncated=not closed, labelled=chosen.language)
    more = not joined and not _is_beside(chosen) and _defines_more(blocks, chosen, language)
    return replace(found, elided=found.elided or more, joined=bool(joined))


def _found(code: str, language: str, *, truncated: bool = False, labelled: str = "") -> Found:
    code = code.strip("\n").rstrip()
    elided = any(_LEFT_OUT.search(line) for line in code.split("\n") if is_comment(line.strip(" +-"), language))
    return Found(code, _is_diff(code, language, labelled), truncated, elided)


def _is_diff(code: str, language: str, labelled: str) -> bool:
    if named(language) in ("diff", "patch"):
        return False
    if labelled in ("diff", "patch", "udiff") or _HEADERS.search(code) or _SWAP.search(code):
        return True
    lines = [line for line in code.split("\n") if line]
    marked = [line[0] for line in lines if line[0] in "+-"]
    if _HUNK.search(code):
        return bool(marked) and all(line[0] in "+- @\\" for line in lines)
    if is_text(language) or named(language) == "yaml":  # a list looks the same
        return False
    return "+" in marked and "-" in marked and all(line[0] in "+- " for line in lines)


def _is_wrapped(text: str) -> bool:
    """Whether a text document comes inside one fence, or as a diff, rather than as itself."""
    answer = fences.read(text)
    labels = [block.language for block in answer.blocks]
    if any(label in ("diff", "patch") for label in labels):
        return True
    prose = "\n".join(part for part in answer.parts if isinstance(part, str)).strip()
    around = len(prose.split("\n"))
    return len(labels) == 1 and labels[0] in ("markdown", "md", "text", "txt", "") and around <= 3 and "#" not in prose


def _written(text: str, language: str, *, cut: bool) -> Found | Refused:
    """A text document that came as itself, without the sentence that leads to it."""
    if is_refusal(text):
        return Refused("refusal", first_sentence(text))
    head, _, rest = text.strip().partition("\n\n")
    if rest.strip() and "\n" not in head and head.rstrip().endswith(":") and is_sentence(head):
        text = rest
    return _found(text, language, truncated=cut)


def _before_a_lone_fence(text: str, language: str) -> str:
    """The code of an answer that forgot its opening fence: code, a closing fence, then words or nothing."""
    bare = _BARE.search(text)
    if bare is None or text.count("```", 0, bare.start()) or text.count("~~~", 0, bare.start()):
        return ""
    before, after = text[: bare.start()], text[bare.end() :]
    if not before.strip() or is_sentence(before.rstrip().rsplit("\n", 1)[-1]):
        return ""
    if re.search(r"^[ \t]{0,3}(?:```|~~~)[ \t]*$", after, re.MULTILINE) and not re.search(
        r"^```\w", after, re.MULTILINE
    ):
        return ""  # it is an opening fence after all
    code = without_prose(before, language)
    return code if _marks_of_code(code) else ""


def _bare(text: str, language: str, *, cut: bool) -> Found | Refused:
    """The code of an answer without fences."""
    code = without_prose(text, language)
    if _regrets(text, code, language):
        return Refused("refusal", first_sentence(_uncommented(text)))
    if not code:
        return Refused("prose", f"The answer is words, not code: {first_sentence(text)}")
    return _found(code, language, truncated=cut and text.rstrip().endswith(code.rstrip()))


def _regrets(text: str, code: str, language: str) -> bool:
    """Whether an answer without fences is a refusal: no apology that leads to code, no comment above code."""
    begin = text.strip().split("\n", 1)[0].rstrip()
    if not is_refusal(text) or (code and begin.endswith(":")):
        return False
    return not is_comment(begin, language) or not without_prose(_uncommented(code), language)


def _chosen(blocks: list[Block], language: str, file: str) -> Block | None:
    name = PurePosixPath(file.replace("\\", "/")).name
    if name:
        here = [block for block in blocks if PurePosixPath(block.file).name == name]
        if here:
            return max(here, key=lambda block: len(block.code))
        blocks = [block for block in blocks if not block.file] or blocks
    exact = [block for block in blocks if named(block.language) == named(language)]
    changes = [block for block in blocks if block.language in ("diff", "patch", "udiff")]
    fitting = exact or [block for block in blocks if akin(block.language, language)]
    if changes and not fitting:
        code = "".join(block.code for block in changes)
        return Block("diff", "", code, closed=all(block.closed for block in changes))
    fitting = fitting or [block for block in blocks if not is_known(block.language) or not language.strip()]
    if "test" not in name.lower():
        fitting = [block for block in fitting if not _is_beside(block)] or fitting
    return max(fitting, key=lambda block: len(block.code)) if fitting else None


def _is_beside(block: Block) -> bool:
    """Whether a block holds nothing but tests, or a `main` that shows the use."""
    names = definitions(block.code.split("\n"))
    return bool(names) and all(name.lower() == "main" or name.lower().startswith("test") for name in names)


def _joined(blocks: list[Block], chosen: Block, language: str) -> str:
    """The code of the blocks that define each its own, the chosen among them; empty where that is one block."""
    pieces = [block for block in blocks if block.language == chosen.language and not block.file and block.closed]
    pieces = [block for block in pieces if definitions(block.code.split("\n")) and not _is_beside(block)]
    names = [name for block in pieces for name in definitions(block.code.split("\n"))]
    if chosen.file or len(pieces) < 2 or len(names) > len(set(names)) or not any(one is chosen for one in pieces):
        return ""
    return ("\n\n" if named(language) == "python" else "\n").join(block.code.strip("\n") + "\n" for block in pieces)


def _defines_more(blocks: list[Block], chosen: Block, language: str) -> bool:
    """Whether another block of the language defines what the chosen one does not, and is no test and no example."""
    had = definitions(chosen.code.split("\n"))
    others = [block for block in blocks if block is not chosen and not block.file and akin(block.language, language)]
    return any(definitions(block.code.split("\n")) - had for block in others if not _is_beside(block))


def _marks_of_code(code: str) -> bool:
    return re.search(r"[;{}()=<>\[\]]|^\s+\S|:\s*$|:\s", code, re.MULTILINE) is not None


def _uncommented(code: str) -> str:
    return "\n".join(line.strip().lstrip("#/*-<!> ").rstrip("*/-> ") for line in code.split("\n")).strip()
