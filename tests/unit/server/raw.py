"""A host with nothing in between: the real server process, and bytes to and from it.

Whatever a test reads, every byte of stdout must be part of a line of JSON-RPC.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

Fields = dict[str, Any]
Id = str | int | None

SERVE = (sys.executable, "-m", "theo_mcp", "serve")
LEGACY, MODERN = "2025-11-25", "2026-07-28"
_CLIENT = {"name": "raw", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": _CLIENT,
}
HELLO: Fields = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
_ANSWER_S = 30.0  # a busy machine takes its time to load a model
_END_S = 2.0
_MAX_LINE = 2**26


class Server:
    """A running server. `era` decides how `request` speaks."""

    def __init__(self, process: Process, era: str, log: Path, unread: FileIO, fills: FileIO) -> None:
        self.process = process
        self.era = era
        self.seen: list[Fields] = []
        """Every message so far."""
        self.unread = unread
        """Where an unread stdout ends."""
        self._fills = fills
        self._log = log
        self._lines = BufferedByteReceiveStream(process.stdout) if process.stdout is not None else None

    async def send(self, *lines: Fields | bytes) -> None:
        """Messages, or bytes as they are; a line break is added to each."""
        assert self.process.stdin is not None
        encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        await self.process.stdin.send(b"".join(line + b"\n" for line in encoded))

    async def open(self) -> Fields:
        """What a client says first; the server's answer to it."""
        if self.era == MODERN:
            return await self.request("server/discover")
        hello = await self.request("initialize", id="hello", **HELLO)
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return hello

    def message(self, method: str, *, id: Id, **params: Any) -> Fields:
        """A request as this era writes it."""
        if self.era == MODERN:
            params["_meta"] = {**ENVELOPE, **params.get("_meta", {})}
        return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}

    async def request(self, method: str, *, id: Id = 1, **params: Any) -> Fields:
        """Asks and waits: the whole answer, a result or an error."""
        await self.send(self.message(method, id=id, **params))
        return await self.answer(id)

    async def call(self, tool: str, *, id: Id = 1, **arguments: Any) -> Fields:
        """Calls a tool: its result."""
        answer = await self.request("tools/call", id=id, name=tool, arguments=arguments)
        result: Fields = answer["result"]
        return result

    async def tools(self) -> int:
        """Asks for the tools: how many there are."""
        return len((await self.request("tools/list", id="tools"))["result"]["tools"])

    async def answers(self) -> bool:
        """Whether it still answers at all."""
        try:
            return await self.tools() > 0
        except (AssertionError, anyio.BrokenResourceError):
            return False

    async def answer(self, id: Id) -> Fields:
        """Reads up to the answer to `id`."""
        while True:
            message = await self.next()
            if "id" in message and (type(message["id"]), message["id"]) == (type(id), id):
                return message

    async def progress(self) -> str:
        """Reads up to a progress notification that says something, past other notifications; an answer meanwhile is a
        failure."""
        with anyio.fail_after(_ANSWER_S):
            while True:
                message = await self.next()
                assert "id" not in message, message
                if said := message.get("params", {}).get("message"):
                    return str(said)

    async def next(self) -> Fields:
        """The next message, whatever it is."""
        assert self._lines is not None
        try:
            with anyio.fail_after(_ANSWER_S):
                line = await self._lines.receive_until(b"\n", _MAX_LINE)
        except anyio.IncompleteRead:
            raise AssertionError(f"stdout ended; left over: {self._lines.buffer!r}; stderr: {self.log}") from None
        return self._read(line)

    async def rest(self) -> list[Fields]:
        """Reads to the end of stdout: every message since the process began."""
        assert self._lines is not None
        with anyio.fail_after(_ANSWER_S):
            while True:
                try:
                    self._read(await self._lines.receive_until(b"\n", _MAX_LINE))
                except anyio.IncompleteRead:
                    assert self._lines.buffer == b""
                    return self.seen

    async def end(self, by: signal.Signals | None) -> None:
        """Sends a signal, or ends the input. (Popen's own way to signal may reap, and asyncio then reports 255.)"""
        if by is not None:
            os.kill(self.process.pid, by)
        elif self.process.stdin is not None:
            await self.process.stdin.aclose()

    async def blocked(self) -> None:
        """Waits until an unread stdout takes no more. Only the kernel knows, and it tells only who asks."""
        room = select.poll()
        room.register(self._fills, select.POLLOUT)
        with anyio.fail_after(_ANSWER_S):
            while room.poll(0):  # noqa: ASYNC110
                await anyio.sleep(0.01)

    async def exit_code(self) -> int:
        """Waits for the end, which every test asks for within two seconds."""
        try:
            with anyio.fail_after(_END_S):
                return await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"still running after {_END_S:g} s; stderr: {self.log}") from None

    @property
    def log(self) -> str:
        """What it wrote to stderr."""
        return self._log.read_text(encoding="utf-8")

    def _read(self, line: bytes) -> Fields:
        message: Fields = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
        assert message["jsonrpc"] == "2.0", line
        self.seen.append(message)
        return message


@asynccontextmanager
async def server(
    home: Path,
    *flags: str,
    era: str = LEGACY,
    command: tuple[str, ...] = SERVE,
    stdin: int = subprocess.PIPE,
    unread: bool = False,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Server]:
    """The server's process in an environment of its own; leaving kills it where it has not ended.

    `stdin` is a pipe or a descriptor of the caller's. What goes to an `unread` stdout stays in its pipe.
    """
    log = home / "stderr"
    with log.open("wb") as stderr, pipe() as (reading, writing):
        process = await anyio.open_process(
            [*command, *flags],
            stdin=stdin,
            stdout=writing if unread else subprocess.PIPE,
            stderr=stderr,
            cwd=home,
            env={"PATH": os.defpath, "HOME": str(home), "THEO_MCP_DATA_DIR": str(home), **(environ or {})},
            start_new_session=True,
        )
        try:
            yield Server(process, era, log, reading, writing)
        finally:
            with anyio.CancelScope(shield=True):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # the session is its own: whatever it started goes with it
                await process.aclose()


@contextmanager
def pipe() -> Iterator[tuple[FileIO, FileIO]]:
    """The end to read from and the end to write to."""
    reading, writing = os.pipe()
    with FileIO(reading, "rb") as source, FileIO(writing, "wb") as sink:
        yield source, sink


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")
