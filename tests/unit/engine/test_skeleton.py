"""The API that the engine writes by rule, started and asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import anyio
import pytest

from theo_mcp.engine.making import skeleton
from theo_mcp.wire.words import CodeLanguage

PROMPT = "Write a REST API for my books with title, author and pages"


@pytest.mark.parametrize(
    ("prompt", "resource", "fields"),
    [
        (PROMPT, "books", ("title", "author", "pages")),
        ("an api for a todo list in Node.js with create, list and delete", "todo-lists", ("name",)),
        ("a backend", "items", ("name",)),
        ('an API for "; drop', "items", ("name",)),
    ],
)
def test_names_come_from_the_prompt(prompt: str, resource: str, fields: tuple[str, ...]) -> None:
    assert skeleton.resource(prompt) == resource
    assert skeleton.fields(prompt) == fields


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "program", "file"), [("python", sys.executable, "app.py"), ("nodejs", "node", "app.mjs")]
)
async def test_it_runs_and_keeps_what_it_is_sent(
    tmp_path: Path, free_tcp_port: int, language: CodeLanguage, program: str, file: str
) -> None:
    command = shutil.which(program)
    assert command, f"{program} is needed"
    (tmp_path / file).write_text(skeleton.source(PROMPT, language), encoding="utf-8")
    book = {"title": "Emma", "author": "Austen", "pages": 320}

    def ask(method: str, path: str, body: object = None) -> tuple[int, object]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{free_tcp_port}{path}", data, method=method)
        try:
            with urlopen(request, timeout=5) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as error:
            with error:
                return error.code, None

    process = await anyio.open_process([command, file, str(free_tcp_port)], cwd=tmp_path, stderr=subprocess.DEVNULL)
    async with process:
        try:
            with anyio.fail_after(20):
                while True:
                    try:
                        stream = await anyio.connect_tcp("127.0.0.1", free_tcp_port)
                    except OSError:
                        await anyio.sleep(0.05)
                    else:
                        await stream.aclose()
                        break
            assert ask("GET", "/books") == (200, [])
            assert ask("POST", "/books", book) == (201, {"id": 1, **book})
            assert ask("PUT", "/books/1", book | {"pages": 1}) == (200, {"id": 1, **book, "pages": 1})
            assert ask("GET", "/books/1?x=1") == (200, {"id": 1, **book, "pages": 1})
            assert ask("DELETE", "/books/1") == (204, None)
            calls: tuple[tuple[str, str, object], ...] = (
                ("GET", "/books/1", None), ("POST", "/books", {"title": "x"}), ("POST", "/books", []),
                ("GET", "/other", None),
                ("GET", "/books/x", None), ("DELETE", "/books", None), ("POST", "/books/1", book),
            )  # fmt: skip
            assert [ask(*call)[0] for call in calls] == [404, 400, 400, 404, 404, 405, 405]
        finally:
            process.kill()
