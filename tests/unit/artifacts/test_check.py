from __future__ import annotations

import pytest

from theo_mcp.artifacts.check import check


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "def f(x):\n    return x\n"),
        ("py", 'print("\\d")'),
        ("json", '{"a": [1, 2]}'),
        ("TOML", "[a]\nb = 1\n"),
        ("xml", "<a><b/></a>"),
        ("svg", "<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ],
)
def test_what_parses_is_said_to_parse(language: str, code: str) -> None:
    assert check(language, code).status == "parses"


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("python", "def f(:\n", "line 1"),
        ("python", "x = 1\n\0", "null"),
        ("python", "(" * 10_000, ""),
        ("json", "{", ""),
        ("json", '{"a": NaN}', "NaN"),
        ("toml", "a = ", ""),
        ("xml", "<a>", "line 1"),
        ("python", "  \n", "no code"),
    ],
)
def test_what_does_not_parse_is_said_with_the_place(language: str, code: str, said: str) -> None:
    found = check(language, code)

    assert found.status == "fails"
    assert said in found.message


def test_an_entity_bomb_ends_at_once() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    assert check("xml", f'<!DOCTYPE b [<!ENTITY a0 "x">{entities}]><b>&a11;</b>').status == "fails"


@pytest.mark.parametrize(
    ("language", "code"),
    [("json", "[" * 100_000), ("python", "x = 1\n" * 50_000), ("toml", "a" + ".a" * 20_000 + " = 1")],
)
def test_what_is_too_much_for_a_parser_is_said_to_be_not_checked(language: str, code: str) -> None:
    found = check(language, code)

    assert found.status == "not checked"
    assert "too" in found.message


@pytest.mark.parametrize("language", ["go", "", "cobol"])
def test_other_languages_are_said_to_be_not_checked(language: str) -> None:
    assert check(language, "func main() {}").status == "not checked"
