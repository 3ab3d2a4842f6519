from __future__ import annotations

import pytest

from theo_mcp import ConfigError, TheoClient
from theo_mcp.http.address import checked_base_url, is_loopback


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://www.hitheo.ai", "https://www.hitheo.ai"),
        (" https://proxy.example/theo/ ", "https://proxy.example/theo"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:9/v1", "http://[::1]:9/v1"),
    ],
)
def test_a_url_that_a_key_may_go_to_is_kept(url: str, kept: str) -> None:
    assert checked_base_url(url, "theo_base_url") == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hitheo.ai",
        "ftp://hitheo.ai",
        "https://",
        "https://user:secret@hitheo.ai",
        "https://hitheo.ai?key=secret",
        "https://hitheo.ai#secret",
        "http://hitheo.ai",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "https://hitheo.ai:port",
        "https://[::1",
    ],
)
def test_any_other_is_refused_by_the_settings_name_and_not_echoed(url: str) -> None:
    with pytest.raises(ConfigError, match="theo_base_url") as raised:
        checked_base_url(url, "theo_base_url")

    assert "secret" not in str(raised.value)
    assert raised.value.hint


def test_plain_http_to_another_machine_needs_the_users_word() -> None:
    assert checked_base_url("http://10.0.0.1", "x", allow_insecure_http=True) == "http://10.0.0.1"


def test_the_whole_loopback_range_is_this_machine() -> None:
    assert is_loopback("http://127.8.9.1:80")
    assert not is_loopback("http://128.0.0.1")
    assert not is_loopback("nonsense")


@pytest.mark.parametrize("url", ["https://hitheo.ai", "https://hitheo.ai/api/v1", "https://www.hitheo.ai/api/v1/"])
def test_theos_apex_becomes_the_origin_that_answers(url: str) -> None:
    assert TheoClient("theo_sk_x", base_url=url).base_url == "https://www.hitheo.ai"
