"""What a text of any kind does to the parser, and what is known of it then."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from lsprotocol import types

from theo_lsp.documents import Document, Documents
from theo_lsp.edits.places import Span
from theo_lsp.syntax.watch import Syntax

URI = "file:///x"
RARE = (
    "# ä𝄞\r\n\r\nclass Ä:\r\n    𝄞 = '\ud83d \udc00'\r\n    def half(self):\r\n        '''é'''\r\n\r\nx = '#'\r\n# 😀"
)
NUL = "x = '\0'\n\0\ndef half(n):\n    return n\n"


@asynccontextmanager
async def _parsing() -> AsyncIterator[tuple[Documents, Syntax]]:
    documents = Documents()
    async with anyio.create_task_group() as tasks:
        syntax = Syntax(documents, tasks, lambda message: pytest.fail(message))
        documents.told = lambda uri, opened: syntax.look(uri, opened=opened)
        yield documents, syntax
        await syntax.aclose()


async def _outlined(documents: Documents, text: str, language: str) -> Document:
    """The document, once its outline is there."""
    documents.opened(types.TextDocumentItem(URI, language, 1, text))
    with anyio.fail_after(20):
        while (document := documents.get(URI)) is None or document.outline is None:
            await anyio.lowlevel.checkpoint()
    return document


async def test_offsets_are_right_among_rare_characters() -> None:
    async with _parsing() as (documents, _):
        document = await _outlined(documents, RARE, "python")

    outline = document.outline
    assert outline
    (shape,) = outline.all()
    (half,) = shape.children
    assert shape.span.of(RARE) == ("class Ä:\r\n    𝄞 = '\ud83d \udc00'\r\n    def half(self):\r\n        '''é'''")
    assert half.span.of(RARE) == "    def half(self):\r\n        '''é'''"
    assert (half.name, half.kind, half.documented, half.untyped) == ("half", "method", True, True)
    assert [each.of(RARE) for each in outline.comments] == ["# ä𝄞", "# 😀"]


async def test_nul_bytes_and_binary_are_parsed_like_any_text() -> None:
    async with _parsing() as (documents, syntax):
        document = await _outlined(documents, NUL, "python")
        binary = await _outlined(documents, bytes(range(256)).decode("latin-1") * 100, "c")
        assert await syntax.parses("half = 1\n", "python") is True
        assert await syntax.parses("half = = 1\n", "python") is False
        assert await syntax.parses("half", "unheard-of") is None

    assert document.outline and [each.name for each in document.outline.all()] == ["half"]
    assert binary.outline and binary.outline.is_broken(Span(10, 10))


@pytest.mark.slow
async def test_what_is_typed_while_a_parse_is_at_work_is_followed() -> None:
    async with _parsing() as (documents, _):
        documents.opened(types.TextDocumentItem(URI, "python", 1, "# \ndef half(n):\n    return n\n"))
        with anyio.move_on_after(0.06):  # after which it is at work
            await anyio.sleep_forever()
        with anyio.fail_after(10):
            while (document := documents.get(URI)) is not None and document.outline is None:
                place = types.Position(0, 2)
                change = types.TextDocumentContentChangePartial(types.Range(place, place), "x")
                documents.changed(types.VersionedTextDocumentIdentifier(2, URI), [change])
                await anyio.lowlevel.checkpoint()

    assert document and document.outline and document.outline.since
    assert [each.span.of(document.text) for each in document.outline.all()] == ["def half(n):\n    return n"]


@pytest.mark.slow
async def test_fifty_thousand_lines_are_parsed() -> None:
    async with _parsing() as (documents, _):
        document = await _outlined(documents, "x = f(1)\n" * 50_000 + "def half(n):\n    return n\n", "python")

    assert document.outline and [each.span for each in document.outline.all()] == [Span(450_000, 450_025)]


@pytest.mark.slow
@pytest.mark.parametrize("text", ["(" * 1_000_000, "{" * 500_000, "(" * 50_000 + ")" * 50_000, "a<b," * 50_000])
@pytest.mark.parametrize("language", ["python", "cpp"])
async def test_a_hostile_text_costs_seconds_and_the_next_one_is_parsed(text: str, language: str) -> None:
    async with _parsing() as (documents, syntax):
        documents.opened(types.TextDocumentItem("file:///hostile", language, 1, text))
        with anyio.fail_after(15):
            assert (await _outlined(documents, NUL, "python")).outline
            assert await syntax.parses("half = 1\n", "python") is True
