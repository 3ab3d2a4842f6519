"""Redaction: every secret of the corpus is held back, no look-alike is, and what was taken comes back byte for byte."""

from __future__ import annotations

import time
from random import Random

import pytest

from tests.unit.lsp.secrets import Sample, samples
from theo_lsp.redact import redacted, restored
from theo_lsp.redact.words import KEYWORD, keywords, lowered

_GITHUB = "gh" + "p_9fK2mQx7Lw4RtZb8VnHcYd3JsGp6TaUe1BoX"
_BODY = ("q3VdX9hPz0LmWc7RtYbKfJ2sGn8UaEeTo5iBv4Nx6ZkDlQwHyMjCrFpSgIuOA1+/", "R8tPz0LmWc7YbKfJ2sGn8UaEeTo5iBv4Nx6ZkD==")


def test_the_corpus_is_large_enough_to_say_something() -> None:
    corpus = samples()

    assert len(corpus) >= 12
    assert sum(len(sample.secrets) for sample in corpus) >= 120
    assert sum(len(sample.look_alikes) for sample in corpus) >= 120


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_every_secret_is_held_back_and_nothing_else(sample: Sample) -> None:
    result = redacted(sample.text)

    assert set(result.secrets.values()) == {sample.text[start:end] for start, end in sample.secrets}
    assert restored(result.text, result.secrets) == sample.text
    assert result.text.count("\n") == sample.text.count("\n")


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_every_look_alike_stays_where_it_is(sample: Sample) -> None:
    for start, end in sample.look_alikes:
        line = sample.text.rfind("\n", 0, start) + 1
        stop = sample.text.find("\n", end)
        around = sample.text[line : stop if stop >= 0 else None]

        assert redacted(around).text == around


def test_secrets_are_counted_by_kind_and_once_however_often_they_stand() -> None:
    result = redacted(f'a = "{_GITHUB}"\nb = "{_GITHUB}"\npassword = "Vexil42!oblast"\n')

    assert result.kinds == {"GitHub token": 1, "password": 1}
    assert result.text == (
        'a = "__HELD_BACK_SECRET_1__"\nb = "__HELD_BACK_SECRET_1__"\npassword = "__HELD_BACK_SECRET_2__"\n'
    )


def test_a_secret_keeps_its_word_in_every_text_of_a_run() -> None:
    first = redacted(f'token = "{_GITHUB}"')

    second = redacted(f'password = "Vexil42!oblast"  # was {_GITHUB}', first)

    assert second.text == 'password = "__HELD_BACK_SECRET_2__"  # was __HELD_BACK_SECRET_1__'
    assert second.kinds == {"password": 1, "GitHub token": 1}


def test_a_private_key_is_one_secret_and_keeps_its_lines() -> None:
    key = f"-----BEGIN {'PRIVATE'} KEY-----\n{_BODY[0]}\n{_BODY[1]}\n-----END {'PRIVATE'} KEY-----\n"

    result = redacted(key)

    assert result.kinds == {"private key": 1}
    assert result.text.splitlines()[1:3] == ["__HELD_BACK_SECRET_1__", "__HELD_BACK_SECRET_2__"]


def test_a_line_from_the_middle_of_a_known_private_key_is_held_back() -> None:
    key = f"-----BEGIN {'PRIVATE'} KEY-----\n{_BODY[0]}\n{_BODY[1]}\n-----END {'PRIVATE'} KEY-----\n"

    assert redacted(f"{_BODY[1]}\n", redacted(key)).text == "__HELD_BACK_SECRET_2__\n"


def test_a_private_key_that_is_cut_off_is_held_back_as_far_as_it_goes() -> None:
    result = redacted(f"-----BEGIN {'PRIVATE'} KEY-----\n{_BODY[0]}\n\nthe next paragraph")

    assert result.text.endswith("-----\n__HELD_BACK_SECRET_1__\n\nthe next paragraph")


def test_a_word_of_ours_in_the_source_does_not_become_a_secret() -> None:
    source = f'a = "__HELD_BACK_SECRET_1__"\nb = "{_GITHUB}"\n'

    result = redacted(source)

    assert restored(result.text, result.secrets) == source
    assert result.kinds.total() == 1


def test_an_answer_gets_its_secrets_back_and_unknown_words_stay() -> None:
    secrets = {"__HELD_BACK_SECRET_1__": "one", "__HELD_BACK_SECRET_12__": "twelve"}

    answer = "f('__HELD_BACK_SECRET_12__', '__HELD_BACK_SECRET_1__', '__HELD_BACK_SECRET_3__')"

    assert restored(answer, secrets) == "f('twelve', 'one', '__HELD_BACK_SECRET_3__')"


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["a", "A1", "sk-", "eyJ", "eyJaaaaaaaa.", "password=", "password = '", "://a:bbbb", "cookie: a=b; ", " -u a:",
     "-----BEGIN " + "PRIVATE KEY-----", "-----BEGIN " + "PRIVATE KEY-----\n" + "A" * 64 + "\n", "\\", 'password=\\"',
     "password =\n ", "__HELD_BACK_SECRET_", "パスワード🔑", "e.password=t.token,n[r];", "mysql ",
     "jwt.sign(", 'auth=("a", ', "token || ", "sshpass -p ",
     "password = a1!b2c3d4e5f6\n", "key = Ab1xY9kLm2Qp8Zt4\n", "secret key "],
)  # fmt: skip
def test_the_time_grows_with_the_text_alone(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        start = time.process_time()
        redacted(text)
        return time.process_time() - start

    short, long = seconds(4_000), seconds(64_000)

    # Sixteen times the text: a quadratic search would take 256 times as long. The floor keeps a slow clock out of it.
    assert long < 64 * max(short, 0.002)


def test_the_words_are_found_where_their_pattern_finds_them() -> None:
    random = Random(3)
    parts = ["pass", "word", "pwd", "secret", "key", "access", "shared", "auth", "orization", "token", "api", "base"]
    parts += [
        "credential",
        "s",
        "identified by",
        "_",
        "-",
        ".",
        " ",
        "KEY",
        "Token",
        "\u0130",
        "\u017fecret",
        "\u212aey",
    ]
    for _ in range(3_000):
        text = "".join(random.choices(parts, k=random.randrange(1, 9)))

        found = [match.span() for match in keywords(text, lowered(text))]

        assert found == [match.span() for match in KEYWORD.finditer(text)]


def test_what_looks_like_base64_and_is_none_stays() -> None:
    text = "Authorization: Basic \u017fGVyZTpub3QgYSBzZWNyZXQ"

    assert redacted(text).text == text


@pytest.mark.slow
def test_a_line_of_a_megabyte_and_fifty_thousand_lines_are_read() -> None:
    line = "x" * 500_000 + f' token="{_GITHUB}" ' + "y" * 500_000
    lines = "\n".join(f"value_{number} = {number}" for number in range(50_000)) + f'\ntoken = "{_GITHUB}"'

    assert redacted(line).kinds.total() == 1
    assert redacted(lines).kinds.total() == 1
