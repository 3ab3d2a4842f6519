"""The context of a prompt: what is in it, how the budget is divided, and what is said of the rest."""

from __future__ import annotations

import pytest

from theo_lsp.prompt.context import Context, Diagnostic, Document, Part, context
from theo_lsp.prompt.symbols import Symbol, guessed

PYTHON = """\
import os
from typing import (
    Any,
)

LIMIT = 3


class Shop:
    def open(self):
        return True

    def close(self, at):
        if at:
            return os.getcwd()
        return None


def after():
    pass
"""
DOCUMENT = Document("shop.py", "python", PYTHON, "/work")
JAVASCRIPT = """\
const fs = require("fs");

export class Shop {
  async open(door) {
    if (door) {
      return fs;
    }
  }

  close() {}
}
"""


def test_a_function_comes_with_its_class_imports_and_neighbours() -> None:
    found = context(DOCUMENT, 13, 14, budget=10_000)

    assert found == Context(
        (
            Part(
                "imports", "The imports of shop.py", "import os\nfrom typing import (\n    Any,\n)\n", "python"
            ),
            Part(
                "symbol",
                "The def Shop.close around the selection",
                "    def close(self, at):\n        if at:\n            return os.getcwd()\n        return None\n",
                "python",
            ),
            Part(
                "before",
                "What stands before it",
                "\nLIMIT = 3\n\n\nclass Shop:\n    def open(self):\n        return True\n\n",
                "python",
            ),
            Part("after", "What stands after it", "\n\ndef after():\n    pass\n", "python"),
        ),
        (),
    )  # fmt: skip


def test_a_tree_of_symbols_is_believed_before_the_indentation() -> None:
    tree = [Symbol("Shop", "class", 8, 16, (Symbol("open", "method", 9, 11), Symbol("close", "method", 12, 16)))]

    found = context(DOCUMENT, 13, 14, budget=10_000, symbols=tree)

    assert [part.title for part in found.parts if part.kind == "symbol"] == [
        "The method Shop.close around the selection"
    ]
    assert not [part for part in context(DOCUMENT, 13, 14, budget=10_000, symbols=[]).parts if part.kind == "symbol"]


def test_a_symbol_that_is_selected_whole_is_not_sent_twice() -> None:
    found = context(DOCUMENT, 12, 16, budget=10_000)

    assert sum(part.text.count("def close") for part in found.parts) == 1
    assert [part.title for part in found.parts if part.kind == "symbol"] == ["The class Shop around the selection"]


@pytest.mark.parametrize(
    ("text", "at", "names"),
    [
        (PYTHON, 14, [("Shop", 8, 16), ("close", 12, 16)]),
        (PYTHON, 5, []),
        (JAVASCRIPT, 5, [("Shop", 2, 11), ("open", 3, 8)]),
        ("func (s *Shop) Open(a int) {\n\treturn\n}\n", 1, [("Open", 0, 3)]),
        ("impl Shop {\n    pub fn open(&self) -> u8 {\n        1\n    }\n}\n", 2, [("Shop", 0, 5), ("open", 1, 4)]),
        ("int open(char *door)\n{\n    return 1;\n}\n", 2, [("open", 0, 4)]),
        ("module Shop\n  def open\n    1\n  end\nend\n", 2, [("Shop", 0, 5), ("open", 1, 4)]),
        ("def open():\n    return call(\n        1,\n    )\n", 2, [("open", 0, 4)]),
        ("", 0, []),
        ("x" * 100_000, 0, []),
    ],
)
def test_the_indentation_tells_the_symbols_of_many_languages(
    text: str, at: int, names: list[tuple[str, int, int]]
) -> None:
    found = guessed(text.split("\n"), at, at + 1)

    assert [(each.name, each.start, each.stop) for each in found] == names


def test_diagnostics_in_the_selection_come_with_their_line_and_code() -> None:
    diagnostics = [
        Diagnostic(14, 15, "unreachable\ncode", "W1"),
        Diagnostic(13, 14, "undefined name 'at'", "F821"),
        Diagnostic(0, 1, "unused import", "F401"),
    ]

    found = context(DOCUMENT, 12, 16, budget=10_000, diagnostics=diagnostics)

    assert found.parts[0] == Part(
        "diagnostics",
        "Diagnostics in the selection",
        "line 14 [F821]: undefined name 'at'\nline 15 [W1]: unreachable code\n",
    )


def test_open_documents_of_this_project_follow_the_most_recent_first() -> None:
    others = [
        Document("b.py", "python", "b = 1", "/work"),
        Document("a.py", "python", "a = 1", "/work"),
        Document("keys.txt", "text", "k", "/work"),
        Document("c.py", "python", "c = 1", "/elsewhere"),
        DOCUMENT,
    ]

    found = context(
        DOCUMENT,
        12,
        16,
        budget=10_000,
        others=others,
        refused=lambda each: ".gitignore names it" if each.path == "keys.txt" else None,
    )

    assert [part.text for part in found.parts if part.kind == "document"] == ["b = 1\n", "a = 1\n"]
    assert found.left_out == (
        "keys.txt is left out, because .gitignore names it.",
        "c.py is left out, because it belongs to another project.",
    )


def test_rules_are_heard_in_a_trusted_folder_only() -> None:
    rules = [Document("AGENTS.md", "markdown", "Write tests.", "/work")]

    heard = context(DOCUMENT, 0, 1, budget=10_000, rules=rules, trusted=True)
    unheard = context(DOCUMENT, 0, 1, budget=10_000, rules=rules)

    assert heard.parts[0] == Part("rules", "The project's rules in AGENTS.md", "Write tests.\n", "markdown")
    assert "Write tests." not in "".join(part.text for part in unheard.parts)
    assert unheard.left_out == ("AGENTS.md is not followed, because the folder is not trusted.",)


@pytest.mark.parametrize("budget", [0, 1, 40, 200, 1_000, 5_000])
def test_the_budget_holds_and_lines_stay_whole(budget: int) -> None:
    big = Document("big.py", "python", "".join(f"value_{number} = {number}\n" for number in range(50_000)), "/work")

    found = context(big, 25_000, 25_001, budget=budget, others=[DOCUMENT])

    assert sum(len(part.text) for part in found.parts) <= budget
    for part in found.parts:
        whole = big.text if part.kind != "document" else PYTHON
        assert f"\n{part.text}" in f"\n{whole}"


def test_what_stands_nearest_is_kept_and_the_rest_is_said() -> None:
    lines = Document("n.txt", "text", "\n".join(f"line {number}" for number in range(100)))

    found = context(lines, 50, 51, budget=60)

    assert [part.text for part in found.parts] == [
        "line 45\nline 46\nline 47\nline 48\nline 49\n",
        "line 51\nline 52\n",
    ]
    assert found.left_out == (
        "What stands before the selection: 45 of 50 lines did not fit.",
        "What stands after the selection: 47 of 49 lines did not fit.",
    )


def test_a_small_part_leaves_its_share_to_the_others() -> None:
    small = Document("s.py", "python", "s = 1", "/work")
    large = Document("l.py", "python", "l = 1\n" * 100, "/work")

    found = context(Document("m.py", "python", "m", "/work"), 0, 1, budget=126, others=[small, large])

    assert [len(part.text) for part in found.parts] == [6, 120]


def test_a_line_of_a_megabyte_is_left_out_and_does_not_hang() -> None:
    long = Document("min.js", "javascript", "a(" * 500_000 + "\nlet b = 1;\nlet c = 2;\n")

    found = context(long, 1, 2, budget=1_000)

    assert [part.text for part in found.parts] == ["let c = 2;\n"]
