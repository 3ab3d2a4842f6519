"""The hard prompts are what they claim to be."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.training.cues import cues
from tests.training.prompts import LANGUAGES, MODES, Labelled, read, runs


@pytest.fixture(scope="module")
def hard() -> list[Labelled]:
    return read("hard.tsv")


def test_there_are_seven_hard_prompts_of_each_mode_in_each_language(hard: list[Labelled]) -> None:
    assert Counter((each.mode, each.language) for each in hard) == {
        (mode, language): 7 for mode in MODES for language in LANGUAGES
    }
    assert len({each.text for each in hard}) == 168


def test_no_hard_prompt_names_its_mode_and_only_a_trap_has_the_cue_of_another(hard: list[Labelled]) -> None:
    for each in hard:
        found = cues(each.text)
        assert each.mode not in found, each.text
        assert bool(found) == each.trap, (each.text, found)


def test_no_four_words_in_a_row_stand_in_a_hard_prompt_and_in_one_that_is_trained_on(hard: list[Labelled]) -> None:
    trained = {run for each in read("prompts.tsv") for run in runs(each.text)}

    shared = {run for each in hard for run in runs(each.text)} & trained

    assert not shared
