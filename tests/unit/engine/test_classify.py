from __future__ import annotations

from typing import get_args

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, connect
from theo_mcp.engine.classify import Classifier, Intent, chosen
from theo_mcp.engine.words import ResolvedMode
from theo_mcp.settings import Settings
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.wire.words import Mode

MODES: tuple[ResolvedMode, ...] = get_args(ResolvedMode)
TEXT_ONLY: frozenset[ResolvedMode] = frozenset({"fast", "think", "code", "roast"})


async def by_rules(prompt: str, mode: Mode = "auto", served: frozenset[ResolvedMode] = TEXT_ONLY) -> Intent:
    return await Classifier(Settings(intent_model=False)).intent(CompletionRequest(prompt=prompt, mode=mode), served)


def likelihoods(**likely: float) -> dict[ResolvedMode, float]:
    """The rest is shared by the other modes."""
    rest = (1 - sum(likely.values())) / (len(MODES) - len(likely))
    return {mode: likely.get(mode, rest) for mode in MODES}


@pytest.mark.parametrize(
    ("prompt", "mode"),
    [
        ("Write a Python function that reverses a string", "code"),
        ("please implement a REST endpoint", "code"),
        ("Schreibe eine kurze Funktion, die Zahlen addiert", "code"),
        ("What is wrong here?\n```js\nfoo(\n```", "code"),
        ("Roast my landing page", "roast"),
        ("Prove that the square root of two is irrational", "think"),
        ("Draw me a fox in the snow", "image"),
        ("Zeichne einen Igel", "image"),
        ("Dibuja un gato", "image"),
        ("Make a picture of the sea", "image"),
        ("Create a short video of a kite", "video"),
    ],
)
async def test_a_rule_that_is_certain_decides_alone(prompt: str, mode: str) -> None:
    intent = await by_rules(prompt, served=frozenset(MODES))

    assert (intent.mode, intent.confidence, intent.unserved) == (mode, 0.95, None)


@pytest.mark.parametrize(
    "prompt",
    [
        "Explain microservices architecture",
        "Write a poem about functions",
        "How do I roast a chicken?",
        "Draw a conclusion from these numbers",
        "Draw a quick comparison of both offers",
        "draw a circle on a canvas element",
        "Draw a red line at y = 3",
        "Write a class schedule for our gym",
        "Create a program for the concert",
        "Write a script for our wedding film",
        "make a picture hang straight",
    ],
)
async def test_what_only_sounds_like_a_mode_is_not_decided_by_rules(prompt: str) -> None:
    intent = await by_rules(prompt, served=frozenset(MODES))

    assert intent == Intent("fast", 0.3, "no rule is certain, and intent_model is off")


async def test_a_prompt_of_blank_lines_costs_nothing() -> None:
    assert (await by_rules("log:" + " \n" * 99_000)).mode == "fast"


async def test_an_explicit_mode_always_wins() -> None:
    assert await by_rules("Roast my code", "think") == Intent("think", 1.0, "the request names it")


@pytest.mark.parametrize(
    ("likely", "mode", "confidence"),
    [
        (likelihoods(code=0.41), "code", 0.41),
        (likelihoods(code=0.39, think=0.3), "fast", 0.05),
        (likelihoods(image=0.61), "image", 0.61),
        (likelihoods(image=0.59), "fast", 0.06),
        (likelihoods(research=0.5, think=0.45), "think", 0.45),
        (likelihoods(roast=0.99), "roast", 0.99),
    ],
)
def test_what_is_not_likely_enough_is_fast_and_costly_modes_have_to_be_likelier(
    likely: dict[ResolvedMode, float], mode: str, confidence: float
) -> None:
    intent = chosen(likely)

    assert (intent.mode, intent.confidence) == (mode, confidence)


async def test_a_mode_that_is_not_served_is_answered_by_what_is_closest_and_the_answer_says_so(
    model_server: ModelServer, make_settings: MakeSettings
) -> None:
    intent = await by_rules("Draw me a fox in the snow")
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        answer = await backend.theo.complete(CompletionRequest(prompt="Make a video of a dog surfing"))

    assert intent == Intent("fast", 0.95, "it asks for a drawing; image is not served here", unserved="image")
    assert answer.resolved_mode == "fast"
    assert answer.theo_mcp.notice == (
        "The prompt seems to ask for a video, which this engine does not make; answered in mode fast."
    )


async def test_an_answer_says_how_its_mode_was_found(model_server: ModelServer, make_settings: MakeSettings) -> None:
    async with connect(make_settings(engine_url=model_server.url)) as backend:
        found = await backend.theo.complete(CompletionRequest(prompt="Roast my landing page"))
        named = await backend.theo.complete(CompletionRequest(prompt="Roast my landing page", mode="fast"))

    assert (found.routing or {}).items() >= {
        "mode": "roast", "confidence": 0.95, "reason": "it begins with 'roast'",
    }.items()  # fmt: skip
    assert (named.routing or {}).items() >= {
        "mode": "fast",
        "confidence": 1.0,
        "reason": "the request names it",
    }.items()
