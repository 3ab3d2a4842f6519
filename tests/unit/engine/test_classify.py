from __future__ import annotations

import pytest

from theo_mcp import CompletionRequest
from theo_mcp.engine.classify import Classifier, Intent
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.settings import Settings
from theo_mcp.wire.words import Mode

SERVED: frozenset[ResolvedMode] = frozenset({"fast", "think", "code", "roast"})


async def classified(prompt: str, mode: Mode = "auto") -> Intent:
    return await Classifier(Settings()).intent(CompletionRequest(prompt=prompt, mode=mode), SERVED)


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
async def test_auto_is_decided_by_certain_rules_and_is_fast_otherwise(prompt: str, mode: str) -> None:
    intent = await classified(prompt)

    assert intent.mode == mode
    assert intent.reason
    assert (intent.confidence >= 0.8) == (mode != "fast")


async def test_a_prompt_of_blank_lines_costs_nothing() -> None:
    assert (await classified("log:" + " \n" * 99_000)).mode == "fast"


async def test_an_explicit_mode_always_wins() -> None:
    assert (await classified("Roast my code", "think")).mode == "think"
