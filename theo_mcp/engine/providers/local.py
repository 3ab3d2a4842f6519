"""A model on this machine: its process is started at the first call and ends with us."""

from __future__ import annotations

import importlib.util
import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Process

from theo_mcp import errors
from theo_mcp.backend import Observe
from theo_mcp.engine import models
from theo_mcp.engine.providers import Capabilities, ServedModel
from theo_mcp.engine.providers.openai_compatible import OpenAICompatible
from theo_mcp.http.options import Timeouts
from theo_mcp.machine import environment, install_command
from theo_mcp.secret import Secret
from theo_mcp.wire.openai import ChatChunk, ChatRequest

_START_LIMIT_S = 120.0  # a large file from a slow disk
_END_GRACE_S = 1.0


class LocalModel:
    """The model called `name` in `data_dir` (see `models.chosen`), served by a child process."""

    def __init__(
        self, data_dir: Path, name: str | None, context_tokens: int, timeouts: Timeouts, *, others: bool = False
    ) -> None:
        self._data_dir = data_dir
        self._name = name
        self._others = others
        self._context = context_tokens
        self._timeouts = timeouts
        self._process: Process | None = None
        self._server: OpenAICompatible | None = None
        self._starting = anyio.Lock()

    async def model(self, observe: Observe | None = None) -> ServedModel:
        """The installed model; nothing is started."""
        found = models.chosen(self._data_dir, self._name, others=self._others)
        return ServedModel(
            id=found.name,
            label=found.label,
            engine="embedded",
            local=True,
            draft=found.builtin,
            source=found.sha256,
        )

    async def check(self) -> ServedModel:
        """The same, if the package that runs models is installed."""
        require_runtime()
        return await self.model()

    async def load(self) -> None:
        """Starts the model now.

        Raises:
            TheoError: it cannot be loaded, and why.
        """
        await self._running(None)

    @asynccontextmanager
    async def chat(
        self, request: ChatRequest, observe: Observe | None = None
    ) -> AsyncIterator[AsyncIterator[ChatChunk]]:
        server = await self._running(observe)
        if observe is not None:
            observe("reading the prompt")
        try:
            async with server.chat(request) as chunks:
                yield chunks
        except (errors.TransportError, errors.StreamError) as error:
            raise await self._crashed(error) from None

    async def capabilities(self, model: str) -> Capabilities:
        return await (await self._running(None)).capabilities(model)

    async def aclose(self) -> None:
        """Ends the process: it exits when its stdin closes, and is killed if it does not."""
        async with self._starting:
            await self._stop()

    async def _stop(self) -> None:
        server, process = self._server, self._process
        self._server = self._process = None
        if server is not None:
            await server.aclose()
        if process is not None:
            await _end(process)

    async def _running(self, observe: Observe | None) -> OpenAICompatible:
        async with self._starting:
            if self._server is not None and self._process is not None and self._process.returncode is None:
                return self._server
            await self._stop()
            if observe is not None:
                observe("starting the model")
            found = models.chosen(self._data_dir, self._name, others=self._others)
            key = secrets.token_hex(16)
            self._process, address = await _start(found, key, self._context)
            self._server = OpenAICompatible(
                address, Secret(key), model=found.name, timeouts=self._timeouts, service="The local model"
            )
            return self._server

    async def _crashed(self, error: errors.TheoError) -> errors.TheoError:
        """A broken connection to a process that has ended is the process's failure; any other stays what it is."""
        process = self._process
        if process is None:
            return error
        with anyio.move_on_after(0.2):  # the socket breaks a moment before the process can be reaped
            await process.wait()
        if process.returncode is None:
            return error
        return errors.ModelError(
            f"The local model's process ended unexpectedly (status {process.returncode}).",
            hint="Call again: it is started anew. If it happens again, the model may need more memory than there is.",
            partial=error.partial,
            attempts=1,
        )


async def _start(model: models.InstalledModel, key: str, context: int) -> tuple[Process, str]:
    process = await anyio.open_process(
        [sys.executable, "-P", "-m", "theo_mcp.engine.child"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(keys=False),
    )
    order = {"model": str(model.path), "key": key, "context": context, "name": model.name}
    try:
        with anyio.fail_after(_START_LIMIT_S):
            answer = await _exchange(process, json.dumps(order).encode() + b"\n")
    except TimeoutError:
        await _end(process)
        raise errors.ModelError(
            f"The model {model.name} was not loaded within {_START_LIMIT_S:g} s.", hint="Try a smaller model."
        ) from None
    except BaseException:
        with anyio.CancelScope(shield=True):
            await _end(process)
        raise
    if "address" in answer:
        return process, answer["address"]
    await _end(process)
    if answer.get("error") == "missing":
        raise _runtime_missing()
    said = answer.get("error")
    raise errors.ModelError(
        f"The model {model.name} could not be loaded: {said or 'its process ended at once'}.",
        hint=f"Remove it with `theo-mcp engine remove {model.name}`, then pull it again."
        if said
        else "There may not be enough memory; a smaller context_tokens needs less.",
    )


def require_runtime() -> None:
    """
    Raises:
        NotAvailableError: the package that runs models is not installed; the hint has the command that installs it.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise _runtime_missing()


def _runtime_missing() -> errors.NotAvailableError:
    return errors.NotAvailableError(
        "The part that runs a model on this machine is not installed.",
        code="extra_missing",
        hint=f"Install it: {install_command('local')} (or name a model server with --engine-url)",
    )


async def _exchange(process: Process, order: bytes) -> dict[str, str]:
    """Sends the order and reads the one line that answers it; nothing, if the process ends instead."""
    assert process.stdin is not None and process.stdout is not None
    line = b""
    try:
        await process.stdin.send(order)
        while not line.endswith(b"\n"):
            line += await process.stdout.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return {}
    read: dict[str, str] = json.loads(line)
    return read


async def _end(process: Process) -> None:
    with anyio.CancelScope(shield=True):
        if process.stdin is not None:
            await process.stdin.aclose()
        with anyio.move_on_after(_END_GRACE_S):
            await process.wait()
        if process.returncode is None:
            process.kill()
        await process.aclose()
