"""Documents and places in them, as an editor's changes move them."""

from __future__ import annotations

import pytest
from lsprotocol import types

from theo_lsp.documents import Documents, Target
from theo_lsp.edits.places import Encoding, Span

URI = "file:///project/app.py"
_ID = types.VersionedTextDocumentIdentifier(version=2, uri=URI)


def _opened(text: str, encoding: Encoding = "utf-16") -> Documents:
    documents = Documents()
    documents.encoding = encoding
    documents.opened(types.TextDocumentItem(URI, "python", 1, text))
    return documents


def _type(documents: Documents, start: tuple[int, int], end: tuple[int, int], text: str) -> str:
    range = types.Range(types.Position(*start), types.Position(*end))
    documents.changed(_ID, [types.TextDocumentContentChangePartial(range=range, text=text)])
    document = documents.get(URI)
    assert document is not None
    return document.text


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 6), ("utf-16", 4), ("utf-32", 3)])
def test_a_change_behind_an_astral_character_is_placed_in_every_encoding(encoding: Encoding, character: int) -> None:
    documents = _opened('"🧮"x\n', encoding)

    assert _type(documents, (0, character), (0, character + 1), "y") == '"🧮"y\n'


@pytest.mark.parametrize("mark", ["\f", "\v", "\u2028", "\x85", "\x1c"])
def test_only_line_ends_of_the_protocol_end_lines(mark: str) -> None:
    documents = _opened(f"a{mark}b\r\nc\rd\ne")

    assert _type(documents, (3, 0), (3, 1), "E") == f"a{mark}b\r\nc\rd\nE"


def test_a_target_follows_changes_outside_and_knows_of_those_inside() -> None:
    documents = _opened("one\ntwo\nthree\n")
    target = Target(URI, Span(4, 7))
    documents.follow(target)

    _type(documents, (0, 0), (0, 0), "zero\n")
    outside = target.span, target.touched
    _type(documents, (2, 1), (2, 2), "WW")

    assert outside == (Span(9, 12), False)
    assert (target.span, target.touched) == (Span(9, 13), True)


def test_an_editor_that_sends_whole_texts_moves_targets_too() -> None:
    documents = _opened("one\ntwo\n")
    target = Target(URI, Span(4, 7))
    documents.follow(target)

    documents.changed(_ID, [types.TextDocumentContentChangeWholeDocument("zero\none\ntwo\n")])

    assert (target.span, target.touched) == (Span(9, 12), False)


def test_a_closed_document_has_no_place_left() -> None:
    documents = _opened("one\n")
    target = Target(URI, Span(0, 3))
    documents.follow(target)

    documents.closed(URI)
    documents.opened(types.TextDocumentItem(URI, "python", 1, "another\n"))

    assert target.touched
