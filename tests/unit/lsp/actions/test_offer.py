"""What a plug-in is offered that names an action, and may say something besides."""

from __future__ import annotations

import pytest

from theo_lsp.actions import Offer, find, offer_for
from theo_lsp.documents import Document
from theo_lsp.edits.places import Span
from theo_lsp.selection import Selection
from theo_lsp.syntax.outline import Definition, Outline
from theo_mcp.errors import InputError

FUNCTION = "def half(n):\n    return n / 2\n"
WHOLE = Span(0, 29)
CURSOR = Span(20, 20)


def _offer(name: str, text: str, span: Span, instruction: str = "", language: str = "python") -> Offer | None:
    action = find(name)
    assert action is not None
    return offer_for(action, Selection(Document("file:///half.x", language, 1, text), span), instruction)


@pytest.mark.parametrize(
    ("name", "span", "instruction", "offer"),
    [
        ("simplify", CURSOR, "", Offer(WHOLE)),
        ("refactor", CURSOR, "use a shift", Offer(WHOLE, "Refactor: use a shift", "use a shift")),
        ("refactor", Span(17, 29), "use a shift", Offer(WHOLE, "Refactor: use a shift", "use a shift")),
        ("translate", CURSOR, "rust", Offer(WHOLE, "", "rust")),
        ("translate", CURSOR, "into C++", Offer(WHOLE, "", "cpp")),
        ("translate", CURSOR, "", Offer(WHOLE, "Translate into TypeScript", "typescript")),
        ("translate", Span(0, 29), "js", Offer(WHOLE, "", "javascript")),
        ("improve", CURSOR, "", None),
    ],
)
def test_an_action_is_offered_by_its_name(name: str, span: Span, instruction: str, offer: Offer | None) -> None:
    assert _offer(name, FUNCTION, span, instruction) == offer


@pytest.mark.parametrize(
    ("name", "instruction", "sentence"),
    [
        ("simplify", "more", "“Simplify this” takes no instruction."),
        ("refactor", " ", "“Refactor as I say” needs an instruction."),
        ("translate", "klingon", "“klingon” is no programming language that is known here."),
    ],
)
def test_an_instruction_that_cannot_be_followed_is_refused_in_a_sentence(
    name: str, instruction: str, sentence: str
) -> None:
    with pytest.raises(InputError) as refused:
        _offer(name, FUNCTION, CURSOR, instruction)

    assert refused.value.message == sentence


def test_prose_takes_any_language_and_a_prompt_any_kind_that_getcode_knows() -> None:
    text = "A page.\n\nIt is for a bakery.\n"

    assert _offer("translate", text, Span(10, 10), "de", "markdown") == Offer(
        Span(9, 28), "Translate into German", "German"
    )
    assert _offer("translate", text, Span(10, 10), "Latin", "markdown") == Offer(
        Span(9, 28), "Translate into Latin", "Latin"
    )
    assert _offer("improve", text, Span(10, 10), "an email", "markdown") == Offer(
        Span(0, 28), "Improve this prompt for an e-mail", "email"
    )
    with pytest.raises(InputError, match="“shorter” names none"):
        _offer("improve", text, Span(10, 10), "shorter", "markdown")


@pytest.mark.parametrize(
    ("documented", "untyped", "title", "types"),
    [(True, False, "Update the documentation", False), (False, True, "", True), (None, None, "", True)],
)
def test_what_a_parser_knows_counts_more_than_the_text(
    documented: bool | None, untyped: bool | None, title: str, types: bool
) -> None:
    outline = Outline((Definition("half", "function", WHOLE, documented, untyped),))
    selection = Selection(Document("file:///half.py", "python", 1, FUNCTION), CURSOR, outline=outline)
    document, add_types = find("document"), find("types")
    assert document is not None
    assert add_types is not None

    offer = offer_for(document, selection)

    assert offer is not None
    assert (offer.title, offer.span) == (title, WHOLE)
    assert (offer_for(add_types, selection) is not None) is types


def test_the_comment_above_is_updated_with_its_definition() -> None:
    text = "/** Half. */\nfunction half(n) {\n  return n;\n}\n"
    outline = Outline((Definition("half", "function", Span(13, 45), True, None),))
    document = find("document")
    assert document is not None

    offer = offer_for(
        document, Selection(Document("file:///half.js", "javascript", 1, text), Span(20, 20), outline=outline)
    )

    assert offer is not None
    assert offer.span == Span(0, 45)
