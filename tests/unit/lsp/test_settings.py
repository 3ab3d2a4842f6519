"""What an editor may set, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.lsp.client import Editor
from tests.unit.lsp.test_running import CODE, URI
from theo_lsp.settings import load
from theo_mcp.errors import ConfigError


def _environment(folder: Path, **more: str) -> dict[str, str]:
    path = folder / "config.toml"
    path.write_text('engine_model = "of-the-file"\ntimeout_s = 7\n', encoding="utf-8")
    return {"THEO_MCP_CONFIG": str(path), **more}


def test_an_editor_comes_between_the_environment_and_the_file(tmp_path: Path) -> None:
    given = {"engine_model": "of-the-editor", "max_retries": 1, "log_level": None}
    loaded = load(given, _environment(tmp_path, THEO_MCP_MAX_RETRIES="5"))

    assert (loaded.engine_model, loaded.max_retries, loaded.timeout_s) == ("of-the-editor", 5, 7.0)
    assert loaded.origin("engine_model") == "the editor's settings"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("theo_api_key", "theo_sk_0123456789abcdef"),
        ("getcode_api_key_file", "/tmp/key"),
        ("engine_api_key", "secret-0123456789"),
        ("theo_base_url", "https://evil.example"),
        ("engine_url", "http://evil.example/v1"),
        ("backend", "hosted"),
        ("budget_cents", "1000000"),
        ("data_dir", "/tmp/trusted"),
        ("allow_insecure_http", True),
    ],
)
def test_keys_addresses_folders_and_money_are_not_for_an_editor(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(ConfigError) as refused:
        load({name: value}, _environment(tmp_path))

    assert refused.value.message == f"The setting {name} cannot come from the editor."
    assert str(value) not in str(refused.value)


def test_an_unknown_or_wrong_setting_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as unknown:
        load({"engine_modl": "x"}, _environment(tmp_path))
    with pytest.raises(ConfigError) as wrong:
        load({"max_retries": "many"}, _environment(tmp_path))

    assert str(unknown.value) == 'The editor sends an unknown setting, "engine_modl". Did you mean engine_model?'
    assert wrong.value.message.startswith("The setting max_retries from the editor's settings is not usable: ")


async def test_a_refused_setting_is_told_at_once_and_a_corrected_one_counts(editor: Editor) -> None:
    editor.settings = {"theo_api_key": "theo_sk_0123456789abcdef"}
    await editor.notify("workspace/didChangeConfiguration", settings=None)
    told = await editor.asked("window/showMessage")

    editor.settings = {"engine_model": "scripted-7b"}
    await editor.notify("workspace/didChangeConfiguration", settings=None)
    await editor.open("file:///a.py", "# Add two numbers.\n")
    answer = await editor.run(await editor.entry("Theo: Generate", "file:///a.py", (0, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert told["message"].startswith("Theo: The setting theo_api_key cannot come from the editor.")
    assert "0123456789" not in str(editor.seen)
    assert ended == "applied · scripted-7b"


async def test_a_setting_that_is_taken_out_again_does_not_count_any_more(editor: Editor) -> None:
    editor.settings = {"engine_modl": "x"}
    await editor.notify("workspace/didChangeConfiguration", settings={})
    await editor.asked("window/showMessage")
    editor.settings = {}
    await editor.notify("workspace/didChangeConfiguration", settings={})

    await editor.open(URI, CODE)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))

    assert await editor.ended(answer["result"]["jobId"]) == "applied · scripted-1b"


@pytest.mark.slow
async def test_a_run_that_is_started_while_the_editor_tells_new_settings_begins_with_them(editor: Editor) -> None:
    asked = "workspace/configuration"
    await editor.open(URI, CODE)
    first = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    assert await editor.ended(first["result"]["jobId"]) == "applied · scripted-1b"

    editor.answers[asked] = None  # the editor takes its time
    await editor.notify("workspace/didChangeConfiguration", settings=None)
    second = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    for _ in range(200):
        await editor.menu(URI, (0, 0))
    question = [message for message in editor.seen if message.get("method") == asked][-1]
    await editor.send({"jsonrpc": "2.0", "id": question["id"], "result": [{"engine_model": "scripted-7b"}]})

    assert await editor.ended(second["result"]["jobId"]) == "applied · scripted-7b"
