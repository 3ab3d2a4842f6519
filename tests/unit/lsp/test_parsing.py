"""Documents are parsed in a child: what the menu and the edits make of it, and what a hostile document cannot do."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio
import pytest

from tests.unit.lsp.client import CAPABILITIES, Editor, Fields, launched
from theo_mcp.testing.model_server import ModelServer

PYTHON = '''class Shape:
    def double(
        self, size
    ):
        text = """
# half
"""
        def twice(n):
            return n

        return twice(size)
'''
JAVASCRIPT = """/* Sum the
   numbers of a list. */
await each(list, async () => {
  send(1);
});
const half = (
  n
) =>
  n / 2;
"""
URI = "file:///project/shape.py"
SCRIPT = "file:///project/half.js"
HOSTILE = "(" * 900_000
_HELLO = {"processId": None, "rootUri": None, "capabilities": CAPABILITIES}
pytestmark = pytest.mark.slow
linux = pytest.mark.skipif(sys.platform != "linux", reason="finds the child in /proc")


async def test_document_this_means_the_nested_function_that_the_cursor_is_in(editor: Editor) -> None:
    await editor.open(URI, PYTHON)

    await offered(editor, URI, (5, 3), lambda found: found == ["Complete here", *DEFINITION])
    nested = await editor.entry("Theo: Document this", URI, (8, 14))
    outer = await editor.entry("Theo: Document this", URI, (10, 10))
    around = await editor.entry("Theo: Document this", URI, (0, 3))

    assert [_lines(entry) for entry in (nested, outer, around)] == [(7, 8), (1, 10), (0, 10)]


async def test_what_only_looks_like_a_comment_or_a_definition_offers_nothing(editor: Editor) -> None:
    await editor.open(URI, PYTHON)
    await editor.open(SCRIPT, JAVASCRIPT, "javascript")

    await offered(editor, URI, (5, 3), lambda found: found == ["Complete here", *DEFINITION])
    await offered(
        editor, SCRIPT, (3, 4), lambda found: found == ["Complete here", "Translate this file into TypeScript"]
    )


async def test_a_comment_of_several_lines_and_a_function_with_a_name_from_elsewhere_are_known(editor: Editor) -> None:
    await editor.open(SCRIPT, JAVASCRIPT, "javascript")

    await offered(editor, SCRIPT, (1, 4), lambda found: found[0] == "Generate code: Sum the numbers of a list.")
    await offered(editor, SCRIPT, (6, 2), lambda found: found == ["Complete here", *DEFINITION])
    assert _lines(await editor.entry("Theo: Document this", SCRIPT, (6, 2))) == (5, 8)


async def test_a_function_after_one_that_is_half_typed_is_meant(editor: Editor) -> None:
    broken = "class A {\n  f() {\n    if (x) {\n  }\n  async g() {\n    return 1;\n  }\n}\n"
    await editor.open(SCRIPT, "/* Halves\n   it. */\n" + broken, "javascript")
    await offered(editor, SCRIPT, (1, 4), lambda found: found[0] == "Generate code: Halves it.")

    assert _lines(await editor.entry("Theo: Document this", SCRIPT, (7, 6))) == (6, 8)


async def test_a_function_that_was_typed_just_now_is_meant(editor: Editor) -> None:
    await editor.open(URI, PYTHON)
    await offered(editor, URI, (5, 3), lambda found: found == ["Complete here", *DEFINITION])

    await editor.change(URI, (7, 0), (7, 0), "        def thrice(n):\n            return 3 * n\n")

    assert _lines(await editor.entry("Theo: Document this", URI, (8, 14))) == (7, 8)


async def test_the_prompt_names_what_is_around_the_place(editor: Editor) -> None:
    await editor.open(URI, PYTHON)
    await offered(editor, URI, (5, 3), lambda found: found == ["Complete here", *DEFINITION])

    await editor.run(await editor.entry("Theo: Show the exact prompt", URI, (10, 10)))
    shown = await editor.asked("window/showDocument")

    prompt = Path(unquote(urlsplit(shown["uri"]).path)).read_text(encoding="utf-8")
    assert "The method Shape.double around the selection" in prompt


async def test_a_definition_is_found_at_once_after_lines_were_typed_above_it(editor: Editor) -> None:
    await editor.open(SCRIPT, JAVASCRIPT, "javascript")
    await offered(editor, SCRIPT, (6, 2), lambda found: found == ["Complete here", *DEFINITION])

    await editor.change(SCRIPT, (5, 0), (5, 0), "const one = 1;\n\n")
    entry = await editor.entry("Theo: Document this", SCRIPT, (8, 2))

    assert _lines(entry) == (7, 10)


async def test_an_answer_after_which_a_document_would_not_parse_is_only_shown(
    editor: Editor, model_server: ModelServer
) -> None:
    model_server.pieces = ("```javascript\n", "function half(n) { return n / ; }\n", "```\n")
    await editor.open(SCRIPT, "// Halve a number.\nconst one = 1;\n", "javascript")

    answer = await editor.run(await editor.entry("Theo: Generate", SCRIPT, (0, 4)))
    ended = await editor.ended(answer["result"]["jobId"])

    assert ended.startswith("not applied: the document would not parse; it is shown")
    assert editor.texts[SCRIPT] == "// Halve a number.\nconst one = 1;\n"


@pytest.mark.parametrize(
    ("uri", "language", "broken", "piece"),
    [
        (SCRIPT, "javascript", "// Halve a number.\nconst one = ;\n", "function half(n) { return n / 2; }\n"),
        (URI, "python", "# Halve a number.\none = = 1\n", "def half(n):\n    return n / 2\n"),
    ],
)
async def test_a_document_that_was_broken_before_takes_an_answer_that_breaks_nothing_more(
    uri: str, language: str, broken: str, piece: str, editor: Editor, model_server: ModelServer
) -> None:
    model_server.pieces = (f"```{language}\n", piece, "```\n")
    await editor.open(uri, broken, language)

    answer = await editor.run(await editor.entry("Theo: Generate", uri, (0, 4)))

    assert (await editor.ended(answer["result"]["jobId"])).startswith("applied")
    assert piece in editor.texts[uri]


@pytest.mark.slow
@linux
async def test_after_three_deaths_of_the_child_in_a_row_nothing_is_parsed_any_more(
    editor: Editor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        await editor.open(URI, HOSTILE)
        for _ in range(3):
            await _kill_a_child(os.getpid())
            await editor.change(URI, (0, 0), (0, 0), "(")
        note = await editor.asked("window/logMessage")

    assert note["message"] == (
        "Theo: No document is parsed any more in this session, because the parser failed 3 times in a row. "
        "Functions and comments are told by indentation and patterns instead."
    )
    told = [record.getMessage() for record in caplog.records]
    assert told == ["A document could not be parsed (job_memory), and is not tried again until it changes."] * 3
    await editor.open(SCRIPT, JAVASCRIPT, "javascript")
    assert "Theo: Generate code: Sum the" in [entry["title"] for entry in await editor.menu(SCRIPT, (0, 4))]


@linux
async def test_after_one_death_of_the_child_the_next_document_is_parsed(editor: Editor) -> None:
    await editor.open(URI, HOSTILE)
    await _kill_a_child(os.getpid())

    await editor.open(SCRIPT, JAVASCRIPT, "javascript")

    await offered(
        editor, SCRIPT, (3, 4), lambda found: found == ["Complete here", "Translate this file into TypeScript"]
    )


@pytest.mark.slow
@linux
async def test_a_document_of_no_known_language_or_too_large_starts_no_child(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, process):
        await editor.request("initialize", **_HELLO)
        await editor.notify("initialized")
        await editor.open("file:///a.zzz", "x\n", "unheard-of")
        await editor.open("file:///a.py", "x" * 1_000_001)
        with anyio.move_on_after(0.5):
            while True:
                await editor.menu("file:///a.zzz", (0, 0))
                assert _children(process.pid) == []
        await editor.open(URI, PYTHON)
        await _child(process.pid)


@pytest.mark.slow
@linux
async def test_the_process_ends_within_two_seconds_with_a_parse_going(tmp_path: Path) -> None:
    async with launched(tmp_path) as (editor, process):
        await editor.request("initialize", **_HELLO)
        await editor.notify("initialized")
        await editor.open(URI, HOSTILE)
        child = await _child(process.pid)

        begun = time.monotonic()
        assert process.stdin is not None
        await process.stdin.aclose()
        await process.wait()

        assert time.monotonic() - begun < 2
        assert not Path(f"/proc/{child}").exists()
    assert b"Traceback" not in (tmp_path / "stderr").read_bytes()


_WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):  # as where the extra is not installed
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.startswith("tree_sitter") else super().find_spec(name, path, target)

sys.meta_path[:] = [Without if each is PathFinder else each for each in sys.meta_path]
"""


@linux
async def test_without_the_extra_there_is_no_child_and_one_line_says_what_installs_it(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_WITHOUT, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])

    async with launched(tmp_path, {"PYTHONPATH": path}) as (editor, process):
        await editor.request("initialize", **_HELLO)
        await editor.notify("initialized")
        await editor.open(URI, "def half(n):\n    return n / 2\n")
        note = await editor.asked("window/logMessage")
        await editor.change(URI, (0, 0), (0, 0), "\n")
        await editor.open(SCRIPT, JAVASCRIPT, "javascript")
        entry = await editor.entry("Theo: Document this", URI, (2, 6))

        assert note["message"].startswith("Theo: Functions and comments are told by indentation and patterns, because ")
        assert note["message"].endswith('[editor]"')
        assert _lines(entry) == (1, 2)
        assert [each["method"] for each in editor.seen if each.get("method") == "window/logMessage"] == [
            "window/logMessage"
        ]
        assert _children(process.pid) == []


_TELLS = """
import atexit, json, os, sys

def tell():
    files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
    native = [file for file in files if file.endswith((".so", ".pyd"))]
    with open(os.environ["TELLS"] + "/" + str(os.getpid()), "w") as file:
        json.dump({"native": native, "modules": sorted(sys.modules)}, file)

atexit.register(tell)
"""
ALLOWED = {"pydantic_core"}


@pytest.mark.slow
async def test_after_a_run_the_process_holds_no_native_parser(tmp_path: Path, model_server: ModelServer) -> None:
    (tmp_path / "sitecustomize.py").write_text(_TELLS, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {"PYTHONPATH": path, "TELLS": str(tmp_path), "THEO_MCP_ENGINE_URL": model_server.url}
    model_server.pieces = ("```javascript\n", "const two = 2;\n", "```\n")

    async with launched(tmp_path, environment) as (editor, process):
        await editor.request("initialize", **_HELLO)
        await editor.notify("initialized")
        await editor.open(SCRIPT, JAVASCRIPT, "javascript")
        await offered(
            editor, SCRIPT, (3, 4), lambda found: found == ["Complete here", "Translate this file into TypeScript"]
        )
        answer = await editor.run(await editor.entry("Theo: Generate", SCRIPT, (0, 4)))
        assert (await editor.ended(answer["result"]["jobId"])).startswith("applied")
        await editor.request("shutdown")
        await editor.notify("exit")
        await process.wait()

    told = json.loads((tmp_path / str(process.pid)).read_text(encoding="utf-8"))
    foreign = [Path(file) for file in told["native"] if "site-packages" in file]
    packages = {file.parts[file.parts.index("site-packages") + 1] for file in foreign}
    assert packages <= ALLOWED, packages
    assert not [name for name in told["modules"] if name.startswith(("tree_sitter", "theo_lsp.syntax.inside", "PIL"))]
    assert "theo_lsp.syntax.watch" in told["modules"]


DEFINITION = [
    "Document this",
    "Add types",
    "Simplify this",
    "Write tests for this",
    "Explain this",
    "Translate into TypeScript",
]


async def offered(editor: Editor, uri: str, place: tuple[int, int], wanted: Callable[[list[str]], bool]) -> None:
    """Waits until what is offered at `place` is what is `wanted`: the parse has been."""
    with anyio.fail_after(20):
        while True:
            titles = [str(entry["title"]).removeprefix("Theo: ") for entry in await editor.menu(uri, place)]
            if wanted([title for title in titles if "prompt" not in title]):
                return


def _lines(entry: Fields) -> tuple[int, int]:
    """The first and the last line that an action is about."""
    range = entry["command"]["arguments"][0]["range"]
    return range["start"]["line"], range["end"]["line"]


def _children(process: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):  # the thread has ended
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


async def _child(process: int) -> int:
    """The child that runs the parser, once it is there."""
    with anyio.fail_after(10):
        while True:
            for child in _children(process):
                if b"sandbox_inside" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return child
            await anyio.lowlevel.checkpoint()


async def _kill_a_child(process: int) -> None:
    """Kills the child at its work, and waits until it is gone."""
    child = await _child(process)
    with anyio.fail_after(10):
        while b"tree_sitter" not in Path(f"/proc/{child}/maps").read_bytes():  # it is ready
            await anyio.lowlevel.checkpoint()
        os.kill(child, signal.SIGKILL)
        while child in _children(process):
            await anyio.lowlevel.checkpoint()
