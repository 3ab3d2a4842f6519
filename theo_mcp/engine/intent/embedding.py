"""Embeddings, made by a child process that is started at the first need, kept, and started anew when it fails.

Nobody waits long for it: `vector` raises `NoEmbeddingError` instead, and its sentence is for whoever reads why a mode
was chosen. A child that is not up in time goes on starting, for the next prompt.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import anyio
from anyio.abc import Process

from theo_mcp.machine import environment, install_command

_COMMAND: Final = (sys.executable, "-P", "-m", "theo_mcp.engine.intent.child")
_READY_S: Final = 1.0
"""How long one prompt waits for a child that is starting; it takes 0.1 s on an idle machine."""
_ANSWER_S: Final = 2.0
_START_LIMIT_S: Final = 60.0
_FAULTS: Final = 3
_REST_S: Final = 60.0
"""After three faults in a row nothing is tried for so long."""
_END_GRACE_S: Final = 1.0
_log = logging.getLogger(__name__)


class NoEmbeddingError(Exception):
    """Why there is no vector for this prompt: half a sentence."""


class Embedding:
    """The child of one engine; `package` and `version` say which model its vectors must come from."""

    def __init__(self, package: str, version: str, command: Sequence[str] = _COMMAND) -> None:
        self._wanted = {"package": package, "version": version}
        self._command = command
        self._turn = anyio.Lock()
        self._process: Process | None = None
        self._ready = False
        self._unread = b""
        self._number = 0
        self._faults = 0
        self._rests_until = -1.0
        self._start_ends_at = 0.0
        self._useless = ""
        self._warned = False

    async def vector(self, text: str) -> list[float]:
        """The embedding of `text`.

        Raises:
            NoEmbeddingError: there is none, or not in time.
        """
        try:
            with anyio.fail_after(_READY_S + _ANSWER_S):
                async with self._turn:
                    return await self._vector(text)
        except TimeoutError:
            raise self._without("the classifier is busy") from None

    async def aclose(self) -> None:
        """Ends the process: it exits when its stdin closes, and is killed if it does not."""
        async with self._turn:
            await self._stop()
            self._useless = self._useless or "the engine is closed"

    async def _vector(self, text: str) -> list[float]:
        if self._useless:
            raise NoEmbeddingError(self._useless)
        if self._process is not None and self._process.returncode is not None:
            await self._stop()
        process = self._process or await self._start()
        if not self._ready:
            await self._greeted(process)
        self._number += 1
        number = self._number
        order = json.dumps({"id": number, "text": text}).encode() + b"\n"
        told: dict[str, object] = {}
        with anyio.move_on_after(_ANSWER_S) as limit:
            told = await self._asked(process, order, number)
        if limit.cancelled_caught:
            raise await self._fault("the classifier did not answer in time")
        vector = told.get("vector")
        if not isinstance(vector, list) or not all(isinstance(value, float | int) for value in vector):
            raise await self._fault("the classifier's process ended")
        self._faults = 0
        return vector

    async def _asked(self, process: Process, order: bytes, number: int) -> dict[str, object]:
        """The answer to `order`; what is left of one that nobody waited for is passed over."""
        assert process.stdin is not None
        try:
            await process.stdin.send(order)
            while (told := await self._line(process)) and told.get("id") != number:
                pass
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError, ValueError):
            return {}
        return told

    async def _start(self) -> Process:
        if anyio.current_time() < self._rests_until:
            raise NoEmbeddingError("the classifier failed several times")
        if importlib.util.find_spec(self._wanted["package"]) is None:
            self._useless = "the classifier is not installed"
            _log.info("Modes are chosen by rules alone: %s. Install it: %s", self._useless, install_command("embed"))
            raise NoEmbeddingError(self._useless)
        try:
            process = await anyio.open_process(
                self._command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(keys=False)
            )
        except OSError:
            raise await self._fault("the classifier could not be started") from None
        self._process, self._ready, self._unread = process, False, b""
        self._start_ends_at = anyio.current_time() + _START_LIMIT_S
        return process

    async def _greeted(self, process: Process) -> None:
        told: dict[str, object] = {}
        with anyio.move_on_after(_READY_S) as limit:
            try:
                told = await self._line(process)
            except ValueError:
                told = {}
        if limit.cancelled_caught:
            if anyio.current_time() > self._start_ends_at:
                raise await self._fault("the classifier did not start in time")
            raise self._without("the classifier is still starting")
        if told == self._wanted:
            self._ready = True
            return
        if not told:
            raise await self._fault("the classifier's process ended")
        await self._stop()
        self._useless = "the classifier cannot be used"
        why = told.get("error") or f"it belongs to {self._wanted['package']} {self._wanted['version']}"
        raise self._without(self._useless, str(why)[:200])

    async def _line(self, process: Process) -> dict[str, object]:
        """The next line of the child; empty when it has ended."""
        assert process.stdout is not None
        while b"\n" not in self._unread:
            try:
                self._unread += await process.stdout.receive()
            except anyio.EndOfStream:
                return {}
        line, _, self._unread = self._unread.partition(b"\n")
        told = json.loads(line)
        return told if isinstance(told, dict) else {}

    async def _fault(self, reason: str) -> NoEmbeddingError:
        await self._stop()
        self._faults += 1
        if self._faults >= _FAULTS:
            self._rests_until = anyio.current_time() + _REST_S
        return self._without(reason)

    def _without(self, reason: str, more: str = "") -> NoEmbeddingError:
        """Said once in the log, and to whoever asked each time."""
        if not self._warned:
            self._warned = True
            _log.warning("Modes are chosen by rules alone: %s%s", reason, f" ({more})" if more else "")
        return NoEmbeddingError(reason)

    async def _stop(self) -> None:
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        with anyio.CancelScope(shield=True):
            if process.stdin is not None:
                await process.stdin.aclose()
            with anyio.move_on_after(_END_GRACE_S if process.returncode is None else 0):
                await process.wait()
            if process.returncode is None:
                process.kill()
            await process.aclose()
