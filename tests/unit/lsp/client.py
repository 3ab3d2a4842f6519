"""An editor with nothing in between: the server, in this process or its own, and messages to and from it.

Whatever a test reads, every byte from the server must be part of a message, every message as the protocol's model has
it, and every request answered at most once. What the server asks of the editor is answered by `answers`; what stands
there as None is never answered.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from lsprotocol import types

from tests.unit.lsp.model import faults
from theo_lsp.session import Session
from theo_lsp.wire.input import Input
from theo_lsp.wire.output import Writer
from theo_lsp.wire.peers import Connection

Fields = dict[str, Any]
Answer = Callable[[Fields], Any]

_ANSWER_S = 20.0
CAPABILITIES: Fields = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}, "showMessage": {}},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]},
    },
}


class Editor:
    """An editor that keeps its documents as text, and applies what it is asked to."""

    def __init__(self, to_server: ByteSendStream, from_server: ByteReceiveStream) -> None:
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.settings: Any = {}
        self.choice: str | None = None
        """What the user answers to a question."""
        self.seen: list[Fields] = []
        """Every message so far."""
        self.answers: dict[str, Answer | None] = {
            "window/workDoneProgress/create": lambda params: None,
            "workspace/configuration": lambda params: [self.settings for _ in params["items"]],
            "window/showDocument": lambda params: {"success": True},
            "window/showMessageRequest": lambda params: {"title": self.choice} if self.choice else None,
            "client/registerCapability": lambda params: None,
        }
        self._bytes = BufferedByteReceiveStream(from_server)
        self._to_server = to_server
        self._sending = anyio.Lock()
        self._news = anyio.Event()
        self._count = 0
        self.requests: dict[int | str, str] = {}
        """The method of each request so far, by its id."""
        self._answered: set[int | str] = set()

    async def send(self, *messages: Fields | bytes) -> None:
        """Messages, or bytes as they are."""
        for each in messages:
            if isinstance(each, dict) and "id" in each and each.get("method") in types.METHOD_TO_TYPES:
                self.requests[each["id"]] = each["method"]
                self._answered.discard(each["id"])
        parts = [each if isinstance(each, bytes) else framed(each) for each in messages]
        async with self._sending:
            await self._to_server.send(b"".join(parts))

    async def notify(self, method: str, **params: Any) -> None:
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def request(self, method: str, **params: Any) -> Fields:
        """Asks and waits: the whole answer, a result or an error."""
        self._count += 1
        id = self._count
        await self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return await self.until(lambda message: message.get("id") == id and "method" not in message)

    async def until(self, wanted: Callable[[Fields], bool]) -> Fields:
        """The first message, of all so far and to come, that is `wanted`."""
        read = 0
        with anyio.fail_after(_ANSWER_S):
            while True:
                for message in self.seen[read:]:
                    if wanted(message):
                        return message
                read = len(self.seen)
                if read == len(self.seen):
                    await self._news.wait()

    async def asked(self, method: str) -> Fields:
        """What the server asked or told by `method`; the parameters."""
        params: Fields = (await self.until(lambda message: message.get("method") == method))["params"]
        return params

    async def ended(self, job: str) -> str:
        """How a run ended, as its progress says."""
        message = await self.until(lambda message: _progress(message, job) == "end")
        said: str = message["params"]["value"].get("message", "")
        return said

    async def open(self, uri: str, text: str, language: str = "python") -> None:
        self.texts[uri], self.versions[uri] = text, 1
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        await self.notify("textDocument/didOpen", textDocument=item)

    async def change(self, uri: str, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Types `text` between two positions."""
        edit = {"range": _range(start, end), "newText": text}
        await self._edit(uri, [edit])

    async def menu(self, uri: str, start: tuple[int, int], end: tuple[int, int] | None = None, **context: Any) -> Any:
        """The code actions at a place."""
        answer = await self.request(
            "textDocument/codeAction",
            textDocument={"uri": uri},
            range=_range(start, end or start),
            context={"diagnostics": [], **context},
        )
        return answer["result"]

    async def entry(self, begins: str, uri: str, start: tuple[int, int], end: tuple[int, int] | None = None) -> Fields:
        """The first entry of the menu whose title begins so."""
        entries = await self.menu(uri, start, end)
        found: Fields = next(entry for entry in entries if entry["title"].startswith(begins))
        return found

    async def run(self, entry: Fields) -> Fields:
        """Chooses an entry of the menu; the whole answer."""
        command = entry["command"]
        return await self.request(
            "workspace/executeCommand", command=command["command"], arguments=command["arguments"]
        )

    async def listen(self) -> None:
        while True:
            head = (await self._bytes.receive_until(b"\r\n\r\n", 4096)).decode()
            length = re.fullmatch(r"Content-Length: (\d+)\r\nContent-Type: [^\r\n]+", head)
            assert length, head
            message = json.loads(await self._bytes.receive_exactly(int(length[1])))
            self._check(message)
            self.seen.append(message)
            told, self._news = self._news, anyio.Event()
            told.set()
            if "method" in message and "id" in message:
                await self._answer(message)

    def _check(self, message: Fields) -> None:
        found = faults(message, self.requests)
        assert not found, (found, message)
        if "method" not in message and message["id"] is not None:
            assert message["id"] not in self._answered, ("answered twice", message)
            self._answered.add(message["id"])

    async def _answer(self, message: Fields) -> None:
        method, params = message["method"], message["params"]
        if method == "workspace/applyEdit" and method not in self.answers:
            result: Any = {"applied": await self._apply(params["edit"])}
        else:
            answer = self.answers[method]
            if answer is None:
                return
            result = answer(params)
        await self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def _apply(self, edit: Fields) -> bool:
        for change in edit["documentChanges"]:
            if change.get("kind") == "create":
                self.texts[change["uri"]], self.versions[change["uri"]] = "", 0
                continue
            uri, version = change["textDocument"]["uri"], change["textDocument"].get("version")
            if version is not None and version != self.versions[uri]:
                return False
            await self._edit(uri, change["edits"])
        return True

    async def _edit(self, uri: str, edits: list[Fields]) -> None:
        text = self.texts[uri]
        changes = []
        for edit in sorted(edits, key=lambda edit: _key(edit["range"]["start"]), reverse=True):
            start, end = (_offset(text, edit["range"][edge]) for edge in ("start", "end"))
            text = text[:start] + edit["newText"] + text[end:]
            changes.append({"range": edit["range"], "text": edit["newText"]})
        self.texts[uri] = text
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        await self.notify("textDocument/didChange", textDocument=document, contentChanges=changes)


def framed(message: Fields) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@asynccontextmanager
async def connected(environment: Mapping[str, str]) -> AsyncIterator[Editor]:
    """A server in this process, behind real sockets, to which nothing was said yet."""
    ours, theirs = socket.socketpair()
    writer = Writer(Connection(theirs), lambda: None)
    async with anyio.create_task_group() as tasks, await SocketStream.from_socket(ours) as stream:
        async with Session.open(writer, tasks, lambda: None, environment) as session:
            reading = Input(writer.peer)
            reading.start()
            tasks.start_soon(partial(reading.hand, session.take, lost=lambda: None))
            editor = Editor(stream, stream)
            tasks.start_soon(_listen, editor)
            yield editor
            theirs.shutdown(socket.SHUT_RDWR)
        tasks.cancel_scope.cancel()
    theirs.close()


@asynccontextmanager
async def launched(folder: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[tuple[Editor, Process]]:
    """A server process in `folder`, to which nothing was said yet; nothing of this machine's settings is read."""
    env = {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "HOME": str(folder),
        "THEO_MCP_DATA_DIR": str(folder / "data"),
        "TMPDIR": str(folder),
        **(environment or {}),
    }
    with (folder / "stderr").open("wb") as log:
        process = await anyio.open_process([sys.executable, "-m", "theo_lsp.server"], env=env, stderr=log, cwd=folder)
        try:
            async with anyio.create_task_group() as tasks:
                assert process.stdin and process.stdout
                editor = Editor(process.stdin, process.stdout)
                tasks.start_soon(_listen, editor)
                yield editor, process
                tasks.cancel_scope.cancel()
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.aclose()


async def _listen(editor: Editor) -> None:
    try:
        await editor.listen()
    except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
        return


def _progress(message: Fields, job: str) -> str:
    params = message.get("params") or {}
    if message.get("method") != "$/progress" or params["token"] != job:
        return ""
    kind: str = params["value"]["kind"]
    return kind


def _range(start: tuple[int, int], end: tuple[int, int]) -> Fields:
    return {"start": dict(zip(("line", "character"), start, strict=True)),
            "end": dict(zip(("line", "character"), end, strict=True))}  # fmt: skip


def _key(position: Fields) -> tuple[int, int]:
    return position["line"], position["character"]


def _offset(text: str, position: Fields) -> int:
    """In UTF-16, as editors that say nothing else count."""
    lines = re.split(r"(?<=\n)", text)
    before = "".join(lines[: position["line"]])
    line = lines[position["line"]] if position["line"] < len(lines) else ""
    return len(before) + len(line.encode("utf-16-le")[: 2 * position["character"]].decode("utf-16-le"))
