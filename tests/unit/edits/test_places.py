from __future__ import annotations

import re
from random import Random

import pytest

from tests.unit.edits import texts
from theo_lsp.edits.places import Encoding, Lines, Place, Span

ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "utf-32")


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 9), ("utf-16", 4), ("utf-32", 3)])
def test_a_place_counts_the_units_of_its_encoding(encoding: Encoding, character: int) -> None:
    lines = Lines("a\né日🦊x\n")

    assert lines.place(5, encoding) == Place(1, character)
    assert lines.offset(Place(1, character), encoding) == 5


def test_a_line_ends_with_lf_crlf_or_cr_and_nothing_else() -> None:
    lines = Lines("a\r\nb\rc\nd\x0ce\u2028f\x85g")

    assert [lines.line(number).of(lines.text) for number in range(len(lines))] == ["a", "b", "c", "d\x0ce\u2028f\x85g"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("place", "offset"),
    [
        (Place(0, 99), 1),  # before CRLF
        (Place(1, 99), 4),
        (Place(2, 0), 5),  # the empty line behind the last ending
        (Place(2, 7), 5),
        (Place(9, 0), 5),
        (Place(-1, 4), 0),
        (Place(0, -3), 0),
    ],
)
def test_a_place_outside_the_text_is_the_nearest_inside(place: Place, offset: int, encoding: Encoding) -> None:
    assert Lines("a\r\nb\n").offset(place, encoding) == offset


@pytest.mark.parametrize(("encoding", "character"), [("utf-8", 1), ("utf-8", 2), ("utf-8", 3), ("utf-16", 1)])
def test_a_place_inside_a_character_is_before_it(encoding: Encoding, character: int) -> None:
    assert Lines("🦊x").offset(Place(0, character), encoding) == 0


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_middle_of_crlf_is_the_end_of_its_line(encoding: Encoding) -> None:
    assert Lines("a\r\nb").place(2, encoding) == Place(0, 1)


def test_an_empty_text_has_one_line() -> None:
    lines = Lines("")

    assert len(lines) == 1
    assert lines.place(5, "utf-16") == Place(0, 0)
    assert lines.span(Place(3, 3), Place(0, 0), "utf-16") == Span(0, 0)


def test_a_span_is_the_same_in_whichever_order_its_places_come() -> None:
    assert Lines("abc").span(Place(0, 2), Place(0, 1), "utf-8") == Span(1, 2)


def test_a_lone_surrogate_is_one_unit_on_the_wire() -> None:
    assert Lines("\ud800x").place(2, "utf-16") == Place(0, 2)
    assert Lines("\ud800x").offset(Place(0, 2), "utf-16") == 2


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_offset_comes_back_from_its_place(encoding: Encoding) -> None:
    random = Random(1)
    for _ in range(300):
        lines = Lines(texts.text(random))
        for offset in range(len(lines.text) + 1):
            middle = lines.text[offset - 1 : offset + 1] == "\r\n" and offset > 0
            assert lines.offset(lines.place(offset, encoding), encoding) == offset - middle


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fifty_thousand_lines_and_a_line_of_a_megabyte(encoding: Encoding) -> None:
    many = Lines("x = '🦊'\r\n" * 50_000)
    long = Lines("🦊" + "é" * 1_000_000)

    assert [many.offset(many.place(offset, encoding), encoding) for offset in range(0, 450_000, 9)][-1] == 449_991
    assert long.offset(long.place(1_000_001, encoding), encoding) == 1_000_001


@pytest.mark.slow
def test_lines_that_are_changed_are_those_of_the_new_text() -> None:
    random = Random(5)
    for long in (0, 0, 0, 3_000):  # so that there are several runs of lines, and changes across them
        lines = Lines("".join(random.choices("ab\r\n🦊", k=random.randrange(12) + long)))
        for _ in range(150):
            start = random.randrange(len(lines.text) + 1)
            end = min(start + random.choice((0, 0, 1, 2, random.randrange(long + 9))), len(lines.text))
            text = "".join(random.choices("x\r\n", k=random.choice((0, 1, 1, 2, random.randrange(long // 3 + 5)))))

            lines = lines.changed(Span(start, end), text)

            fresh = Lines(lines.text)
            assert [lines.line(row) for row in range(len(lines))] == [fresh.line(row) for row in range(len(fresh))]
            for offset in (0, start, start + 1, start + len(text), len(lines.text)):
                assert lines.number(offset) == fresh.number(offset)


def test_lines_are_those_that_the_protocol_ends() -> None:
    random = Random(6)
    for _ in range(300):
        text = "".join(random.choices("ab\r\n\f\u2028", k=random.randrange(12)))

        lines = Lines(text)

        assert [lines.line(row).of(text) for row in range(len(lines))] == re.split("\r\n|\r|\n", text)
