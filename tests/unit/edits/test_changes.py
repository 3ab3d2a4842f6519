from __future__ import annotations

import itertools
from random import Random

import pytest

from tests.unit.edits import texts
from theo_lsp.edits.changes import Change, applied, inside, minimal, rebased
from theo_lsp.edits.places import Encoding, Lines, Span


def one(start: int, end: int, text: str) -> Change:
    return Change(Span(start, end), text)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("a\nb\nc\n", "a\nb\nc\n", []),
        ("a\nb\nc\n", "a\nx\nc\n", [one(2, 3, "x")]),
        ("a\nc\n", "a\nb\nc\n", [one(2, 2, "b\n")]),
        ("a\nb\nc\n", "a\nc\n", [one(2, 4, "")]),
        ("foo(a, b)\n", "foo(a, c, b)\n", [one(7, 7, "c, ")]),
        ("a1\nb\nc1\n", "a2\nb\nc2\n", [one(6, 7, "2"), one(1, 2, "2")]),  # from the last to the first
        ("", "a\n", [one(0, 0, "a\n")]),
        ("a", "", [one(0, 1, "")]),
        ("a", "a\n", [one(1, 1, "\n")]),
        ("a\n", "a\r\n", [one(1, 2, "\r\n")]),  # CRLF is not put together of its halves
        ("a\r\nb", "a\nb", [one(1, 3, "\n")]),
        ("e\u0301", "e\u0300", [one(0, 2, "e\u0300")]),
        ("xe", "xe\u0301", [one(1, 2, "e\u0301")]),
        ("👩\u200d👧", "👩\u200d👦", [one(0, 3, "👩\u200d👦")]),
        ("🇩🇪", "🇩🇰", [one(0, 2, "🇩🇰")]),
        ("👍🏽", "👍🏿", [one(0, 2, "👍🏿")]),
        ("a🦊b", "a🐻b", [one(1, 2, "🐻")]),
    ],
)
def test_only_what_differs_is_changed(before: str, after: str, changes: list[Change]) -> None:
    assert minimal(before, after) == changes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_an_editor_that_applies_the_changes_has_exactly_the_text(encoding: Encoding) -> None:
    random = Random(2)
    for number in range(1500):
        before = texts.text(random)
        after = texts.text(random) if number % 3 == 0 else texts.changed(random, before)
        changes = minimal(before, after)

        assert _in_an_editor(before, changes, encoding) == after
        assert applied(before, changes) == after


def test_changes_do_not_touch_each_other_and_come_from_the_last() -> None:
    random = Random(3)
    for _ in range(1500):
        before = texts.text(random)
        spans = [change.span for change in minimal(before, texts.changed(random, before))]

        assert all(later.start >= earlier.end for later, earlier in itertools.pairwise(spans))
        assert len({span.start for span in spans}) == len(spans)


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (one(0, 0, "xy"), Span(6, 10)),  # before
        (one(0, 2, ""), Span(2, 6)),
        (one(4, 4, "x"), Span(5, 9)),  # typed where it begins: before it
        (one(2, 4, "x"), Span(3, 7)),  # ends where it begins
        (one(8, 8, "x"), Span(4, 8)),  # typed where it ends: behind it
        (one(8, 9, ""), Span(4, 8)),
        (one(9, 9, "x"), Span(4, 8)),
        (one(5, 5, "x"), None),
        (one(3, 5, ""), None),
        (one(7, 9, ""), None),
        (one(4, 8, "x"), None),
        (one(4, 5, ""), None),
        (one(7, 8, ""), None),
        (one(0, 20, ""), None),
    ],
)
def test_a_target_moves_with_the_edits_around_it(change: Change, moved: Span | None) -> None:
    assert rebased(Span(4, 8), [change]) == moved


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (one(4, 4, "x"), None),  # typed at the very place
        (one(4, 4, ""), Span(4, 4)),
        (one(2, 4, "abc"), Span(5, 5)),
        (one(4, 6, ""), Span(4, 4)),
        (one(3, 5, ""), None),
        (one(0, 1, ""), Span(3, 3)),
        (one(7, 7, "x"), Span(4, 4)),
    ],
)
def test_an_empty_target_is_lost_when_something_is_typed_there(change: Change, moved: Span | None) -> None:
    assert rebased(Span(4, 4), [change]) == moved


def test_edits_count_one_after_the_other() -> None:
    assert rebased(Span(4, 8), [one(0, 0, "ab"), one(6, 6, "c"), one(11, 12, "")]) == Span(7, 11)
    assert rebased(Span(4, 8), [one(0, 0, "ab"), one(7, 8, "")]) is None


def test_a_rebased_target_holds_what_it_held() -> None:
    random = Random(4)
    lost = 0
    for _ in range(3000):
        before = texts.text(random, 60)
        ends = sorted(random.randrange(len(before) + 1) for _ in range(2))
        span = Span(ends[0], ends[1])
        after = texts.changed(random, before)
        moved = rebased(span, minimal(before, after))
        lost += moved is None

        assert moved is None or moved.of(after) == span.of(before)
    assert 0 < lost < 3000


def test_edits_elsewhere_and_the_answer_are_the_same_in_either_order() -> None:
    random = Random(5)
    for _ in range(2000):
        before = texts.text(random, 40)
        start, end, other = sorted(random.randrange(len(before) + 1) for _ in range(3))
        span, typed = Span(start, end), one(other, other, "typed")
        if end == other:
            continue
        answer = one(start, end, "answer")
        moved = rebased(span, [typed])
        behind = rebased(Span(other, other), [answer])

        assert moved is not None
        assert behind is not None
        assert applied(applied(before, [typed]), [Change(moved, "answer")]) == applied(
            applied(before, [answer]), [Change(behind, "typed")]
        )


@pytest.mark.slow
def test_a_large_document_with_changes_far_apart_is_quick() -> None:
    lines = [f"line {number % 977}\n" for number in range(50_000)]
    before = "".join(lines)
    for at in (10, 25_000, 49_990):
        lines[at] = "changed\n"

    changes = minimal(before, "".join(lines))

    assert len(changes) == 3
    assert applied(before, changes) == "".join(lines)


def test_a_line_of_a_megabyte_is_changed_where_it_differs() -> None:
    before = "x" * 500_000 + "a" + "y" * 500_000

    assert minimal(before, before.replace("a", "bc")) == [one(500_000, 500_001, "bc")]


def _in_an_editor(text: str, changes: list[Change], encoding: Encoding) -> str:
    """`text` as an editor has it that reads the changes as positions, all of them in the text as it was."""
    lines = Lines(text)
    at = [(lines.place(each.span.start, encoding), lines.place(each.span.end, encoding), each.text) for each in changes]
    for start, end, new in sorted(at, key=lambda item: item[0], reverse=True):
        span = lines.span(start, end, encoding)
        text = text[: span.start] + new + text[span.end :]
    return text


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("a\n", "a\nb\n", [Change(Span(1, 1), "\nb")]),
        ("a\r\n", "a\r\nb\r\n", [Change(Span(1, 1), "\r\nb")]),
        ("a\n", "a\nb", [Change(Span(2, 2), "b")]),
        ("a", "a\nb\n", [Change(Span(1, 1), "\nb\n")]),
        ("", "a\n", [Change(Span(0, 0), "a\n")]),
    ],
)
def test_what_comes_after_the_last_line_is_written_before_its_ending(
    before: str, after: str, changes: list[Change]
) -> None:
    found = inside(before, minimal(before, after))

    assert found == changes
    assert applied(before, found) == after
