"""An outline is followed through what is typed after the parse."""

from __future__ import annotations

import random
import re

import pytest

from theo_lsp.edits.changes import Change, applied
from theo_lsp.edits.places import Span
from theo_lsp.syntax import believed
from theo_lsp.syntax.outline import Definition, Outline
from theo_mcp.errors import SandboxError
from theo_mcp.sandbox import Job, Sandbox

TEXT = "one = 1\ndef half(n):\n    return n / 2\ntwo = 2\n"
HALF = "def half(n):\n    return n / 2"
PYTHON = '''"""Shapes."""

SIDE = 1


class Shape:
    """Has an area."""
    @property
    def area(self) -> float:
        size = 10
        return size * 2
    def double(self):
        def twice(n: int) -> int:
            count = 20
            return n
        # Not here.
        return twice(1)

# What follows is a function.

def half(n):
    total = 30
    return total

LAST = 2
'''
TYPESCRIPT = """const SIDE = 1;

export class Shape {
  area(): number {
    const size = 10;
    return size;
  }
  double = (n: number): number => {
    const count = 20;
    return count;
  };
}

/** Halves. */
export async function half(n) {
  const total = 30;
  return total;
}

const LAST = 2;
"""


def _half(outline: Outline | None, text: str) -> str | None:
    """The text of the one definition."""
    found = outline.all() if outline else ()
    return found[0].span.of(text) if found else None


@pytest.mark.parametrize(
    ("change", "half"),
    [
        (Change(Span(0, 0), "zero = 0\n"), HALF),
        (Change(Span(0, 8), ""), HALF),
        (Change(Span(8, 8), "zero = 0\n"), HALF),
        (Change(Span(8, 8), "async "), f"async {HALF}"),
        (Change(Span(8, 8), "@cache\n"), HALF),  # a parse will tell that it belongs to it
        (Change(Span(37, 37), "1"), f"{HALF}1"),
        (Change(Span(37, 37), "  # two\nthree = 3"), f"{HALF}  # two"),
        (Change(Span(37, 37), "\n    pass"), HALF),
        (Change(Span(20, 21), "\n    m = n\n"), "def half(n):\n    m = n\n    return n / 2"),
        (Change(Span(31, 42), "3\nmo"), "def half(n):\n    return3\nmo"),
        (Change(Span(4, 12), "2\n"), "2\nhalf(n):\n    return n / 2"),
        (Change(Span(38, 46), ""), HALF),
        (Change(Span(8, 38), ""), None),
        (Change(Span(0, 46), "x"), None),
    ],
)
def test_a_definition_moves_with_what_is_typed_around_it_and_grows_with_what_is_typed_in_it(
    change: Change, half: str | None
) -> None:
    outline = Outline((Definition("half", "function", Span(8, 37), False, True),))

    assert _half(outline.after(change), applied(TEXT, [change])) == half


def test_keys_one_by_one_are_one_change() -> None:
    outline: Outline | None = Outline((Definition("half", "function", Span(8, 37), False, True),))
    text = TEXT
    for number, key in enumerate("# Numbers." * 50):
        change = Change(Span(number, number), key)
        outline, text = outline and outline.after(change), applied(text, [change])
    for at in range(500, 400, -1):
        change = Change(Span(at - 1, at), "")
        outline, text = outline and outline.after(change), applied(text, [change])

    assert _half(outline, text) == HALF
    assert outline and len(outline.since) == 1


def test_after_forty_changes_all_over_the_text_there_is_no_outline() -> None:
    outline: Outline | None = Outline(())
    for at in range(0, 80, 2):
        outline = outline and outline.after(Change(Span(at, at + 1), "x"))

    assert outline
    assert outline.after(Change(Span(300, 301), "x")) is None


def test_what_was_typed_just_now_is_known_to_be_new() -> None:
    outline = Outline(()).after(Change(Span(8, 8), "def new():\n    pass\n"))

    assert outline
    assert outline.is_new(Span(12, 12))
    assert not outline.is_new(Span(40, 40))
    assert outline.is_touched(Span(19, 26))
    assert not outline.is_touched(Span(40, 45))


@pytest.mark.slow
@pytest.mark.parametrize(("source", "grammar"), [(PYTHON, "python"), (TYPESCRIPT, "typescript")])
async def test_definitions_that_were_followed_are_those_of_a_fresh_parse(source: str, grammar: str) -> None:
    async with Sandbox(concurrency=1, allow=("theo_lsp",)) as sandbox:

        async def parsed(text: str) -> Outline:
            job = Job("theo_lsp.syntax.inside:outlined", {"text": text.encode()}, {"grammar": grammar})
            return believed.outline((await sandbox.run(job)).value, len(text))

        begun = await parsed(source)
        for seed in range(12):
            chance = random.Random(seed)
            text, outline = source, begun
            for _ in range(3):
                for _ in range(8):
                    change = _typed(text, chance)
                    text = applied(text, [change])
                    followed = outline.after(change)
                    assert followed
                    outline = followed
                fresh = await parsed(text)

                assert outline.all() == fresh.all(), seed
                for place in chance.choices(range(len(text)), k=20):
                    span = Span(place, place)
                    assert outline.holders(span) == fresh.holders(span), (seed, place)
                    assert outline.comment(span) == fresh.comment(span), (seed, place)


def _typed(text: str, chance: random.Random) -> Change:
    """An edit that makes no definition and ends none."""
    gaps = [found.start() for found in re.finditer(r"(?<=\n)\n", text)]  # only between definitions
    numbers = [found.end() for found in re.finditer(r"= \d", text)]
    added = [found.span() for found in re.finditer(r"(?m)^added[^\n]*\n", text)]
    at = chance.choice(gaps)
    edits = [
        Change(Span(at, at), "added = 'ä𝄞'\n"),
        Change(Span(at, at), "added" if text[at - 2] == "\n" else "\n"),
        Change(Span(at, at), "\n\n"),
        *[Change(Span(place, place), chance.choice("0123456789")) for place in chance.choices(numbers, k=3)],
        *[Change(Span(*span), "") for span in added[:2]],
    ]
    return chance.choice(edits)


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {"definitions": [], "comments": []},
        {"definitions": [], "comments": [0], "broken": []},
        {"definitions": [], "comments": [3, 11], "broken": []},
        {"definitions": [["f", "function", 0, 11, None, None, -1]], "comments": [], "broken": []},
        {"definitions": [["f", "function", 2, 1, None, None, -1]], "comments": [], "broken": []},
        {"definitions": [["f", "function", 0, 1, None, None, 0]], "comments": [], "broken": []},
        {"definitions": [["f" * 300, "function", 0, 1, None, None, -1]], "comments": [], "broken": []},
        {"definitions": [["f", "function", "0", 1, None, None, -1]], "comments": [], "broken": []},
        {"definitions": [["f", "function", 0, 1, 7, None, -1]], "comments": [], "broken": []},
        {"definitions": [["f", "function"]], "comments": [], "broken": []},
    ],
)
def test_a_child_that_tells_no_outline_is_not_believed(told: object) -> None:
    with pytest.raises(SandboxError):
        believed.outline(told, 10)
