"""MCP over this process's stdin and stdout.

Ours instead of the SDK's, which ignores Ctrl-C while stdin is open, leaves lines that it cannot parse unanswered, and
waits for busy threads at the end. Here every line with an id gets an answer, nothing but JSON-RPC reaches stdout, and
the process ends soon after its input does, or at a signal, whatever is still running.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import mcp_types as types
from anyio.lowlevel import EventLoopToken, current_token
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from theo_mcp.machine import claimed
from theo_mcp.wire.model import scrubbed

log = logging.getLogger(__name__)
_END_GRACE_S = 1.5
"""From the end of input, or a signal, to the end of the process, whatever is still running."""
_LAST_ANSWERS_S = 0.8
"""How long after the end of input a request may still be answered: `printf … | theo-mcp serve` shows its answer."""
_FLUSH_S = 0.3
_MAX_LINE = 64 * 2**20
_READ = 2**16
_PARENT_POLL_S = 2.0
_ID_IN_TEXT = re.compile(
    rb'"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(-?(?:0|[1-9]\d{0,17})(?![\d.])|"[\w-]{1,64}")'
    rb'|"id"\s*:\s*(-?(?:0|[1-9]\d{0,17})(?![\d.])|"[\w-]{1,64}")\s*,\s*"jsonrpc"'
)
"""The id of a line that is not JSON, where it stands beside the version, as every client writes it."""


@dataclass(frozen=True)
class Wire:
    """The descriptors that carry the protocol, out of reach of stray prints and of children."""

    read: int
    write: int


def claim() -> Wire:
    """Takes stdin and stdout for the protocol."""
    return Wire(*claimed())


async def serve(server: Server[Any], wire: Wire) -> None:
    """Serves until the input ends, the host is gone or a signal comes. May end the process itself if it must."""
    # Without a bound, so that the end of the input is seen also while a host that reads nothing goes on asking.
    inbox, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](math.inf)
    outgoing, outbox = anyio.create_memory_object_stream[SessionMessage](math.inf)
    answers = outgoing.clone()
    unanswered = _Unanswered()
    flushed = anyio.Event()
    async with anyio.create_task_group() as tasks:
        stop = tasks.cancel_scope.cancel
        tasks.start_soon(_write, wire.write, outbox, unanswered, flushed, stop)
        tasks.start_soon(_stop_at_signal, stop)
        tasks.start_soon(_stop_without_parent, stop)
        _Reader(wire.read, current_token(), inbox, answers, unanswered).start()
        await server.run(incoming, outgoing, server.create_initialization_options())
        answers.close()
        with anyio.move_on_after(_FLUSH_S):
            await flushed.wait()
        stop()


class _Unanswered:
    """The requests that wait for an answer, so that the last ones before the end of the input can still get theirs."""

    def __init__(self) -> None:
        self._ids: set[str | int] = set()
        self._changed = anyio.Event()

    def asked(self, id: str | int) -> None:
        self._ids.add(id)

    def answered(self, id: str | int | None) -> None:
        if id is not None:
            self._ids.discard(id)
            self._changed.set()

    async def none(self) -> None:
        while self._ids:
            self._changed = anyio.Event()
            await self._changed.wait()


class _Reader(threading.Thread):
    """Reads lines in a thread, because no event loop can wait for every kind of stdin (files, consoles)."""

    def __init__(
        self,
        fd: int,
        token: EventLoopToken,
        inbox: MemoryObjectSendStream[SessionMessage | Exception],
        answers: MemoryObjectSendStream[SessionMessage],
        unanswered: _Unanswered,
    ) -> None:
        super().__init__(daemon=True, name="stdin")
        self._fd, self._token, self._inbox, self._answers = fd, token, inbox, answers
        self._unanswered = unanswered

    def run(self) -> None:
        try:
            with suppress(RuntimeError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                for lines in _batches(self._fd):
                    anyio.from_thread.run_sync(self._accept, lines, token=self._token)
        finally:
            end_soon()
            with suppress(RuntimeError):  # the loop is gone
                anyio.from_thread.run(self._finish, token=self._token)

    def _accept(self, lines: list[bytes]) -> None:
        messages = [message for line in lines for message in _safely_read(line)]
        initializes = any(_asks(message, "initialize") for message in messages)
        for message in messages:
            if initializes and isinstance(message, types.JSONRPCRequest) and _asks(message, "server/discover"):
                # A host that got no answer in time, while we started, goes on with the older handshake. The answer that
                # it no longer waits for would settle the connection on the newer one, which refuses `initialize`.
                refusal = _refusal(message.id, types.INVALID_REQUEST, "The host went on with initialize.")
                self._answers.send_nowait(SessionMessage(refusal))
                continue
            if isinstance(message, types.JSONRPCError):
                self._answers.send_nowait(SessionMessage(message))
                continue
            if isinstance(message, types.JSONRPCRequest) and message.method != "subscriptions/listen":
                self._unanswered.asked(message.id)  # what listens is never answered
            elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
                cancelled = (message.params or {}).get("requestId")  # nobody answers it now
                self._unanswered.answered(cancelled if isinstance(cancelled, str | int) else None)
            self._inbox.send_nowait(SessionMessage(message))

    async def _finish(self) -> None:
        with anyio.move_on_after(_LAST_ANSWERS_S):
            await self._unanswered.none()
        self._inbox.close()


def end_soon() -> None:
    """Ends the process after a grace period. Children end with us, because their stdin closes."""
    timer = threading.Timer(_END_GRACE_S, partial(os._exit, 0))
    timer.daemon = True
    timer.start()


def _batches(fd: int) -> Iterator[list[bytes]]:
    """The lines of a descriptor, as many at a time as one read brings."""
    parts: list[bytes] = []
    size = 0
    while chunk := os.read(fd, _READ):
        *lines, rest = chunk.split(b"\n")
        if lines:
            lines[0] = b"".join([*parts, lines[0]])
            parts, size = [], 0
            yield lines
        if rest:
            parts.append(rest)
            size += len(rest)
        if size > _MAX_LINE:
            parts, size = [b"["], 1  # no answer can name its id; the line's end will be reported as not JSON
    if parts:
        yield [b"".join(parts)]


def _safely_read(line: bytes) -> list[types.JSONRPCMessage]:
    try:
        return list(_read(line))
    except Exception as error:  # a fault of ours in one line may not cost the others
        where = "".join(traceback.format_tb(error.__traceback__))  # its words may hold a prompt
        log.error("A line could not be read: %s\n%s", type(error).__name__, where)
        return [_refusal(None, types.INTERNAL_ERROR, "The line could not be read.")]


def _asks(message: types.JSONRPCMessage, method: str) -> bool:
    return isinstance(message, types.JSONRPCRequest) and message.method == method


def _read(line: bytes) -> Iterator[types.JSONRPCMessage]:
    """What a line says; for a request that cannot be taken, the error that answers it."""
    if not line.strip():
        return
    try:
        message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        # An id that no request may have (null, 1.5) makes a request look like a notification: nobody would answer it.
        if not (isinstance(message, types.JSONRPCNotification) and b'"id"' in line and "id" in json.loads(line)):
            yield message
            return
    except ValidationError:
        pass
    try:  # the standard parser takes lone surrogates, which JavaScript hosts do send
        said = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        found = _ID_IN_TEXT.search(line)
        known = json.loads(found[1] or found[2]) if found else None
        yield _refusal(known, types.PARSE_ERROR, "The line is not JSON that can be read.")
        return
    if isinstance(said, list):
        for item in said or [None]:
            asks = not isinstance(item, dict) or "id" in item or "method" not in item
            if asks:  # a notification in a batch is not answered
                id = item.get("id") if isinstance(item, dict) else None
                yield _refusal(id, types.INVALID_REQUEST, "Batches are not supported: send one request a line.")
        return
    try:
        message = types.jsonrpc_message_adapter.validate_python(_scrub(said), by_name=False)
        if isinstance(message, types.JSONRPCNotification) and "id" in said:
            yield _refusal(said["id"], types.INVALID_REQUEST, "The id should be a string or an integer.")
        else:
            yield message
    except (ValidationError, RecursionError):
        if not isinstance(said, dict) or "id" in said or "method" not in said:
            known = said.get("id") if isinstance(said, dict) else None
            yield _refusal(known, types.INVALID_REQUEST, "The line is not a JSON-RPC 2.0 request.")


def _refusal(id: object, code: int, message: str) -> types.JSONRPCError:
    known = scrubbed(id) if isinstance(id, str) else id if isinstance(id, int) and not isinstance(id, bool) else None
    return types.JSONRPCError(jsonrpc="2.0", id=known, error=types.ErrorData(code=code, message=message))


def _scrub(value: object) -> object:
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {scrubbed(key): _scrub(item) for key, item in value.items()}
    return value


async def _write(
    fd: int,
    outbox: MemoryObjectReceiveStream[SessionMessage],
    unanswered: _Unanswered,
    flushed: anyio.Event,
    stop: Any,
) -> None:
    ready = select.poll() if hasattr(select, "poll") else None
    if ready is not None:
        ready.register(fd, select.POLLOUT)
    async with outbox:
        async for sent in outbox:
            if isinstance(sent.message, types.JSONRPCResponse | types.JSONRPCError):
                unanswered.answered(sent.message.id)
            line = sent.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
            try:
                # A pipe that is ready takes this much without blocking; what is longer, or late, waits in a thread.
                if ready is not None and len(line) <= select.PIPE_BUF and ready.poll(0):
                    os.write(fd, line)
                else:
                    await anyio.to_thread.run_sync(_write_all, fd, line, abandon_on_cancel=True)
            except OSError:  # nobody reads any more
                end_soon()
                stop()
                return
    flushed.set()


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


async def _stop_at_signal(stop: Any) -> None:
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async for _ in signals:
            end_soon()
            stop()
            return


async def _stop_without_parent(stop: Any) -> None:
    """A host that is killed may leave stdin open in another child of its own; only our parent's id tells."""
    if sys.platform == "win32":
        return
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells when a parent dies
        await anyio.sleep(_PARENT_POLL_S)
    end_soon()
    stop()
