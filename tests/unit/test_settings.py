from __future__ import annotations

import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest

from theo_mcp import ConfigError, Settings
from theo_mcp.keys import checked_key
from theo_mcp.settings import flag_of, variable_of
from theo_mcp.workspace import Workspace

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
    for name in ("allow_fetch", "allow_insecure_http", "allow_private_fetch", "executors"):
        assert variable_of(name) is None
        assert flag_of(name) is None


TABLE = '[servers.fast]\nurls = ["http://127.0.0.1:11434/v1"]\n'


def test_tables_of_the_file_name_servers_engines_and_modes(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    file = (
        f'{TABLE}model = "qwen3:4b"\nparallel = 4\napi_key_file = "{tmp_path}/key"\n'
        '[engines]\ntheo-1-flash = "fast"\n[modes]\ncode = "theo-1-flash"\n'
    )

    settings = load(tmp_path, file)

    fast = settings.servers["fast"]
    key = fast.key("fast")
    assert (fast.urls, fast.model, fast.parallel) == (("http://127.0.0.1:11434/v1",), "qwen3:4b", 4)
    assert (settings.engines, settings.modes) == ({"theo-1-flash": "fast"}, {"code": "theo-1-flash"})
    assert key is not None
    assert key.reveal() == KEY
    assert {variable_of(name) or flag_of(name) for name in ("servers", "engines", "modes")} == {None}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("servers = 3\n", "servers from"),
        ("[servers]\nfast = 'http://h'\n", "servers.fast from"),
        ("[servers.fast]\nurls = []\n", "servers.fast from .* has no address"),
        ("[servers.fast]\nurls = 'http://h'\n", "servers.fast.urls from .* should be a list"),
        (f"{TABLE}parallell = 2\n", "servers.fast.parallell from .* there is no such setting"),
        (f"{TABLE}parallel = 0\n", "servers.fast.parallel from"),
        ("[servers.fast]\n", "servers.fast.urls from .* it is missing"),
        ("[executors]\nstock = { url = 'stock' }\n", "executors.stock.url from .* begins with http://"),
        (f"{TABLE}input_cents_per_million = 3\n", "one of its two prices"),
        (f"{TABLE}api_key = '{KEY}'\napi_key_env = 'X_API_KEY'\n", "more than one of api_key"),
        (f"{TABLE}api_key_env = 'VLLM_KEY'\n", "does not end with _API_KEY"),
        (TABLE.replace("fast", "local"), "servers.local from .* has its own meaning"),
        (TABLE.replace("fast", "'theo-1-x'"), "servers.theo-1-x from .* has its own meaning"),
        ("[modes]\nthinking = 'x'\n", "modes.thinking from .* 'think'"),
        ("[engines]\ntheo-1-auto = 'x'\n", "engines.theo-1-auto from"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_by_its_place(tmp_path: Path, file: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        load(tmp_path, file)

    assert KEY not in str(raised.value)
    assert "config.toml" in str(raised.value)


def test_roots_come_from_a_flag_a_variable_the_file_or_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = {"CLAUDE_PROJECT_DIR": str(tmp_path / "project")}
    variable = {"THEO_MCP_ROOTS": f"{tmp_path}/a{os.pathsep}~/b{os.pathsep}"}
    file = f'roots = ["{tmp_path}/c"]\n'
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "work")

    found = [
        load(tmp_path, environ=project | variable, roots="/d"),
        load(tmp_path, file, project | variable),
        load(tmp_path, file, project),
        load(tmp_path, environ=project),
        load(tmp_path),
    ]

    assert [(settings.roots, settings.origin("roots")) for settings in found] == [
        ((Path("/d"),), "--root"),
        ((tmp_path / "a", tmp_path / "home" / "b"), "THEO_MCP_ROOTS"),
        ((tmp_path / "c",), str(tmp_path / "config.toml")),
        ((tmp_path / "project",), "CLAUDE_PROJECT_DIR"),
        ((tmp_path / "work",), "working directory"),
    ]


@pytest.mark.parametrize("folder", ["/", "{home}", "{home}/..", "{home}/link", "", "relative"])
def test_a_guess_opens_neither_home_nor_what_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir("/")

    settings = load(tmp_path, environ={"CLAUDE_PROJECT_DIR": folder.format(home=home)})

    assert (settings.roots, settings.origin("roots")) == ((), "default")


def test_a_guess_opens_no_folder_of_the_system_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "system32").mkdir()
    monkeypatch.chdir(tmp_path / "system32")

    assert load(tmp_path, environ={"SYSTEMROOT": str(tmp_path)}).roots == ()


def test_a_working_directory_that_was_removed_is_no_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert load(tmp_path).roots == ()


def test_settings_made_in_code_open_nothing_that_was_not_given() -> None:
    assert Settings().roots == ()


@pytest.mark.parametrize(("text", "cents"), [("10", "10"), ("0", "0"), ("0.02", "0.02")])
def test_a_budget_is_exact(tmp_path: Path, text: str, cents: str) -> None:
    assert load(tmp_path, environ={"THEO_MCP_BUDGET_CENTS": text}).budget_cents == Decimal(cents)
    assert load(tmp_path, f"budget_cents = {text}\n").budget_cents == Decimal(cents)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "ten", "1e99"])
def test_a_budget_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="THEO_MCP_BUDGET_CENTS"):
        load(tmp_path, environ={"THEO_MCP_BUDGET_CENTS": text})


@pytest.mark.skipif(sys.platform == "win32", reason="there every user has a profile")
def test_a_user_without_a_home_has_settings_and_no_folder_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    def unknown(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME", raising=False)
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_DOCUMENTS_DIR"):
        monkeypatch.delenv(name, raising=False)

    settings = Settings.load({}, {})

    assert settings.data_dir == Path("/nonexistent/theo-mcp")
    assert settings.roots == ()
    workspace = Workspace(settings)
    assert workspace.output() == Path("/nonexistent/theo-output")


@pytest.mark.skipif(sys.platform == "win32", reason="there the profile is not an environment's to say")
def test_a_home_that_cannot_be_looked_at_is_no_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    home = "/" + "h" * 300
    monkeypatch.setenv("HOME", home)

    assert Workspace(Settings()).output() == Path(home, "theo-output")


def test_executors_are_tables_of_the_users_file(tmp_path: Path) -> None:
    file = '[executors]\ncheck_stock = { url = "http://127.0.0.1:9/stock?x=1" }\nlook = { command = ["look", "-v"] }\n'

    executors = load(tmp_path, file).executors

    assert executors["check_stock"].url == "http://127.0.0.1:9/stock?x=1"
    assert executors["look"].command == ("look", "-v")


@pytest.mark.parametrize(
    "executor",
    [
        "{}",
        '{ url = "http://a/", command = ["b"] }',
        '{ url = "file:///etc/passwd" }',
        '{ url = "http://user:word@host/" }',
        "{ command = [] }",
        '{ command = "rm -rf /" }',
        '{ shell = "true" }',
        '"http://127.0.0.1/"',
    ],
)
def test_an_executor_that_is_none_is_told_by_its_setting(tmp_path: Path, executor: str) -> None:
    with pytest.raises(ConfigError, match="The setting executors"):
        load(tmp_path, f"[executors]\ncheck_stock = {executor}\n")
