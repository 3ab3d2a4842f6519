from __future__ import annotations

from collections import Counter

import pytest

from tests.golden.case import Case, cases

_CASES = cases()


@pytest.mark.parametrize("case", _CASES, ids=[case.path.stem for case in _CASES])
def test_an_answer_becomes_the_edit_that_its_file_shows(case: Case) -> None:
    assert case.outcome() == case.expected


def test_there_are_enough_in_enough_languages() -> None:
    languages = Counter(case.fields["language"] for case in _CASES)

    assert len(_CASES) >= 120
    assert len([language for language, count in languages.items() if count >= 4]) >= 12
