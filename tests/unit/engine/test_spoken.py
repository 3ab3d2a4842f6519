"""Reading an answer out of a JSON object that is still being written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from theo_mcp.engine.spoken import Said, Spoken

HI = 'Hi "you" \\ {[,:]} \n\t zażółć 🧮 / end'
OBJECTS = {
    "in order": ('{"action": "answer", "answer": %s}', "answer"),
    "the answer first": ('{"answer": %s, "arguments": {"answer": "no", "action": "x"}, "action": "answer"}', "answer"),
    "no action": ('{"arguments": {}, "answer": %s}', "answer"),
    "in a fence": ('Sure, here it is:\n```json\n{"action":"answer","answer":%s}\n```\nDone {"answer": "x"}', "answer"),
    "nested": ('{"arguments": [{"answer": ["}"]}], "action": "answer", "answer": %s}', "answer"),
}
WRITTEN = {
    "escaped": '"Hi \\"you\\" \\\\ {[,:]} \\n\\t za\\u017c\\u00f3\\u0142\\u0107 \\ud83e\\uddee \\/ end"',
    "plain": '"Hi \\"you\\" \\\\ {[,:]} \\n\\t zażółć 🧮 / end"',
}


def read(text: str, size: int) -> tuple[str, Said | None]:
    spoken = Spoken()
    came = "".join(spoken.feed(text[at : at + size]) for at in range(0, len(text), size)) + spoken.rest()
    return came, spoken.said()


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("name", OBJECTS)
def test_the_answer_is_read_however_the_object_is_cut(name: str, written: str) -> None:
    template, action = OBJECTS[name]
    text = template.replace("%s", WRITTEN[written])

    for size in (1, 2, 3, 7, 1000):
        came, said = read(text, size)
        assert said is not None
        assert (said.action, said.answer) == (action, HI)
        assert came == ("" if name == "no action" else HI)  # which is known to be meant at the end only


def test_the_text_comes_before_the_object_is_whole() -> None:
    spoken = Spoken()

    assert spoken.feed('{"action": "answer", "answer": "So f') == "So f"
    assert spoken.feed("ar\\ud83e") == "ar"
    assert spoken.feed("\\uddee!") == "🧮!"
    assert spoken.said() is None


@pytest.mark.parametrize(
    "text", ["", "words", "[1]", '{"action": 5}', '{"action": "answer"}', '{"action": "answer", "answer": " "}', "{x}"]
)
def test_what_is_no_such_object_says_nothing(text: str) -> None:
    came, said = read(text, 4)

    assert (came.strip(), said) == ("", None)


@pytest.mark.slow
@settings(max_examples=500, deadline=1000)
@given(some.text(alphabet='{}[]",:\\u0d8e answeractio', max_size=80), some.integers(1, 9))
def test_nothing_that_a_model_writes_breaks_the_reading(text: str, size: int) -> None:
    came, _ = read('{"action": "answer", "answer": "' + text, size)

    came.encode()
