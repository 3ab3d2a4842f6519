"""When to send again: every rule, with the clock and chance given."""

from __future__ import annotations

import pytest

from theo_mcp.http.retry import (
    Failure,
    Kind,
    RetryPolicy,
    Traffic,
    delay,
    kind_of_status,
    read_retry_after,
    read_should_retry,
)

POLICY = RetryPolicy()


def wait(failure: Failure, *, tries: int = 1, repeatable: bool = False, left: float = 100.0, chance: float = 1.0,
         policy: RetryPolicy = POLICY) -> float | None:  # fmt: skip
    return delay(policy, failure, tries=tries, repeatable=repeatable, left=left, chance=lambda: chance)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "final"), (401, "final"), (404, "final"), (409, "final"), (499, "final"), (418, "final"),
        (408, "refused"), (425, "refused"), (429, "refused"), (503, "refused"),
        (500, "ambiguous"), (501, "final"), (502, "ambiguous"), (504, "ambiguous"), (529, "ambiguous"),
    ],
)  # fmt: skip
def test_a_status_says_what_became_of_the_work(status: int, kind: Kind) -> None:
    assert kind_of_status(status) == kind


@pytest.mark.parametrize(
    ("kind", "repeatable", "again"),
    [
        ("never sent", False, True),
        ("refused", False, True),
        ("ambiguous", False, False),
        ("ambiguous", True, True),
        ("final", False, False),
        ("final", True, False),
    ],
)
def test_only_what_cannot_be_billed_twice_is_sent_again(kind: Kind, repeatable: bool, again: bool) -> None:
    assert (wait(Failure(kind), repeatable=repeatable) is not None) is again


def test_the_user_may_allow_what_is_ambiguous() -> None:
    assert wait(Failure("ambiguous"), policy=RetryPolicy(retry_ambiguous=True)) == 0.5


def test_the_services_own_word_decides_both_ways() -> None:
    assert wait(Failure("ambiguous", should_retry=True)) == 0.5
    assert wait(Failure("final", should_retry=True)) == 0.5
    assert wait(Failure("never sent", should_retry=False)) is None


def test_the_wait_doubles_up_to_its_limit_and_chance_takes_any_part_of_it() -> None:
    policy = RetryPolicy(retries=9)

    waits = [wait(Failure("refused"), tries=tries, policy=policy) for tries in range(1, 8)]

    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert wait(Failure("refused"), tries=5, policy=policy, chance=0.0) == 0.0
    assert wait(Failure("refused"), tries=10, policy=policy) is None


@pytest.mark.parametrize(
    ("retry_after", "left", "seconds"),
    [(0.0, 100.0, 0.0), (10.0, 100.0, 11.0), (60.0, 100.0, 66.0), (60.1, 100.0, None), (20.0, 20.0, None)],
)
def test_the_services_time_is_kept_unless_it_is_too_long(
    retry_after: float, left: float, seconds: float | None
) -> None:
    assert wait(Failure("refused", retry_after), left=left) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 +99999999999999", "date": "Sat, 21 Nov 2026 10:00:00 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_its_forms_and_junk_is_none(headers: dict[str, str], seconds: float | None) -> None:
    assert read_retry_after(headers) == seconds


def test_x_should_retry_is_true_false_or_nothing() -> None:
    words = ["true", " False ", "maybe", ""]

    assert [read_should_retry({"x-should-retry": word}) for word in words] == [True, False, None, None]


def test_the_budget_is_ten_retries_and_a_tenth_of_the_calls() -> None:
    traffic = Traffic()

    assert [traffic.take_retry() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(10):
        traffic.began()
    assert [traffic.take_retry() for _ in range(2)] == [True, False]


def test_a_pause_holds_its_scope_and_the_longest_counts() -> None:
    traffic = Traffic()
    traffic.pause("/images", now=100, asked=10, longest=60)
    traffic.pause("", now=100, asked=4, longest=60)
    traffic.pause("", now=100, asked=2, longest=60)

    assert traffic.paused_for("/images", 100) == (10, 10)
    assert traffic.paused_for("/code", 100) == (4, 4)
    assert traffic.paused_for("/code", 105) == (0, 0)
    assert traffic.paused_for("/images", 111) == (0, 0)


def test_a_pause_too_long_to_wait_for_is_asked_about_again_after_the_longest() -> None:
    traffic = Traffic()
    traffic.pause("", now=100, asked=3600, longest=60)

    assert traffic.paused_for("/code", 110) == (50, 3590)
    assert traffic.paused_for("/code", 161) == (0, 0)


def test_pauses_are_listed_until_they_are_over() -> None:
    traffic = Traffic()
    traffic.pause("/api/generate", now=100, asked=3600, longest=3600)
    traffic.pause("", now=100, asked=600, longest=60)

    assert traffic.pauses(110) == {"/api/generate": 3590, "": 590}
    assert traffic.pauses(161) == {"/api/generate": 3539}
    assert traffic.paused_for("/api/generate", 3699) == (1, 1)
    assert traffic.pauses(3700) == {}


def test_five_failures_in_a_row_close_the_way_and_one_call_tries_it_again() -> None:
    traffic = Traffic()
    for at in (0, 1, 2, 3):
        traffic.failed(at)
    assert traffic.closed_for(3) == 0

    traffic.failed(4)

    assert traffic.closed_for(4.5) == 1.5
    assert traffic.closed_for(6) == 0, "the probe"
    assert traffic.closed_for(6) == 30, "all others wait for its outcome"
    traffic.failed(6.5)
    assert traffic.closed_for(6.5) == 2
    assert traffic.closed_for(8.5) == 0
    traffic.answered()
    assert [traffic.closed_for(8.6), traffic.closed_for(8.6)] == [0, 0]


def test_failures_far_apart_or_answers_between_them_close_nothing() -> None:
    traffic = Traffic()
    for at in (0, 3, 6, 9, 12):
        traffic.failed(at)
    assert traffic.closed_for(12) == 0
    for at in (13, 13, 13):
        traffic.failed(at)
        traffic.answered()
    assert traffic.closed_for(13) == 0


def test_a_probe_that_is_given_up_lets_the_next_call_try() -> None:
    traffic = Traffic()
    for at in range(5):
        traffic.failed(at)
    assert traffic.closed_for(10) == 0

    traffic.gave_up()

    assert traffic.closed_for(10) == 0
