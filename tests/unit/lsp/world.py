"""An editor's session as chance has it, with its own idea of what every document says.

Nothing here uses the server's arithmetic: positions are counted by encoding the line, and an edit is applied by what
the protocol says of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import anyio

from tests.unit.lsp.client import Editor, Fields
from theo_mcp.testing.http import Exchange
from theo_mcp.testing.model_server import ModelServer

LANGUAGE = "of-no-parser"
_WIDTHS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
_ENDING = re.compile(r"\r\n|\r|\n")
_ADDED = re.compile(r"_(\d+) = \1")  # the least edit may leave out the letters before
_AT_ONCE = "Cancelled at once."
_APPLY, _QUESTION = "workspace/applyEdit", "window/showMessageRequest"


@dataclass
class Job:
    """A run, as the editor knows it."""

    id: str
    uri: str
    anchor: int | None
    """Where in the document its answer belongs; None since something was typed just there."""
    number: int | None
    """Which request at the model server it is; None where it was cancelled before there was one."""
    go_on: anyio.Event = field(default_factory=anyio.Event)
    stopped_at: int | None = None
    """How many messages had come when its cancelling was acknowledged."""


class World:
    """The editor and the model server. Each method that a step calls leaves both at rest."""

    def __init__(self, editor: Editor, server: ModelServer, encoding: str) -> None:
        self.editor, self.encoding = editor, encoding
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.jobs: list[Job] = []
        self._server = server
        self._gates: list[anyio.Event] = []
        self._asked = anyio.Event()
        self._answered = self._known = 0
        editor.answers[_APPLY] = None  # by `answer`, when chance says so
        server.next.append(self._model)

    async def open(self, uri: str, text: str) -> None:
        self._move(uri, 0, 10**9, text)
        if uri in self.texts:
            await self.editor.notify("textDocument/didClose", textDocument={"uri": uri})
        self.texts[uri], self.versions[uri] = text, self.versions.get(uri, 0) + 1
        item = {"uri": uri, "languageId": LANGUAGE, "version": self.versions[uri], "text": text}
        await self.editor.notify("textDocument/didOpen", textDocument=item)

    async def close(self, uri: str) -> None:
        if self.texts.pop(uri, None) is not None:
            await self.editor.notify("textDocument/didClose", textDocument={"uri": uri})

    async def change(self, uri: str, changes: list[tuple[tuple[int, int], tuple[int, int], str] | str]) -> None:
        """Several changes in one message, each for the text that the one before it left."""
        told: list[Fields] = []
        for change in changes:
            if isinstance(change, str):
                self.texts[uri] = change
                self._move(uri, 0, 10**9, change)
                told.append({"text": change})
            else:
                first, second = sorted(change[:2])
                start, end = self.offset(uri, first), self.offset(uri, second)
                self._move(uri, start, end, change[2])
                self.texts[uri] = self.texts[uri][:start] + change[2] + self.texts[uri][end:]
                told.append({"range": {"start": _wire(first), "end": _wire(second)}, "text": change[2]})
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        await self.editor.notify("textDocument/didChange", textDocument=document, contentChanges=told)

    def _move(self, uri: str, start: int, end: int, text: str) -> None:
        for job in self.jobs:
            if job.uri == uri and job.anchor is not None:
                if start <= job.anchor <= end:
                    job.anchor = None
                elif end < job.anchor:
                    job.anchor += len(text) - (end - start)

    async def menu(self, uri: str, start: tuple[int, int], end: tuple[int, int]) -> list[Fields]:
        """What is offered. Each offer is for the document as it is, and its edges are places of it."""
        entries: list[Fields] = await self.editor.menu(uri, *sorted([start, end]))
        for entry in entries:
            (given,) = entry["command"]["arguments"]
            if "range" not in given:
                continue
            assert (given["uri"], given["version"]) == (uri, self.versions[uri])
            edges = [self.offset(uri, (edge["line"], edge["character"])) for edge in given["range"].values()]
            assert [self.place(uri, edge) for edge in edges] == [*given["range"].values()]
            if entry["title"].startswith("Theo: Explain"):
                assert edges == self._lines_around(uri, *sorted([start, end]))
        return entries

    async def run(self, entry: Fields, *, at_once: bool = False) -> None:
        """Starts a run; `at_once` cancels it in the same breath."""
        (given,) = entry["command"]["arguments"]
        uri, place = given["uri"], (given["range"]["end"]["line"], given["range"]["end"]["character"])
        if at_once:
            given["action"], given["instruction"] = "generate", _AT_ONCE
        answer = await self.editor.run(entry)
        if "error" in answer:
            assert "is still at work at this place" in answer["error"]["message"], answer
            assert any(job.uri == uri and not self._ended(job) for job in self.jobs)
            return
        job = Job(answer["result"]["jobId"], uri, self.offset(uri, place), None)
        self.jobs.append(job)
        if at_once:
            await self.cancel(job, by_progress=False)
            await self.editor.ended(job.id)
            return
        with anyio.fail_after(10):
            while len(self._gates) == self._known:
                await self._asked.wait()
        self._known += 1
        job.number, job.go_on = len(self._gates) - 1, self._gates[-1]

    async def cancel(self, job: Job, *, by_progress: bool) -> None:
        if by_progress:
            await self.editor.notify("window/workDoneProgress/cancel", token=job.id)
            await self.editor.menu("file:///none", (0, 0))
        else:
            await self.editor.request("workspace/executeCommand", command="theo.cancel", arguments=[{"jobId": job.id}])
        if job.stopped_at is None:
            job.stopped_at = len(self.editor.seen)
        job.go_on.set()

    async def go_on(self, job: Job) -> None:
        """Lets the model answer, and waits until something comes of it."""
        seen = len(self.editor.seen)
        if not job.go_on.is_set() and job.stopped_at is None:
            job.go_on.set()
            await self._news_of(job, seen)

    async def answer(self, *, refuse: bool) -> None:
        """Answers every edit that the server has asked for since."""
        asked = [message for message in self.editor.seen if message.get("method") == _APPLY]
        for message in asked[self._answered :]:
            self._answered += 1
            seen = len(self.editor.seen)
            job = self._check(message)
            taken = not refuse and await self._apply(message["params"]["edit"], job)
            await self.editor.send({"jsonrpc": "2.0", "id": message["id"], "result": {"applied": taken}})
            await self._news_of(job, seen)

    async def finish(self) -> None:
        """Lets every run come to its end, and looks back."""
        for job in self.jobs:
            await self.go_on(job)
        while not all(self._ended(job) for job in self.jobs):
            await self.answer(refuse=False)
            await self.editor.menu("file:///none", (0, 0))
        for job in self.jobs:
            values = [message["params"]["value"]["kind"] for message in self._told("$/progress", job)]
            assert values[0] == "begin" and values.count("begin") == values.count("end") == 1
            assert values[-1] == "end"
        for uri in self.texts:
            await self._same(uri)

    def offset(self, uri: str, place: tuple[int, int]) -> int:
        lines = _lines(self.texts[uri])
        if place[0] >= len(lines):
            return len(self.texts[uri])
        start, end = lines[place[0]]
        units = 0
        for at in range(start, end):
            units += self._units(self.texts[uri][at])
            if units > place[1]:
                return at
        return end

    def place(self, uri: str, offset: int) -> Fields:
        lines = _lines(self.texts[uri])
        number = max(at for at, (start, _) in enumerate(lines) if start <= offset)
        start, end = lines[number]
        return {"line": number, "character": sum(map(self._units, self.texts[uri][start : min(offset, end)]))}

    def _units(self, character: str) -> int:
        codec, width = _WIDTHS[self.encoding]
        return len(character.encode(codec)) // width

    def _lines_around(self, uri: str, start: tuple[int, int], end: tuple[int, int]) -> list[int]:
        """The lines of a selection, without one that it only reaches the start of."""
        lines, edges = _lines(self.texts[uri]), [self.offset(uri, start), self.offset(uri, end)]
        rows = [max(at for at, (begins, _) in enumerate(lines) if begins <= edge) for edge in edges]
        if rows[1] > rows[0] and edges[1] == lines[rows[1]][0]:
            rows[1] -= 1
        return [lines[rows[0]][0], lines[rows[1]][1]]

    async def _model(self, exchange: Exchange) -> None:
        self._server.next.append(self._model)
        if exchange.request.method == "GET":
            await exchange.reply(200, {"object": "list", "data": [{"id": "scripted-1b"}]})
            return
        if _AT_ONCE in str(exchange.request.body):
            await exchange.start_events()
            await anyio.sleep_forever()
        number, gate = len(self._gates), anyio.Event()
        self._gates.append(gate)
        self._asked.set()
        self._asked = anyio.Event()
        await exchange.start_events()
        for piece in ("```\n", f"added_{number} = {number}\n", "```\n"):
            await exchange.event(_chunk({"content": piece}))
            await gate.wait()
        await exchange.event(_chunk({}, "stop"))
        await exchange.event("[DONE]")

    async def _news_of(self, job: Job, seen: int) -> None:
        def news(message: Fields) -> bool:
            method = message.get("method")
            return method in (_APPLY, _QUESTION) or _progress(message, job) == "end"

        if not self._ended(job):
            with anyio.fail_after(10):
                while not any(map(news, self.editor.seen[seen:])):
                    await self.editor.menu("file:///none", (0, 0))

    def _check(self, message: Fields) -> Job:
        """The run that asks for an edit. It may: nobody has cancelled it, and it means its document."""
        (change,) = message["params"]["edit"]["documentChanges"]
        numbers = _ADDED.findall(json.dumps(change["edits"]))
        assert len(numbers) == 1, change
        (job,) = (each for each in self.jobs if each.number == int(numbers[0]))
        assert job.stopped_at is None or self.editor.seen.index(message) < job.stopped_at
        assert change["textDocument"]["uri"] == job.uri
        assert 0 < change["textDocument"]["version"] <= self.versions[job.uri]
        return job

    async def _apply(self, edit: Fields, job: Job) -> bool:
        (change,) = edit["documentChanges"]
        uri = job.uri
        if uri not in self.texts or change["textDocument"]["version"] != self.versions[uri]:
            return False
        before, spans = self.texts[uri], []
        for each in change["edits"]:
            edges = [each["range"]["start"], each["range"]["end"]]
            start, end = (self.offset(uri, (edge["line"], edge["character"])) for edge in edges)
            assert [self.place(uri, start), self.place(uri, end)] == edges
            spans.append((start, end, each["newText"]))
        spans.sort()
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        after = before
        for start, end, new in reversed(spans):
            after = after[:start] + new + after[end:]
        above, added, below = after.partition(f"added_{job.number} = {job.number}")
        assert added
        assert "".join((above + below).split()) == "".join(before.split()), (before, after)
        if job.anchor is not None:
            assert above.rstrip() == before[: job.anchor].rstrip(), (before, job.anchor, after)
        await self._as_typed(uri, spans)
        return True

    async def _as_typed(self, uri: str, spans: list[tuple[int, int, str]]) -> None:
        """The edit, as editors tell of it: from the end of the document to its start."""
        places = [(self.place(uri, start), self.place(uri, end), new) for start, end, new in reversed(spans)]
        await self.change(uri, [((*one.values(),), (*two.values(),), new) for one, two, new in places])

    async def _same(self, uri: str) -> None:
        """The server's text is ours: its prompt says it."""
        text = self.texts[uri]
        kinds = ["refactor.theo.explain", "refactor.theo.prompt"]
        entries = await self.editor.menu(uri, (0, 0), (10**6, 0), only=kinds)
        if len(text) < 2 or not text.strip():
            return
        shown = len(self._told("window/showDocument"))
        await self.editor.run(next(entry for entry in entries if "exact prompt" in entry["title"]))
        while len(self._told("window/showDocument")) == shown:
            await self.editor.menu("file:///none", (0, 0))
        path = Path(unquote(urlsplit(self._told("window/showDocument")[-1]["params"]["uri"]).path))
        assert text.rstrip() in path.read_bytes().decode()

    def _told(self, method: str, job: Job | None = None) -> list[Fields]:
        told = [message for message in self.editor.seen if message.get("method") == method]
        return [message for message in told if job is None or message["params"]["token"] == job.id]

    def _ended(self, job: Job) -> bool:
        return any(_progress(message, job) == "end" for message in self.editor.seen)


def _lines(text: str) -> list[tuple[int, int]]:
    ends = [*_ENDING.finditer(text)]
    return [*zip([0, *(end.end() for end in ends)], [*(end.start() for end in ends), len(text)], strict=True)]


def _wire(place: tuple[int, int]) -> Fields:
    return {"line": place[0], "character": place[1]}


def _progress(message: Fields, job: Job) -> str:
    params: Any = message.get("params")
    if message.get("method") != "$/progress" or params["token"] != job.id:
        return ""
    kind: str = params["value"]["kind"]
    return kind


def _chunk(delta: Fields, finish: str | None = None) -> Fields:
    return {"id": "c1", "model": "scripted-1b", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
