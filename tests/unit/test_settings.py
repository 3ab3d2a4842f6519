from __future__ import annotations

from pathlib import Path

import pytest

from theo_mcp import ConfigError, Settings
from theo_mcp.settings import checked_key, flag_of, variable_of

KEY = "theo_sk_abcdefghijklmnop"


def load(tmp_path: Path, file: str | None = None, environ: dict[str, str] | None = None, **flags: str) -> Settings:
    path = tmp_path / "config.toml"
    if file is not None:
        path.write_text(file, encoding="utf-8")
    return Settings.load({"config": str(path) if file is not None else None, **flags}, environ or {})


def test_flags_win_over_variables_over_the_file_over_defaults(tmp_path: Path) -> None:
    file = 'engine_model = "from-file"\ntimeout_s = 5\ncontext_tokens = 4096\n'
    environ = {"THEO_MCP_ENGINE_MODEL": "from-variable", "THEO_MCP_TIMEOUT_S": "6"}

    settings = load(tmp_path, file, environ, engine_model="from-flag")

    assert (settings.engine_model, settings.origin("engine_model")) == ("from-flag", "--engine-model")
    assert (settings.timeout_s, settings.origin("timeout_s")) == (6.0, "THEO_MCP_TIMEOUT_S")
    assert (settings.context_tokens, settings.origin("context_tokens")) == (4096, str(tmp_path / "config.toml"))
    assert (settings.backend, settings.origin("backend")) == ("auto", "default")


def test_blank_variables_count_as_absent(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"THEO_API_KEY": "  ", "THEO_MCP_TIMEOUT_S": ""}).key("theo") is None


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("engine_model = \n", "line 1"),
        ("a = 1\nb = [\n", "is not TOML"),
        ("engine_modle = 'x'\n", "Did you mean 'engine_model'"),
        ("timeout_s = 'soon'\n", "timeout_s"),
        ("timeout_s = -1\n", "timeout_s"),
        ("backend = 'cloud'\n", "backend"),
        ("theo_api_key = 5\n", "theo_api_key"),
    ],
)
def test_a_broken_file_is_told_with_its_path_or_name(tmp_path: Path, file: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, file)

    assert said in str(raised.value)
    assert "pydantic" not in str(raised.value)


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        Settings.load({"config": str(tmp_path / "none.toml")}, {})


def test_a_folder_or_binary_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "binary"):
        with pytest.raises(ConfigError, match="could not be read"):
            Settings.load({"config": str(path)}, {})


@pytest.mark.parametrize("name", ["timeout_s", "backend", "max_prompt_chars"])
def test_a_broken_variable_is_told_by_its_name(name: str) -> None:
    variable = variable_of(name)
    assert variable is not None
    with pytest.raises(ConfigError, match=variable):
        Settings.load({}, {variable: "??"})


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("${THEO_API_KEY}", "was not expanded"),
        ("$THEO_API_KEY", "was not expanded"),
        (f"Bearer {KEY}", "begins with 'Bearer'"),
        (f'"{KEY}"', "quotes"),
        (f"{KEY[:10]}\n{KEY[10:]}", "line break"),
        (f"{KEY}é", "a character that no key has"),
        (f"{KEY}\x00", "a character that no key has"),
    ],
)
def test_a_key_that_cannot_be_sent_is_named_by_its_fault(key: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        Settings.load({}, {"THEO_API_KEY": key}).key("theo")

    assert "THEO_API_KEY" in raised.value.message
    assert KEY not in str(raised.value)
    assert raised.value.hint


def test_blanks_around_a_key_are_taken_away() -> None:
    key = checked_key(f"  {KEY}\n", "x")

    assert key is not None
    assert key.reveal() == KEY


def test_a_key_comes_from_a_file_when_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")

    key = Settings.load({}, {"THEO_API_KEY_FILE": str(tmp_path / "key")}).key("theo")

    assert key is not None
    assert key.reveal() == KEY


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_key_file_that_holds_no_key_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content, encoding="utf-8")

    with pytest.raises(ConfigError, match="THEO_API_KEY_FILE"):
        Settings.load({}, {"THEO_API_KEY_FILE": str(tmp_path / "key")}).key("theo")


def test_no_key_has_a_flag_and_the_insecure_switch_has_only_the_file() -> None:
    assert [name for name in Settings.model_fields if name.endswith("api_key") and flag_of(name)] == []
    assert variable_of("allow_insecure_http") is None
    assert flag_of("allow_insecure_http") is None
