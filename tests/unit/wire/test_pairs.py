from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from theo_mcp.wire.events import Token, parse_event
from theo_mcp.wire.pairs import Pairs

TEXT = "a🧩b👩‍👧é"  # pairs beside each other, beside ASCII, beside a joiner, beside one unit that needs no pair
UNITS = [TEXT.encode("utf-16-le")[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, 20, 2)]


def test_the_text_has_ten_units_so_that_every_cut_is_tried() -> None:
    assert len(TEXT.encode("utf-16-le")) == 20


@pytest.mark.parametrize(("low", "high"), list(combinations_with_replacement(range(11), 2)))
def test_a_text_cut_anywhere_comes_out_whole(low: int, high: int) -> None:
    pieces = ["".join(part) for part in (UNITS[:low], UNITS[low:high], UNITS[high:])]
    pairs = Pairs()

    fed = [pairs.feed(piece) for piece in pieces]

    assert "".join([*fed, pairs.rest()]) == TEXT
    assert all(piece.encode() for piece in fed if piece)


def test_a_text_that_comes_unit_by_unit_comes_out_whole() -> None:
    pairs = Pairs()

    assert "".join(pairs.feed(unit) for unit in UNITS) + pairs.rest() == TEXT


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["a\ud83e"], ["a", "\ufffd"]),
        (["\ud83e", "b"], ["", "\ufffdb", ""]),
        (["\ud83e", "\ud83e", "\udde9"], ["", "\ufffd", "🧩", ""]),
        (["\udde9"], ["\ufffd", ""]),
        (["\ud83e", "", "\udde9"], ["", "", "🧩", ""]),
        (["a\ud83eb"], ["a\ufffdb", ""]),
        ([], [""]),
    ],
)
def test_a_half_without_its_partner_becomes_the_replacement_character(pieces: list[str], shown: list[str]) -> None:
    pairs = Pairs()

    assert [*(pairs.feed(piece) for piece in pieces), pairs.rest()] == shown


def test_what_is_left_is_given_once() -> None:
    pairs = Pairs()
    pairs.feed("\ud83e")

    assert (pairs.rest(), pairs.rest()) == ("\ufffd", "")


def test_two_tokens_of_a_stream_share_a_character() -> None:
    pairs = Pairs()

    first = parse_event("token", r'{"token": "x\ud83e", "n": "\ud83e"}', pairs)
    second = parse_event("token", r'{"token": "\udde9y"}', pairs)

    assert first == Token.model_validate({"token": "x", "n": "\ufffd"})
    assert second == Token(token="🧩y")


def test_a_token_read_alone_shows_its_half_as_lost() -> None:
    assert parse_event("token", r'{"token": "x\ud83e"}') == Token(token="x\ufffd")
