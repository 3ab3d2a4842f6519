"""What holds for any answer, those of the golden files cut and mixed among them."""

from __future__ import annotations

from random import Random
from time import process_time

import pytest

from tests.golden.case import cases
from theo_lsp.edits.answer import Refused
from theo_lsp.edits.changes import applied
from theo_lsp.edits.edited import Edited, edited
from theo_lsp.edits.places import Span

PIECES = (
    "```", "```python\n", "\n", "~~~\n", "@@ -1,2 +1,2 @@\n", "+x\n", "-y\n", " ", "\t", "def f():\n", "}\n", "{",
    "end\n", "🦊", "\r\n", "\r", "--- a\n+++ b\n", "`", "<pre>", "<<EOF\n", "'''", "# ... existing code\n",
    "I'm sorry, ", "(", "\0", "<think>", "e\u0301", "\ud800",
)  # fmt: skip


@pytest.mark.slow
def test_no_answer_breaks_the_edits_or_reaches_beyond_the_target_unsaid() -> None:
    random = Random(6)
    known = cases()
    placed = 0
    for _ in range(3000):
        case = random.choice(known)
        answer = (case if random.random() < 0.7 else random.choice(known)).answer[:2000]
        answer, document = _mixed(random, answer, 5), _mixed(random, case.source, 2)
        start, end = sorted(random.randrange(len(document) + 1) for _ in range(2))
        span = Span(start, end if random.random() < 0.6 else start)

        result = edited(answer, case.fields["language"], document, span, file="a.py")

        if isinstance(result, Edited):
            placed += 1
            assert applied(document, result.changes) == result.after
            if "beyond" not in result.doubts:
                row = max(document.rfind("\n", 0, span.start), document.rfind("\r", 0, span.start)) + 1
                behind = _line_behind(document, span.end)
                assert result.after.startswith(document[:row])
                assert result.after.endswith(document[behind:])
    assert placed > 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "document", "span"),
    [
        ("```python\n" + "x = 1\n" * 50_000 + "```", "def f():\n    pass\n", Span(9, 18)),
        ("```\n" * 50_000, "x = 1\n", Span(0, 6)),
        ("`" * 200_000, "x = 1\n", Span(0, 6)),
        ("```python\n" + "(" * 200_000 + "\n```", "x = 1\n", Span(0, 6)),
        ("This is a word.\n" * 50_000, "x = 1\n", Span(0, 6)),
        ("# " + "...." * 50_000, "x = 1\n", Span(0, 6)),
        ("```python\nx='" + "a b" * 330_000 + "'\n```", "x = 1\n", Span(0, 6)),
        ("x = 2", "x = 1\n" * 50_000, Span(150_000, 150_006)),
        ("`y`", "a = '" + "é" * 1_000_000 + "'", Span(5, 6)),
        (
            "```diff\n" + "".join(f"@@ @@\n-l{n}\n+m{n}\n" for n in range(3000)) + "```",
            "".join(f"l{n}\n" for n in range(50_000)),
            Span(0, 10),
        ),
        (
            "```python\n" + "".join(f"l{n}\n" for n in range(20_000)) + "```",
            "".join(f"l{n}\n" for n in range(20_000)),
            Span(100, 103),
        ),
    ],
    ids=[
        "lines",
        "fences",
        "backticks",
        "brackets",
        "prose",
        "dots",
        "long line",
        "document",
        "one line",
        "diff",
        "whole",
    ],
)
def test_an_answer_or_a_document_of_any_size_takes_no_time(answer: str, document: str, span: Span) -> None:
    began = process_time()

    assert isinstance(edited(answer, "python", document, span), Edited | Refused)
    assert process_time() - began < 4  # what is quadratic took a minute


def _line_behind(document: str, offset: int) -> int:
    ends = [at for mark in "\r\n" if (at := document.find(mark, offset)) >= 0]
    return min(ends) if ends else len(document)


def _mixed(random: Random, text: str, most: int) -> str:
    for _ in range(random.randrange(most + 1)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((0, 0, 1, 5, 40)))
        text = text[:start] + random.choice(PIECES) + text[end:]
    return text
