"""The hard prompts are what they claim to be."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.training.cues import cues
from tests.training.prompts import LANGUAGES, MODES, Labelled, read


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
        assert bool(found) == (each.kind == "trap"), (each.text, found)
