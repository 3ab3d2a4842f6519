"""Answers that parse and are something else than what was asked for."""

from __future__ import annotations

import pytest

from theo_lsp.edits.edited import Edited, edited
from theo_lsp.edits.kept import Keeps, is_kept
from theo_lsp.edits.places import Span
from theo_lsp.edits.written import written

HALF = 'def half(\n    n,\n):\n    """Half of it."""\n    # Divide.\n    return n / 2\n'
CLASS = "class Half:\n    def __init__(self):\n        pass\n"
SCRIPT = "export async function half(n) {\n  return n / 2;\n}\n"


@pytest.mark.parametrize(
    ("keeps", "before", "after", "language", "kept"),
    [
        ("nothing", HALF, CLASS, "python", True),
        ("names", HALF, "def half(n):\n    return n >> 1\n", "python", True),
        ("names", HALF, CLASS, "python", False),
        ("names", HALF, HALF + "\n\ndef halves(n):\n    return half(n)\n", "python", False),
        ("names", HALF, HALF + "\n\n" + HALF, "python", False),
        ("names", CLASS, "class Half:\n    pass\n", "python", True),
        ("names", SCRIPT, "export const half = async n => n / 2;\n", "javascript", False),
        ("names", "x = 1\ny = 2\n", "x, y = 1, 2\n", "python", True),
        ("lines", HALF, "def half(n: float) -> float:\n    return n / 2\n", "python", True),
        ("lines", HALF, "def half(n: float) -> float:\n    return n / 3\n", "python", False),
        ("lines", CLASS, CLASS.replace("pass", "self.n = 1\n        pass"), "python", True),
        ("lines", SCRIPT, "/** Half.\n * @param {number} n\n */\n" + SCRIPT, "javascript", True),
        ("lines", SCRIPT, "/** Half. */\n" + SCRIPT.replace("2", "3"), "javascript", False),
        ("lines", "a = 1\nb = 2\n", "b = 2\na = 1\n", "python", False),
    ],
)  # fmt: skip
def test_what_is_to_stay_is_looked_for(keeps: Keeps, before: str, after: str, language: str, kept: bool) -> None:
    assert is_kept(keeps, before, after, language) is kept


def test_an_edit_that_does_not_keep_it_is_doubtful() -> None:
    document = f"import os\n\n{HALF}\nprint(half(1))\n"

    result = edited(f"```python\n{CLASS}```\n", "python", document, Span(11, 10 + len(HALF)), keeps="names")

    assert isinstance(result, Edited)
    assert result.doubts == ("beyond",)


@pytest.mark.parametrize(
    ("original", "answer", "doubts"),
    [
        ("Hallo Welt.", "Hello world.", ()),
        ("请在明天之前买两个面包和牛奶，谢谢你。" * 9, "Please buy two loaves of bread and milk soon. " * 9, ()),
        ("Hello world.", "Hallo Welt. " * 20, ("beyond",)),
        ("Hello world, here I am.", "The marked text, lines 1 to 1 of a.md:\nHello", ("beyond",)),
        ("Es tut mir leid.", "I'm sorry.", ("refuses",)),
        ("I'm sorry.", "I'm sorry.", ()),
        ("\ud800", "x" * 200, ("beyond",)),
    ],
)  # fmt: skip
def test_prose_that_is_no_translation_is_doubtful(original: str, answer: str, doubts: tuple[str, ...]) -> None:
    result = written(answer, original, Span(0, len(original)), may_grow=False)

    assert isinstance(result, Edited)
    assert result.doubts == doubts
