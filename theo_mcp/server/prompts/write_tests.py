"""``write_tests``: tests for code."""

from __future__ import annotations

from collections.abc import Mapping

from theo_mcp.server.asking import ask, code_of
from theo_mcp.server.prompts import CODE, PATH, Argument, Prompt


def _message(given: Mapping[str, str]) -> str:
    kind = given.get("kind", "unit tests")
    return ask(
        "theo_code",
        f"Write {kind} for this code: what it should do, its edge cases and its errors. Each test has a name that "
        "says what holds, expects literal values, and needs neither the network nor a sleep.",
        code_of(given),
        given={"framework": given.get("framework"), "save_as": given.get("save_as")},
        then="read the tests, correct what they assume wrongly of the code, show them, and run them if you can. "
        "A test that fails may have found a fault in the code: tell the user before you change either.",
    )


PROMPT = Prompt(
    name="write_tests",
    title="Write tests",
    description="Tests for code.",
    arguments=(
        CODE,
        PATH,
        Argument(
            "framework",
            "Such as pytest.",
            values=(
                "pytest", "unittest", "hypothesis", "jest", "vitest", "mocha", "playwright", "cypress", "go test",
                "cargo test", "junit", "kotest", "xctest", "xunit", "nunit", "phpunit", "pest", "rspec", "minitest",
                "googletest", "catch2", "bats",
            ),
        ),
        Argument("kind", "Such as unit tests.", values=(
            "unit tests", "integration tests", "property tests", "regression tests", "end-to-end tests",
        )),
        Argument("save_as", "Also save them under this name.", values=("test_main.py", "main.test.ts", "main_test.go")),
    ),
    message=_message,
    tools=("theo_code",),
    icon="M9 3h6M10 3v6l-5 10h14l-5-10V3M8 15h8",
    code="wanted",
)  # fmt: skip
