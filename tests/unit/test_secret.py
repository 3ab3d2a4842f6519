from __future__ import annotations

import copy
import logging
import pickle

import pytest
from pydantic import BaseModel

from theo_mcp import Secret, Settings
from theo_mcp.secret import RedactingFilter, redact

KEY = "theo_sk_abcdefghijklmnop"


def test_no_way_of_printing_shows_the_value() -> None:
    secret = Secret(KEY)

    shown = f"{secret} {secret!r} {secret!s} {secret:>10} {pickle.loads(pickle.dumps(secret))} {copy.copy(secret)!r}"

    assert KEY not in shown
    assert secret.reveal() == copy.deepcopy(secret).reveal() == KEY


def test_a_model_that_holds_one_does_not_print_it() -> None:
    settings = Settings(theo_api_key=Secret(KEY))

    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()
    assert isinstance(settings, BaseModel)


def test_what_looks_like_a_key_is_redacted_even_if_it_was_never_seen() -> None:
    text = "sent Bearer abcdefgh12345678 and gc_0123456789abcdef0123456789abcdef and sk-proj-aaaaaaaaaaaa"

    assert redact(text) == "sent Bearer *** and *** and ***"


def test_known_values_are_redacted_whatever_they_look_like() -> None:
    Secret("correct horse battery")

    assert redact("it was 'correct horse battery'") == "it was '***'"


def test_log_records_are_redacted_with_their_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RedactingFilter())
    log = logging.getLogger("test")
    try:
        raise ValueError(f"bad header {KEY}")
    except ValueError:
        log.exception("failed with %s", KEY)

    assert KEY not in caplog.text
    assert "failed with ***" in caplog.text
    assert "bad header ***" in caplog.text


def test_of_two_keys_where_one_begins_the_other_the_whole_is_masked() -> None:
    Secret("beginning-of-a-key")
    Secret("beginning-of-a-key-that-goes-on")

    assert redact("with beginning-of-a-key-that-goes-on") == "with ***"
