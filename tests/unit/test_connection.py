"""Who answers: the table of decision 3, and what a broken setting costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conftest import MakeSettings
from theo_mcp import CompletionRequest, ConfigError, ImproveRequest, NotAvailableError, connect
from theo_mcp.testing import getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo

ENGINE_URL = {"engine_url": "http://127.0.0.1:9/v1"}
SERVERS = {"servers": {"fast": {"urls": ["http://127.0.0.1:9/v1"]}}}
THEO = {"theo_api_key": theo.KEY}
GETCODE = {"getcode_api_key": getcode.KEY}


@pytest.mark.parametrize(
    ("fields", "theo_answers", "getcode_answers"),
    [
        ({}, "engine", "engine"),
        (THEO, "hosted", "engine"),
        (GETCODE, "engine", "hosted"),
        (THEO | GETCODE, "hosted", "hosted"),
        (THEO | GETCODE | ENGINE_URL, "engine", "engine"),
        (THEO | GETCODE | ENGINE_URL | {"backend": "hosted"}, "hosted", "hosted"),
        (THEO | {"backend": "engine"}, "engine", "engine"),
        (THEO | {"backend": "hosted"}, "hosted", "nothing"),
        ({"theo_api_key": "${KEY}"}, "nothing", "engine"),
        (THEO | {"theo_base_url": "http://example.com"}, "nothing", "engine"),
        ({"engine_url": "nonsense"}, "nothing", "nothing"),
        (THEO | GETCODE | SERVERS, "engine", "engine"),
        (THEO | SERVERS | {"backend": "hosted"}, "hosted", "nothing"),
        ({"servers": {"fast": {"urls": ["nonsense"]}}}, "nothing", "nothing"),
        ({"servers": {"fast": {"urls": ["http://127.0.0.1:9"], "api_key": "$KEY"}}}, "nothing", "nothing"),
    ],
)
def test_who_answers_is_decided_per_api(
    make_settings: MakeSettings, fields: dict[str, object], theo_answers: str, getcode_answers: str
) -> None:
    backend = connect(make_settings(**fields))

    assert (backend.theo_choice.answers, backend.getcode_choice.answers) == (theo_answers, getcode_answers)
    assert backend.theo_choice.why
    assert backend.getcode_choice.why


async def test_a_malformed_key_fails_each_call_and_nothing_is_sent(
    make_settings: MakeSettings, theo_service: FakeTheo
) -> None:
    settings = make_settings(theo_api_key="Bearer theo_sk_abcdefghijkl", theo_base_url=theo_service.origin)

    async with connect(settings) as backend:
        for _ in range(2):
            with pytest.raises(ConfigError, match="begins with 'Bearer'"):
                await backend.theo.complete(CompletionRequest(prompt="Hello"))
        with pytest.raises(ConfigError):
            async with backend.theo.stream(CompletionRequest(prompt="Hello")):
                pass

    assert theo_service.requests == []


async def test_settings_that_could_not_be_read_break_every_call() -> None:
    async with connect(ConfigError("The file is broken.")) as backend:
        with pytest.raises(ConfigError, match="The file is broken"):
            await backend.getcode.improve(ImproveRequest(prompt="x", output_type="pdf"))


async def test_a_hosted_failure_is_not_answered_by_the_engine(
    make_settings: MakeSettings, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    settings = make_settings(theo_api_key="theo_sk_wrong_key_00", theo_base_url=theo_service.origin)

    async with connect(settings) as backend:
        with pytest.raises(Exception, match="invalid API key") as raised:
            await backend.theo.complete(CompletionRequest(prompt="Hello"))

    assert getattr(raised.value, "status", None) == 401


async def test_without_anything_the_error_says_what_to_do(make_settings: MakeSettings) -> None:
    async with connect(make_settings()) as backend:
        with pytest.raises(NotAvailableError) as raised:
            await backend.theo.complete(CompletionRequest(prompt="Hello"))

    assert raised.value.code == "no_model"
    for way in ("theo-mcp engine pull", "THEO_API_KEY", "--engine-url"):
        assert way in raised.value.hint


async def test_what_cannot_be_closed_keeps_nothing_else_open(make_settings: MakeSettings) -> None:
    closed = []

    async def fails() -> None:
        raise OSError("stuck")

    async def closes() -> None:
        closed.append("closed")

    backend = replace(connect(make_settings(**THEO)), closers=(closes, fails, closes))
    with pytest.raises(OSError, match="stuck"):
        await backend.aclose()

    assert closed == ["closed", "closed"]
