"""What is kept on this machine, as its user sees and clears it."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from tests.unit.shell import SECONDS, Shell
from tests.unit.test_cli_work import Held
from theo_mcp.store import FILE, Store
from theo_mcp.testing import theo
from theo_mcp.testing.model_server import ModelServer
from theo_mcp.testing.theo import FakeTheo


async def kinds(shell: Shell) -> dict[str, int]:
    kept = json.loads((await shell("data", "--json")).stdout)["kept"]
    return {kind: held["entries"] for kind, held in kept.items()}


async def test_history_lists_the_newest_first_with_cost_handle_and_file(hosted: Shell, tmp_path: Path) -> None:
    await hosted("complete", "a secret wish")
    await hosted("code", "another secret wish", "--save-as", "auth.ts")
    await hosted("code", "x", THEO_API_KEY="theo_sk_wrong_0123456789")

    done = await hosted("history")
    newest = json.loads((await hosted("history", "--json", "--limit", "1")).stdout)["runs"]

    failed, code, complete = (line.split() for line in done.stdout.decode().splitlines())
    assert failed[2:5] == ["code", "failed:", "invalid_api_key"]
    assert code[2:6] == ["code", "done", "0.05", "cents"]
    assert code[6].startswith("run_")
    assert code[7] == str(tmp_path / "made" / "auth.ts")
    assert complete[2:6] == ["complete", "done", "0.02", "cents"]
    assert b"secret wish" not in done.stdout + done.stderr
    assert b"secret wish" not in (tmp_path / "data" / FILE).read_bytes()
    assert [run["error"] for run in newest] == ["invalid_api_key"]


async def test_where_nothing_is_kept_one_sentence_says_how_to_begin(shell: Shell, tmp_path: Path) -> None:
    history, listed, cleared = await shell("history"), await shell("data", "list"), await shell("data", "clear")

    assert (history.returncode, history.stdout) == (0, b"")
    assert "Nothing is kept yet. `theo-mcp complete" in history.stderr.decode()
    assert (listed.returncode, listed.stdout) == (0, b"")
    assert f"Nothing is kept in {tmp_path / 'data'}." in listed.stderr.decode()
    assert (cleared.returncode, cleared.stdout) == (0, b"There was nothing to delete.\n")
    assert not (tmp_path / "data").exists()


async def test_data_lists_each_kind_and_where_it_is(hosted: Shell, tmp_path: Path) -> None:
    await hosted("complete", "x", "--budget-cents", "100")

    done = await hosted("data", "list")

    lines = done.stdout.decode().splitlines()
    assert [line.split()[:2] for line in lines] == [["runs", "1"], ["usage", "1"]]
    assert lines[0].endswith("results that can be read again by their handles")
    assert str(tmp_path / "data") in done.stderr.decode()
    assert str(tmp_path / "made") in done.stderr.decode()


async def test_clear_asks_a_person_and_deletes_nothing_in_a_pipe_without_yes(hosted: Shell) -> None:
    await hosted("complete", "x")

    refused = await hosted("data", "clear")

    assert (refused.returncode, refused.stdout) == (2, b"")
    assert "Deleting is confirmed by a person." in refused.stderr.decode()
    assert await kinds(hosted) == {"runs": 1}


async def test_clear_leaves_what_was_not_named_and_every_file(hosted: Shell, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    await hosted("trust", "--yes")
    await hosted("code", "x", "--save-as", "auth.ts", "--budget-cents", "100")

    done = await hosted("data", "clear", "--yes")
    left = await kinds(hosted)
    named = await hosted("data", "clear", "usage", "trust", "--yes", "--json")

    assert (done.returncode, done.stdout) == (0, b"Deleted: runs (1).\n")
    assert "Kept, because it was not named: usage, trust." in done.stderr.decode()
    assert left == {"usage": 1, "trust": 1}
    assert json.loads(named.stdout)["deleted"] == {"usage": 1, "trust": 1}
    assert await kinds(hosted) == {}
    assert (tmp_path / "made" / "auth.ts").exists()


async def test_clear_removes_what_was_made_from_the_disk(hosted: Shell, tmp_path: Path) -> None:
    await hosted("complete", "x")
    before = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())

    await hosted("data", "clear", "runs", "--yes")

    assert b"ein Muster" in before
    assert b"ein Muster" not in b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())


@pytest.mark.slow
async def test_clear_leaves_what_another_program_is_at_and_says_so(hosted: Shell, theo_service: FakeTheo) -> None:
    await hosted("complete", "x")
    held = Held()
    theo_service.next = [held]
    with anyio.fail_after(SECONDS):
        async with await hosted.start("code", "x") as process:
            await held.asked.wait()
            while await kinds(hosted) != {"runs": 2}:
                await anyio.lowlevel.checkpoint()
            done = await hosted("data", "clear", "runs", "--yes")
            held.free.set()
            await process.wait()
    left = json.loads((await hosted("history", "--json")).stdout)["runs"]

    assert (done.returncode, done.stdout) == (1, b"Deleted: runs (1).\n")
    assert "Runs that are at work in another program stay: 1." in done.stderr.decode()
    assert "Another theo-mcp is running" in done.stderr.decode()
    assert [(run["tool"], run["state"]) for run in left] == [("theo_code", "done")]


async def test_a_model_goes_only_when_models_are_named(shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "data" / "models" / "own"
    home.mkdir(parents=True)
    (home / "model.gguf").write_bytes(b"GGUF")
    about = {"name": "own", "label": "Own", "sha256": "0" * 64, "size": 4, "source": "x", "licence": "x"}
    (home / "manifest.json").write_text(json.dumps(about), encoding="utf-8")

    spared = await shell("data", "clear", "--yes")
    still = home.exists()
    named = await shell("data", "clear", "models", "--yes")

    assert spared.stdout == b"There was nothing to delete.\n"
    assert still
    assert named.stdout == b"Deleted: models (1).\n"
    assert not home.exists()


@pytest.mark.parametrize("words", [("history",), ("result", "run_x"), ("data", "list"), ("data", "clear", "--yes")])
async def test_a_file_that_is_no_store_is_left_as_it_is(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(b"no database" * 100)

    done = await shell(*words)

    assert (done.returncode, done.stdout) == (1, b"")
    assert "it is not a database at all" in done.stderr.decode()
    assert (tmp_path / "data" / FILE).read_bytes() == b"no database" * 100


@pytest.mark.slow
async def test_a_store_that_fails_costs_no_answer(hosted: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(b"no database" * 100)

    done = await hosted.process("code", "x")

    assert (done.returncode, done.stdout.decode()) == (0, theo.CODE + "\n")
    assert done.stderr.decode().count("Results are kept in memory only") == 1


async def test_without_keeping_nothing_is_written(hosted: Shell, tmp_path: Path) -> None:
    done = await hosted("code", "x", "--keep-results-s", "0")

    assert (done.returncode, done.stdout.decode()) == (0, theo.CODE + "\n")
    assert not (tmp_path / "data").exists()


async def test_a_kind_that_does_not_exist_is_told(shell: Shell) -> None:
    done = await shell("data", "clear", "run")

    assert (done.returncode, done.stdout) == (2, b"")
    assert "'run' is nothing that is kept here." in done.stderr.decode()


async def test_results_of_another_owner_are_counted_and_not_shown(shell: Shell, tmp_path: Path) -> None:
    async with Store.open(tmp_path / "data" / FILE) as store:
        await store.put("runs", "run_1", {"handle": "run_1"}, owner="anna")

    assert await kinds(shell) == {"runs": 1}
    assert (await shell("history")).stdout == b""


@pytest.mark.slow
async def test_what_the_engine_remembers_is_listed_and_cleared_by_kind(shell: Shell, model_server: ModelServer) -> None:
    engine = ("--engine-url", model_server.url)
    await shell("complete", "Hello", *engine)
    begun = await shell("complete", "Hello", "--conversation-id", "new", "--json", *engine)
    id = json.loads(begun.stdout)["conversation_id"]
    continued = await shell("complete", "More", "--conversation-id", id, *engine)

    held = await kinds(shell)
    cleared = await shell("data", "clear", "--yes")
    left = await kinds(shell)

    assert continued.returncode == 0
    assert {kind: held[kind] for kind in ("conversations", "cache", "audit")} == {
        "conversations": 3, "cache": 1, "audit": 3,
    }  # fmt: skip
    assert cleared.returncode == 0
    assert set(left) == {"audit", "totals"}
    assert "Kept, because it was not named: audit, totals." in cleared.stderr.decode()


async def test_what_the_engine_generated_is_listed_with_the_words_that_were_typed(
    shell: Shell, model_server: ModelServer, tmp_path: Path
) -> None:
    model_server.pieces = ("<!doctype html><html><body><h1>Bakery</h1></body></html>",)
    shell.environment |= {"THEO_MCP_ENGINE_URL": model_server.url}
    await shell("generate", "--output-type", "website", "A bakery\nin Lisbon", "--output-dir", str(tmp_path / "out"))

    lines = (await shell("history", "--generated")).stdout.decode().splitlines()
    (made,) = json.loads((await shell("history", "--generated", "--json")).stdout)["generations"]

    assert lines[0].endswith("website  scripted-1b  A bakery in Lisbon")
    assert (made["output_type"], made["prompt"]) == ("website", "A bakery\nin Lisbon")


async def test_each_request_to_the_engine_is_listed_without_its_words(shell: Shell, model_server: ModelServer) -> None:
    shell.environment |= {"THEO_MCP_ENGINE_URL": model_server.url}
    nothing = await shell("history", "--requests")
    await shell("complete", "A secret wish")
    await shell("complete", "A secret wish")

    lines = (await shell("history", "--requests")).stdout.decode().splitlines()
    kept, made = json.loads((await shell("history", "--requests", "--json")).stdout)["requests"]

    assert (nothing.returncode, nothing.stdout) == (0, b"")
    assert "No request to the engine is noted." in nothing.stderr.decode()
    assert lines[0].endswith("ok (kept answer)")
    assert all(word in lines[1] for word in (made["request_id"], "completions", "fast", "scripted-1b", "tokens"))
    assert "secret" not in str((lines, kept, made))


@pytest.mark.slow
async def test_a_damaged_row_costs_no_other(shell: Shell, tmp_path: Path) -> None:
    shell.environment["THEO_MCP_DATA_DIR"] = str(tmp_path)
    async with Store.open(tmp_path / FILE) as store:
        await store.put("audit", "req_1", {"request_id": "req_1", "time": "2026-11-21T10:00:00.000+00:00"}, owner="k")
        await store.put("audit", "req_2", {"request_id": "req_2"}, owner="k")
    done = await shell("history", "--requests")

    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert [name in line for name, line in zip(("req_2", "req_1"), lines, strict=True)] == [True, True]


async def test_nothing_generated_is_said(shell: Shell) -> None:
    done = await shell("history", "--generated")

    assert (done.returncode, done.stdout) == (0, b"")
    assert "theo-mcp generate --output-type website" in done.stderr.decode()
