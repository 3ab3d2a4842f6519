"""What the child tells of each language: ``outlines/*.txt`` hold a source and, below ``=====``, what is in it.

A line for each definition, indented under what it is in, begins with its lines: ``2-5 method half (documented)``. Then
come the comments, by their lines, and the number of faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from theo_lsp.edits.places import Lines, Span
from theo_lsp.syntax import believed
from theo_lsp.syntax.grammars import grammar
from theo_lsp.syntax.outline import Definition, Outline
from theo_mcp.sandbox import Job, Sandbox

FOLDER = Path(__file__).parent / "outlines"
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.txt"))


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def told() -> dict[str, str]:
    """What is told of each source, by one child."""
    said = {}
    async with Sandbox(concurrency=1, allow=("theo_lsp",)) as sandbox:
        for language in LANGUAGES:
            source, _ = _case(language)
            options = {"grammar": grammar(language)}
            job = Job("theo_lsp.syntax.inside:outlined", {"text": source.encode()}, options)
            value = (await sandbox.run(job)).value
            assert isinstance(value, dict)
            said[language] = _described(believed.outline(value, len(source)), source, value["faults"])
    return said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_a_source_defines_is_found(language: str, told: dict[str, str]) -> None:
    assert told[language] == _case(language)[1]


def test_every_grammar_has_a_source() -> None:
    from theo_lsp.syntax.inside.patterns import PATTERNS

    assert {grammar(language) for language in LANGUAGES} == set(PATTERNS)


def _case(language: str) -> tuple[str, str]:
    source, _, outline = (FOLDER / f"{language}.txt").read_text(encoding="utf-8").partition("=====\n")
    return source, outline


def _described(outline: Outline, source: str, faults: int) -> str:
    lines = Lines(source)
    comments = " ".join(_rows(each, lines) for each in outline.comments)
    found = [line for each in outline.definitions for line in _told(each, lines, 0)]
    return "".join(f"{line}\n" for line in [*found, f"comments: {comments}", f"faults: {faults}"])


def _told(definition: Definition, lines: Lines, depth: int) -> Iterator[str]:
    types = {True: "untyped", False: "typed", None: ""}[definition.untyped]
    marks = ", ".join(mark for mark in ("documented" if definition.documented else "", types) if mark)
    rows = _rows(definition.span, lines)
    yield f"{rows} {'  ' * depth}{definition.kind} {definition.name}{f' ({marks})' if marks else ''}"
    for each in definition.children:
        yield from _told(each, lines, depth + 1)


def _rows(span: Span, lines: Lines) -> str:
    """The lines from 1; with the characters where it is not whole lines."""
    first, last = lines.number(span.start), lines.number(span.end)
    whole = span.start == lines.start(first) and span.end == lines.line(last).end
    rows = f"{first + 1}-{last + 1}" if last > first else f"{first + 1}"
    return rows if whole else f"{rows}:{span.start - lines.start(first)}-{span.end - lines.start(last)}"
