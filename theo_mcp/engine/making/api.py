"""``api``: the source of an HTTP API, in one file."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Final

from theo_mcp.artifacts import check
from theo_mcp.engine.making import Checked, Making, Wish, skeleton
from theo_mcp.engine.prose import Prose
from theo_mcp.wire.model import Check
from theo_mcp.wire.words import CodeLanguage

_WORDS: Final[tuple[tuple[CodeLanguage, re.Pattern[str]], ...]] = (
    ("php", re.compile(r"\b(php|laravel|symfony|slim)\b", re.I)),
    ("nodejs", re.compile(r"\b(node(\.?js)?|javascript)\b", re.I)),
    ("typescript", re.compile(r"\b(typescript|nest(\.?js)?|hono|deno|bun|express)\b", re.I)),
    ("python", re.compile(r"", re.I)),
)
_TOLD: Final[dict[CodeLanguage, str]] = {
    "python": "Python with FastAPI",
    "typescript": "TypeScript for Node.js with Express",
    "nodejs": "JavaScript (ES modules) for Node.js with Express",
    "php": "PHP 8 without a framework",
}
_FENCES: Final[dict[CodeLanguage, str]] = {
    "python": "python",
    "typescript": "typescript",
    "nodejs": "javascript",
    "php": "php",
}
_CODE: Final = re.compile(r"[;{}()=]")


def language_of(wish: Wish) -> CodeLanguage:
    """The language of the source: one that was asked for, else one that the prompt names, else Python."""
    if wish.language in _TOLD:
        return wish.language
    return next(language for language, pattern in _WORDS if pattern.search(wish.prompt))


def _system(wish: Wish) -> str:
    language = language_of(wish)
    return (
        f"You write the complete source of an HTTP API in {_TOLD[language]}, in one file: routes, validation of input, "
        "status codes and error answers. Secrets come from the environment, and SQL is parameterized. "
        f"Answer with one fenced {_FENCES[language]} block and nothing else."
    )


def _check(source: str, wish: Wish) -> Checked:
    name = _FENCES[language_of(wish)]
    if source.strip() and not _CODE.search(source):
        return Checked(Check(language=name, status="fails", message="the answer has no code in it"))
    notices = []
    if wish.language not in ("auto", *_TOLD):
        notices.append(f"The language {wish.language} is for websites; the API is in {_TOLD[language_of(wish)]}.")
    return Checked(check.check(name, source), tuple(notices))


async def _draft(wish: Wish, prose: Prose) -> AsyncGenerator[str, None]:
    """A working API by rule: what the small model writes for one does not run."""
    prose.notices.append(
        "A skeleton by rule, of the names in the prompt, that keeps all in memory; the built-in model wrote none of it."
    )
    for line in skeleton.source(wish.prompt, language_of(wish)).splitlines(keepends=True):
        yield line


MAKING = Making(
    output_type="api",
    system=_system,
    check=_check,
    draft=_draft,
    drafts=lambda wish: language_of(wish) in skeleton.LANGUAGES,
)
