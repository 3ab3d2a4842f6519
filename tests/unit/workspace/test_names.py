from __future__ import annotations

import pytest

from theo_mcp.workspace.names import numbered, safe_name, safe_path


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("report.pdf", "report.pdf"),
        ("Zażółć gęślą jaźń 🧮.md", "Zażółć gęślą jaźń 🧮.md"),
        ("Cafe\u0301", "Café"),
        ("日本語の文書", "日本語の文書"),
        ("👩\u200d🔬.png", "👩\u200d🔬.png"),
        ("a/b\\c", "a-b-c"),
        ('<a>:"b"|?*', "a-b-"),
        ("a\0b\x1b[2Jc\x7f", "ab[2Jc"),
        ("line\nbreak\ttab\u2028end", "line break tab end"),
        ("  many   spaces  ", "many spaces"),
        ("trailing. . .", "trailing"),
        ("...hidden", "hidden"),
        ("--flag", "flag"),
        (". - .x", "x"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("\ufeffa\u200bb", "ab"),
        ("\ud800x", "x"),
        ("con", "con_"),
        ("NUL.txt", "NUL_.txt"),
        ("com1 .tar.gz", "com1_.tar.gz"),
        ("LPT²", "LPT²_"),
        ("console", "console"),
        ("C:\\x", "C-x"),
        ("", "untitled"),
        ("...", "untitled"),
        ("\0\u200b", "untitled"),
        ("~", "~"),
    ],
)
def test_any_title_is_a_name_that_every_system_takes(title: str, name: str) -> None:
    assert safe_name(title) == name


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("a" * 300 + ".txt", "a" * 244 + ".txt"),
        ("ż" * 300 + ".txt", "ż" * 122 + ".txt"),
        ("🧮" * 100, "🧮" * 62),
        ("a" * 300, "a" * 248),
        ("x." + "e" * 300, "x." + "e" * 246),
        ("a" * 243 + "q\u0307" + "b" * 20 + ".txt", "a" * 243 + ".txt"),
        ("q" + "\u0307" * 300 + ".txt", "q" + "\u0307" * 121 + ".txt"),
        ("a" * 240 + " . . . . b" + "c" * 20, "a" * 240),
    ],
)
def test_a_long_title_keeps_its_extension_and_whole_characters(title: str, name: str) -> None:
    assert safe_name(title) == name
    assert len(numbered(name, 9999).encode()) <= 255


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("src/app.py", ("src", "app.py")),
        ("src\\app.py", ("src", "app.py")),
        ("/etc/passwd", ("etc", "passwd")),
        ("../../x", ("x",)),
        ("C:\\Users\\x", ("C-", "Users", "x")),
        (".git/hooks/pre-commit", ("git", "hooks", "pre-commit")),
        ("a/", ("a",)),
        ("/", ("untitled",)),
        ("", ("untitled",)),
        ("/".join("abcdefghijklmnop"), tuple("efghijklmnop")),
    ],
)
def test_a_path_stays_where_it_is_put(text: str, names: tuple[str, ...]) -> None:
    assert safe_path(text) == names


def test_a_number_goes_before_the_extension() -> None:
    assert [numbered(name, 2) for name in ("a.txt", "a", "a.tar.gz", "a. b c", ".x")] == [
        "a (2).txt", "a (2)", "a.tar (2).gz", "a. b c (2)", ".x (2)",
    ]  # fmt: skip
