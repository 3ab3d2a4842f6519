from __future__ import annotations

import pytest

from theo_mcp import CompletionRequest
from theo_mcp.engine.classify import classify


@pytest.mark.parametrize(
    ("prompt", "mode"),
    [
        ("Write a Python function that reverses a string", "code"),
        ("please implement a REST endpoint", "code"),
        ("What is wrong here?\n```js\nfoo(\n```", "code"),
        ("Roast my landing page", "roast"),
        ("Prove that the square root of two is irrational", "think"),
        ("Explain microservices architecture", "fast"),
        ("Write a poem about functions", "fast"),
        ("How do I roast a chicken?", "fast"),
    ],
)
def test_auto_is_decided_by_certain_rules_and_is_fast_otherwise(prompt: str, mode: str) -> None:
    intent = classify(CompletionRequest(prompt=prompt, mode="auto"))

    assert intent.mode == mode
    assert intent.reason
    assert (intent.confidence >= 0.8) == (mode != "fast")


def test_a_prompt_of_blank_lines_costs_nothing() -> None:
    assert classify(CompletionRequest(prompt="log:" + " \n" * 99_000)).mode == "fast"


def test_an_explicit_mode_always_wins() -> None:
    assert classify(CompletionRequest(prompt="Roast my code", mode="think")).mode == "think"
