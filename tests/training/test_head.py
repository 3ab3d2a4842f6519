"""The head that is shipped: what it belongs to, and how well it does."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from tests.training.prompts import HERE, LANGUAGES, MODES, read
from tests.training.table import accuracy, judged, shipped, table
from theo_mcp.engine.classify import chosen
from theo_mcp.engine.intent import head
from theo_mcp.engine.intent.child import Model
from theo_mcp.engine.intent.rules import certain


def test_the_head_is_small_and_for_the_version_that_the_extra_installs() -> None:
    trained = head.load()
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {requirement.partition(";")[0] for requirement in project["optional-dependencies"]["embed"]}

    assert head.PATH.stat().st_size < 100_000
    assert trained.modes == MODES
    assert pinned == {f"{trained.package}=={trained.version}"}


def test_a_vector_of_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="383 numbers instead of 384"):
        head.load().probabilities([0.0] * 383)


def test_the_probabilities_of_all_modes_make_a_whole() -> None:
    likely = head.load().probabilities([0.05] * 384)

    assert set(likely) == set(MODES)
    assert sum(likely.values()) == pytest.approx(1)


def test_a_rule_is_never_wrong_about_a_prompt_that_is_labelled() -> None:
    ruled = [(each.mode, rule.mode) for each in read("prompts.tsv") if (rule := certain(each.text))]

    assert len(ruled) > 10
    assert all(mode == found for mode, found in ruled)
    assert not any(certain(each.text) for each in read("hard.tsv"))


@pytest.mark.slow
def test_four_of_five_hard_prompts_find_their_mode_in_each_language_and_the_table_says_how_many() -> None:
    model = Model()

    hard = judged(model, read("hard.tsv"))

    assert accuracy(hard, shipped) >= 0.8
    for language in LANGUAGES:
        assert accuracy([each for each in hard if each.prompt.language == language], shipped) >= 0.8
    assert table("Hard", hard) in (HERE / "TABLE.md").read_text(encoding="utf-8")
    assert hashlib.sha256(model.weights.read_bytes()).hexdigest() == head.load().sha256


@pytest.mark.slow
@pytest.mark.parametrize(
    "prompt",
    [
        "Explain microservices architecture",  # the documents' example, and the mode that it has there
        "Explain service mesh in microservices",  # its follow-up, which nothing was trained on
        "Was ist ein Service Mesh",
        "qué es un índice en una base de datos",
    ],
)
def test_what_asks_for_words_about_software_is_not_taken_for_code(prompt: str) -> None:
    likely = head.load().probabilities(Model().vector(head.excerpt(prompt)))

    assert chosen(likely).mode == "fast"
