from __future__ import annotations

import pytest

from theo_mcp.artifacts.fences import Block, fenced, read


def test_a_block_is_taken_out_with_its_language() -> None:
    answer = read("Here:\n```python\nx = 1\n```\nDone.")

    assert answer.blocks == (Block("python", "", "x = 1\n"),)
    assert answer.without(answer.blocks) == "Here:\n\nDone."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("~~~\nx\n~~~", "x\n"),
        ("````md\n```\ninner\n```\n````", "```\ninner\n```\n"),
        ("```\nnever closed", "never closed\n"),
        ("  ```py\n  x\n    y\n  ```", "x\n  y\n"),
        ("```py\r\nx\r\n```\r\n", "x\n"),
        ("```py\n```", ""),
        ("```py\n~~~\n```", "~~~\n"),
        ('```py\n"""\n    ```\n    x\n    ```\n"""\n```', '"""\n    ```\n    x\n    ```\n"""\n'),
        ("```markdown\na\n```sh\nls\n```\nb\n```\nDone.", "a\n```sh\nls\n```\nb\n"),
        ("1. Do this:\n\n    ```py\n    x\n    ```", "x\n"),
        ("```py\n'a\x0cb\u2028c'\n```", "'a\x0cb\u2028c'\n"),
    ],
)
def test_fences_as_models_write_them(text: str, code: str) -> None:
    assert [block.code for block in read(text).blocks] == [code]


@pytest.mark.parametrize(
    "text",
    [
        '```python title="src/app.py"\nx\n```',
        "```python:src/app.py\nx\n```",
        "```python src/app.py\nx\n```",
        "**src/app.py**\n```python\nx\n```",
        "`src/app.py`:\n\n```python\nx\n```",
        "### src/app.py\n```python\nx\n```",
        "1. `src/app.py`\n```python\nx\n```",
        "File: src/app.py\n```python\nx\n```",
        "```python\n# src/app.py\nx\n```",
        "**File: src/app.py**\n```python\nx\n```",
        "./src/app.py\n```python\nx\n```",
        "../../src/app.py\n```python\nx\n```",
    ],
)
def test_a_file_is_known_by_the_name_that_the_answer_gives_it(text: str) -> None:
    block = read(text).blocks[0]

    assert (block.language, block.file) == ("python", "src/app.py")


@pytest.mark.parametrize(
    "text",
    [
        "Use version 3.11.\n```python\nx\n```",
        "Like this.\n```python\n# a comment\nx\n```",
        "In Node.js:\n```js\nx\n```",
        "Node.js:\n```js\nx\n```",
    ],
)
def test_prose_names_no_file(text: str) -> None:
    assert read(text).blocks[0].file == ""


def test_a_name_belongs_to_the_next_block_only() -> None:
    blocks = read("**a.py**\n```python\n1\n```\n```python\n2\n```").blocks

    assert [block.file for block in blocks] == ["a.py", ""]


def test_a_block_without_its_end_is_not_closed() -> None:
    assert [block.closed for block in read("```py\n1\n```\n```py\n2").blocks] == [True, False]


def test_text_without_fences_is_prose() -> None:
    answer = read("Just words.")

    assert answer.blocks == ()
    assert answer.without(()) == "Just words."


def test_a_name_in_the_place_of_the_language_is_a_name() -> None:
    block = read("```app.py\nx\n```").blocks[0]

    assert (block.language, block.file) == ("py", "app.py")


def test_a_long_line_before_a_block_costs_nothing() -> None:
    for line in ("-" * 100_000, "1." * 50_000, "a." * 50_000):
        assert read(f"{line}\n```py\nx\n```").blocks[0].file == ""


def test_nothing_in_a_code_closes_its_fence() -> None:
    assert fenced("a\n```\n````x\n", "md") == "`````md\na\n```\n````x\n`````"
    assert fenced("`" * 1_000_000, "").startswith("`" * 1_000_001 + "\n")
