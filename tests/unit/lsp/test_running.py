"""An action from the menu to the applied edit, and all that may come between."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import pytest

from tests.holding import held
from tests.unit.lsp.client import Editor, Fields
from theo_mcp.testing.model_server import ModelServer

URI = "file:///project/app.py"
CODE = "import os\n\n# Add two numbers.\n\nprint(os.name)\n"
DONE = "import os\n\n# Add two numbers.\ndef add(a, b):\n    return a + b\n\nprint(os.name)\n"
FUNCTION = "def half(n):\n    return n / 2\n"


async def _generate(editor: Editor, text: str = CODE) -> str:
    await editor.open(URI, text)
    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))
    job: str = answer["result"]["jobId"]
    return job


async def test_code_is_generated_below_its_comment_in_one_versioned_edit(editor: Editor) -> None:
    job = await _generate(editor)
    ended = await editor.ended(job)

    (edit,) = [message["params"] for message in editor.seen if message.get("method") == "workspace/applyEdit"]
    assert editor.texts[URI] == DONE
    assert edit["label"] == "Theo: Generate code from this comment"
    assert [change["textDocument"] for change in edit["edit"]["documentChanges"]] == [{"uri": URI, "version": 1}]
    assert ended == "applied · scripted-1b"


async def test_progress_begins_reports_the_text_and_ends_once(editor: Editor, model_server: ModelServer) -> None:
    go_on = held(model_server, after=3)
    job = await _generate(editor)

    await editor.until(lambda message: "return a + b" in str(message.get("params")) or "3 tokens" in str(message))
    go_on.set()
    await editor.ended(job)

    values = _progress(editor, job)
    assert values[0] == {
        "kind": "begin",
        "title": "Theo: Generate code from this comment",
        "cancellable": True,
        "message": "starting",
    }
    assert "writing · 3 tokens · def add(a, b):" in [value.get("message") for value in values]
    assert [value["kind"] for value in values].count("end") == 1
    assert values[-1]["kind"] == "end"


async def test_progress_is_reported_at_most_five_times_a_second(editor: Editor, model_server: ModelServer) -> None:
    model_server.pieces = ("```python\n", *(f"x{number} = {number}\n" for number in range(500)), "```\n")
    begun = time.monotonic()

    await editor.ended(await _generate(editor))

    taken = time.monotonic() - begun
    reports = [value for value in _progress(editor) if value["kind"] == "report"]
    assert len(reports) <= taken * 5 + 1


async def test_a_cancelled_progress_closes_the_stream_and_no_edit_follows(
    editor: Editor, model_server: ModelServer
) -> None:
    model_server.silent_after = 3
    job = await _generate(editor)
    await model_server.silent.wait()

    begun = time.monotonic()
    await editor.notify("window/workDoneProgress/cancel", token=job)
    await model_server.exchanges[-1].closed.wait()
    closed = time.monotonic() - begun

    assert await editor.ended(job) == "cancelled"
    assert closed < 0.2
    assert editor.texts[URI] == CODE
    assert not _asked(editor, "workspace/applyEdit")
    assert not _asked(editor, "window/showMessage")


async def test_the_menu_offers_first_to_cancel_what_is_at_work(editor: Editor, model_server: ModelServer) -> None:
    model_server.silent_after = 3
    job = await _generate(editor)
    await model_server.silent.wait()

    first = (await editor.menu(URI, (0, 0)))[0]
    answer = await editor.run(first)
    await model_server.exchanges[-1].closed.wait()

    assert first["title"] == "Theo: Cancel “Generate code from this comment”"
    assert answer["result"] == {"cancelled": True}
    assert await editor.ended(job) == "cancelled"
    assert (await editor.menu(URI, (0, 0)))[0]["title"] != first["title"]
    assert editor.texts[URI] == CODE


async def test_a_second_run_at_the_same_place_is_refused(editor: Editor, model_server: ModelServer) -> None:
    model_server.silent_after = 1
    await _generate(editor)

    answer = await editor.run(await editor.entry("Theo: Generate", URI, (2, 3)))

    assert answer["error"]["message"] == (
        "“Generate code from this comment” is still at work at this place. Wait until it has ended, or cancel it."
    )


async def test_an_edit_moves_with_what_was_typed_above_it(editor: Editor, model_server: ModelServer) -> None:
    go_on = held(model_server)
    job = await _generate(editor)
    await editor.until(lambda message: "def add" in str(message) or " token" in str(message))

    await editor.change(URI, (0, 0), (0, 0), "# 🎈\f\n")
    go_on.set()
    await editor.ended(job)

    assert editor.texts[URI] == "# 🎈\f\n" + DONE


@pytest.mark.slow
async def test_an_answer_whose_place_was_touched_waits_for_the_user(editor: Editor, model_server: ModelServer) -> None:
    ended = {}
    for choice in ("Discard", "Apply anyway", "Copy to a new document"):
        editor.choice = choice
        go_on = held(model_server)
        job = await _generate(editor)
        await editor.until(lambda message, job=job: " token" in str(message) and job in str(message))  # type: ignore[misc]
        await editor.change(URI, (2, 18), (2, 18), " Fast.")
        go_on.set()
        ended[choice] = (await editor.ended(job)).split(" · ")[0], editor.texts[URI]

    touched = CODE.replace("numbers.", "numbers. Fast.")
    assert ended == {
        "Discard": ("discarded", touched),
        "Apply anyway": ("applied", DONE.replace("numbers.", "numbers. Fast.")),
        "Copy to a new document": ("copied to a new document", touched),
    }
    (question, *_) = _asked(editor, "window/showMessageRequest")
    assert [action["title"] for action in question["actions"]] == ["Apply anyway", "Copy to a new document", "Discard"]
    (shown,) = _asked(editor, "window/showDocument")
    assert _path(shown).read_text(encoding="utf-8") == "def add(a, b):\n    return a + b"


async def test_a_document_that_was_closed_meanwhile_is_not_written_to(
    editor: Editor, model_server: ModelServer
) -> None:
    go_on = held(model_server)
    job = await _generate(editor)

    await editor.notify("textDocument/didClose", textDocument={"uri": URI})
    go_on.set()
    ended = await editor.ended(job)

    assert ended.startswith("discarded")
    assert not _asked(editor, "workspace/applyEdit")


async def test_an_editor_that_refuses_the_edit_is_asked_what_to_do(editor: Editor) -> None:
    editor.answers["workspace/applyEdit"] = lambda params: {"applied": False}

    ended = await editor.ended(await _generate(editor))

    assert ended.startswith("discarded")
    assert len(_asked(editor, "window/showMessageRequest")) == 1


async def test_an_edit_that_came_too_late_for_its_version_is_made_anew(editor: Editor) -> None:
    refusals = iter([False])

    async def type_something() -> None:
        await editor.change(URI, (0, 0), (0, 0), "# Late.\n")

    async with anyio.create_task_group() as tasks:

        def once(params: Fields) -> Fields:
            tasks.start_soon(type_something)
            del editor.answers["workspace/applyEdit"]
            return {"applied": next(refusals)}

        editor.answers["workspace/applyEdit"] = once
        ended = await editor.ended(await _generate(editor))

    assert ended.startswith("applied")
    assert editor.texts[URI].endswith(DONE)


async def test_an_editor_that_never_answers_is_served_all_the_same(editor: Editor, model_server: ModelServer) -> None:
    editor.answers["window/workDoneProgress/create"] = None
    editor.answers["workspace/applyEdit"] = None

    await _generate(editor)
    await editor.asked("workspace/applyEdit")

    assert (await editor.menu(URI, (2, 3)))[0]["title"].startswith("Theo: Cancel")


async def test_an_explanation_is_a_document_that_nobody_else_can_read_and_never_an_edit(
    editor: Editor, model_server: ModelServer
) -> None:
    model_server.pieces = ("It halves", " a number.")
    await editor.open(URI, FUNCTION)

    answer = await editor.run(await editor.entry("Theo: Explain", URI, (1, 4)))
    ended = await editor.ended(answer["result"]["jobId"])

    (shown,) = _asked(editor, "window/showDocument")
    path = _path(shown)
    assert path.read_text(encoding="utf-8") == "It halves a number."
    assert path.suffix == ".md"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert ended.startswith("shown")
    assert not _asked(editor, "workspace/applyEdit")


async def test_tests_are_written_into_a_new_file_beside_the_document(editor: Editor, tmp_path: Path) -> None:
    uri = (tmp_path / "half.py").as_uri()
    await editor.open(uri, FUNCTION)

    answer = await editor.run(await editor.entry("Theo: Write tests", uri, (1, 4)))
    await editor.ended(answer["result"]["jobId"])

    assert editor.texts[(tmp_path / "test_half.py").as_uri()] == "def add(a, b):\n    return a + b\n"
    assert editor.texts[uri] == FUNCTION


async def test_the_exact_prompt_is_shown_and_nothing_is_sent(editor: Editor, model_server: ModelServer) -> None:
    await editor.open(URI, CODE)

    await editor.run(await editor.entry("Theo: Show the exact prompt", URI, (2, 3)))
    shown = await editor.asked("window/showDocument")
    prompt = _path(shown).read_text(encoding="utf-8")
    await editor.ended(await _generate(editor))

    assert "The comment: Add two numbers." in prompt
    assert len(model_server.chats) == 1
    assert model_server.chats[0]["messages"][-1]["content"] == prompt


async def test_a_secret_is_held_back_counted_and_put_back(editor: Editor, model_server: ModelServer) -> None:
    key = "sk-proj-" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9fG1hJ3"
    model_server.pieces = ("```python\n", "client = Client(", '"__HELD_BACK_SECRET_1__"', ")\n```\n")
    go_on = held(model_server, after=3)

    job = await _generate(editor, f'API_KEY = "{key}"\n# Make a client with the key.\n\n'.replace("\n#", "\n\n#"))
    reported = await editor.until(lambda message: "held back" in str(message))
    go_on.set()
    await editor.ended(job)

    assert reported["params"]["value"]["message"].endswith("1 secret held back")
    assert key not in str(model_server.chats)
    assert "__HELD_BACK_SECRET_1__" in str(model_server.chats)
    assert editor.texts[URI].count(key) == 2


async def test_a_file_of_keys_is_never_sent(editor: Editor, model_server: ModelServer, tmp_path: Path) -> None:
    uri = (tmp_path / ".env").as_uri()
    await editor.open(uri, "# Add two numbers.\nKEY=1\n", "shellscript")

    answer = await editor.run(await editor.entry("Theo: Generate", uri, (0, 3)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended == "This document is never sent, because it may hold keys or passwords."
    assert model_server.chats == []


async def test_a_failure_is_one_sentence_with_the_next_step(editor: Editor, model_server: ModelServer) -> None:
    model_server.key = "another"

    ended = await editor.ended(await _generate(editor))

    (told,) = _asked(editor, "window/showMessage")
    assert ended == "Incorrect API key provided."
    assert told["message"] == (
        "Theo: Incorrect API key provided. Check the key: `theo-mcp config show --origin` names its source."
    )
    assert editor.texts[URI] == CODE


def _asked(editor: Editor, method: str) -> list[Fields]:
    return [message["params"] for message in editor.seen if message.get("method") == method]


def _progress(editor: Editor, job: str | None = None) -> list[Fields]:
    return [params["value"] for params in _asked(editor, "$/progress") if job in (None, params["token"])]


def _path(shown: Fields) -> Path:
    return Path(unquote(urlsplit(shown["uri"]).path))


@pytest.mark.slow
async def test_an_edit_that_was_refused_but_called_applied_is_not_called_applied_where_the_place_was_changed(
    editor: Editor, model_server: ModelServer
) -> None:
    model_server.pieces = ('```python\ndef half(n):\n    """Half."""\n    return n / 2\n```\n',)
    editor.answers["workspace/applyEdit"] = None
    await editor.open(URI, FUNCTION)
    job: str = (await editor.run(await editor.entry("Theo: Document", URI, (0, 5))))["result"]["jobId"]
    asked = await editor.until(lambda message: message.get("method") == "workspace/applyEdit")

    await editor.change(URI, (1, 4), (1, 4), "x = 1; ")
    await editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"applied": True}})
    question = await editor.asked("window/showMessageRequest")

    assert (
        question["message"] == "Theo: Document this: this place was changed meanwhile, and the answer is not applied."
    )
    assert await editor.ended(job) == "discarded · scripted-1b"
    assert editor.texts[URI] == "def half(n):\n    x = 1; return n / 2\n"


async def test_an_edit_that_landed_beside_something_typed_does_not_land_twice(editor: Editor) -> None:
    editor.answers["workspace/applyEdit"] = None
    job = await _generate(editor)
    asked = await editor.until(lambda message: message.get("method") == "workspace/applyEdit")

    await editor.change(URI, (4, 0), (4, 0), "# later\n")
    await editor.change(URI, (3, 0), (3, 0), "def add(a, b):\n    return a + b\n")  # no version is looked at
    await editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"applied": True}})

    assert await editor.ended(job) == "applied · scripted-1b"
    assert editor.texts[URI] == DONE.replace("print", "# later\nprint")
    assert len([each for each in editor.seen if each.get("method") == "workspace/applyEdit"]) == 1
