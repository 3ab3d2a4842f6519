"""Carries out the tools that requests and skills define, by what the user's own settings file names for them.

A program is started without a shell and without the keys of our environment, in the folder of the settings file, and is
ended with everything that it started when its time is over or nobody waits for it any more.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from theo_mcp.errors import NotAvailableError, TheoError
from theo_mcp.machine import environment
from theo_mcp.settings.engine import Executor

if sys.platform == "linux":
    import resource

_MOST_BYTES: Final = 2**20
_CPU_GRACE_S: Final = 5
_FILE_BYTES: Final = 256 * 2**20
_END_S: Final = 1.0


class ExecutorError(TheoError):
    """What the user configured for a tool failed."""

    code = "executor_failed"


async def execute(name: str, executor: Executor, arguments: bytes, *, seconds: float, folder: Path) -> str:
    """The answer of the tool `name` to `arguments`, which are JSON.

    Raises:
        TheoError: it failed, or answered with more than a megabyte.
    """
    if executor.url is not None:
        return await _posted(executor.url, arguments, seconds)
    assert executor.command is not None
    return await _run(name, executor.command, arguments, seconds, folder)


async def _posted(url: str, arguments: bytes, seconds: float) -> str:
    from theo_mcp.http.client import HttpClient
    from theo_mcp.http.options import Limits, Options, Timeouts
    from theo_mcp.http.retry import RetryPolicy

    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    options = Options(
        timeouts=Timeouts(connect=seconds, whole=seconds),
        limits=Limits(body=_MOST_BYTES),
        policy=RetryPolicy(retries=0),  # the call may have done its work
    )
    http = HttpClient(f"{parts.scheme}://{parts.netloc}", service="The executor", billed=False, options=options)
    try:
        return (await http.raw("POST", path, arguments)).decode("utf-8", "replace")
    finally:
        with anyio.CancelScope(shield=True):
            await http.aclose()


async def _run(name: str, command: tuple[str, ...], arguments: bytes, seconds: float, folder: Path) -> str:
    try:
        async with _started(command, seconds, folder) as process:
            assert process.stdin is not None and process.stdout is not None
            async with anyio.create_task_group() as tasks:  # one that answers while it reads waits for its reader
                tasks.start_soon(_write, process.stdin, arguments)
                printed = await _read(process.stdout)
                tasks.cancel_scope.cancel()
            if printed is None:
                raise ExecutorError(f"The program of {name} printed more than {_MOST_BYTES:,} bytes.")
            status = await process.wait()
    except OSError as error:
        raise NotAvailableError(
            f"The program of {name} could not be started: {error.strerror or type(error).__name__}.",
            hint="Look at [executors] in the settings file.",
        ) from None
    if status:
        raise ExecutorError(f"The program of {name} ended with status {status}.")
    return printed.decode("utf-8", "replace")


@asynccontextmanager
async def _started(command: tuple[str, ...], seconds: float, folder: Path) -> AsyncIterator[Process]:
    process = await anyio.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(keys=False),
        cwd=folder if folder.is_dir() else Path(folder.anchor or "/"),
        start_new_session=True,
    )
    try:
        if sys.platform == "linux":
            with suppress(OSError):  # it has ended already
                _limit(process.pid, int(seconds) + _CPU_GRACE_S)
        yield process
    finally:
        with anyio.CancelScope(shield=True):
            _kill(process)  # also what it left running when it ended
            with anyio.move_on_after(_END_S):
                await process.wait()
            await process.aclose()


def _limit(pid: int, cpu_seconds: int) -> None:
    for which, value in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
    ):
        resource.prlimit(pid, which, (value, value))


async def _write(stream: ByteSendStream, arguments: bytes) -> None:
    with suppress(anyio.BrokenResourceError, OSError):  # one that reads no input
        await stream.send(arguments)
        await stream.aclose()


async def _read(stream: ByteReceiveStream) -> bytes | None:
    """All that is printed; None if it is too much."""
    parts: list[bytes] = []
    size = 0
    while size <= _MOST_BYTES:
        try:
            parts.append(await stream.receive())
        except anyio.EndOfStream:
            return b"".join(parts)
        size += len(parts[-1])
    return None


def _kill(process: Process) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
