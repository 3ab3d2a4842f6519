"""One child process, from its start to its end: it serves one job after the other."""

from __future__ import annotations

import marshal
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVarTuple, Unpack

import anyio
import anyio.to_thread
from anyio.abc import Process

from theo_mcp.sandbox import descendants, faults, folder, frames, syscalls
from theo_mcp.sandbox.frames import BrokenFrameError, EndedError, Frame, TooLargeError
from theo_mcp.sandbox.inside import confine, serve
from theo_mcp.sandbox.job import Job, Limits, Result
from theo_mcp.sandbox.setup import Setup, spawn

Ts = TypeVarTuple("Ts")

_READY_LIMIT_S: Final = 20.0
_END_LIMIT_S: Final = 2.0
_EXIT_LIMIT_S: Final = 0.5
_CHUNK: Final = 1 << 18
_GONE: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


class IdleExitError(Exception):
    """The child had ended before the job was begun: another one can take it."""


@dataclass(frozen=True)
class Kind:
    """What children must have in common to stand in for each other."""

    modules: tuple[str, ...]
    limits: Limits


class Child:
    """Made by `start`; `end` must follow, whatever happened between."""

    def __init__(self, process: Process, kind: Kind, setup: Setup, home: Path, mark: str) -> None:
        self.kind = kind
        self.confined: frozenset[str] = frozenset()
        self.served = 0
        self._process = process
        self._setup = setup
        self._home = home
        self._mark = mark
        self._last = False
        self._idle_since = time.monotonic()

    @classmethod
    async def start(cls, kind: Kind, setup: Setup) -> Child:
        """A child that is ready for its first job.

        Raises:
            SandboxError: it cannot be started, or what it should import fails or is too much for its limits.
        """
        child = await cls._start(kind, setup)
        if (
            confine.THREADS in child.confined
        ):  # imports that start threads come after the confinement, in each new child
            await child.end()
            setup.threaded.add(kind.modules)
            child = await cls._start(kind, setup)
        return child

    @classmethod
    async def _start(cls, kind: Kind, setup: Setup) -> Child:
        mark = secrets.token_hex(8)
        home: Path | None = None
        try:
            home = Path(tempfile.mkdtemp(prefix="theo-mcp-")).resolve()
            with anyio.CancelScope(shield=True):  # some milliseconds, after which there is something to end
                process = await spawn(home, mark)
        except BaseException as error:
            if home is not None:
                folder.remove(home)
            if isinstance(error, OSError):
                raise faults.unavailable(error.strerror or type(error).__name__) from None
            raise
        child = cls(process, kind, setup, home, mark)
        try:
            await child._greet()
        except BaseException:
            await child.end()
            raise
        return child

    @property
    def usable(self) -> bool:
        """Whether it can take another job. An idle one ends by itself, soon after this has become false."""
        rested = time.monotonic() - self._idle_since
        return not self._last and self._process.returncode is None and rested < self._setup.idle_seconds

    async def serve(self, job: Job) -> Result:
        """Runs `job`.

        Raises:
            SandboxError, InputError, NotAvailableError: it failed; the child is then no longer `usable`, except
                where the job itself refused its input.
            IdleExitError: it had ended before the job was begun.
        """
        limits = self.kind.limits
        fresh = self.served == 0
        self.served += 1
        self._last = True  # until an answer says otherwise
        with anyio.move_on_after(limits.seconds) as scope:
            try:
                await self._send(self._order(job), *job.inputs.values())
                frame = await frames.read(self._receive, self.served, limits.output_bytes)
                result = self._result(frame, job)
            except EndedError:
                status = await self._status()
                if status == confine.ENDED_IDLE and not fresh:
                    raise IdleExitError from None
                raise faults.of_exit(status, job, limits) from None
            except TooLargeError:
                raise faults.too_large(limits) from None
            except BrokenFrameError:
                raise faults.garbled(job) from None
        if scope.cancelled_caught:
            raise faults.timed_out(job, limits)
        return result

    async def end(self) -> None:
        """Ends the process and all that it started and removes its folder, in a bounded time, also when cancelled."""
        self._last = True
        with anyio.CancelScope(shield=True):
            if "processes" not in self.confined:
                await _in_thread(descendants.end, self._process.pid, self._mark)
            self._kill()
            with anyio.move_on_after(_END_LIMIT_S):
                await self._drain()  # a pipe that is left unread stays open, and with it the process for asyncio
                await self._status()
                await self._process.aclose()
            await _in_thread(folder.remove, self._home)

    async def _greet(self) -> None:
        """Hands over what the child needs before its first job, and waits until it is ready."""
        limits = self.kind.limits
        start = {
            "path": list(self._setup.path),
            "readable": list(self._setup.readable),
            "listable": list(self._setup.path),
            "folder": str(self._home),
            "filter": syscalls.of_this_platform(self._process.pid, processes=limits.processes > 0),
            "limits": asdict(limits),
            "preload": list(self.kind.modules),
            "idle": self._setup.idle_seconds * 1.1 + 0.1,  # later than this process gives up on it
            "jobs": self._setup.jobs,
            "recycle": self._setup.recycle_bytes,
            "parent": os.getpid(),
            "early": self.kind.modules in self._setup.threaded,
        }
        job = Job(f"{self.kind.modules[0]}:import")
        try:
            with anyio.fail_after(_READY_LIMIT_S):
                await self._send(_framed(start))
                frame = await frames.read(self._receive, 0, 0)
        except TimeoutError:
            raise faults.unavailable(f"it was not ready within {_READY_LIMIT_S:g} s") from None
        except EndedError:
            raise faults.of_exit(await self._status(), job, limits) from None
        except (BrokenFrameError, TooLargeError):
            raise faults.garbled(job) from None
        if frame.kind != serve.HELLO:
            raise faults.of_frame(frame, job, limits) or faults.garbled(job)
        self.confined = frozenset(frame.text("confined").split())
        self._idle_since = time.monotonic()

    def _order(self, job: Job) -> bytes:
        return _framed(
            {
                "number": self.served,
                "function": job.function,
                "inputs": [(name, len(content)) for name, content in job.inputs.items()],
                "options": dict(job.options),
                "last": job.alone or self.kind.limits.processes > 0 or self.served >= self._setup.jobs,
            }
        )

    def _result(self, frame: Frame, job: Job) -> Result:
        self._last = frame.last or frame.kind not in (serve.DONE, serve.REFUSED)
        self._idle_since = time.monotonic()
        if fault := faults.of_frame(frame, job, self.kind.limits):
            raise fault
        return Result({name: content for name, content in frame.blobs.items() if name}, frame.value())

    async def _send(self, *parts: bytes) -> None:
        """Where the child has gone nothing is raised: its answer or its status says why."""
        assert self._process.stdin is not None
        with suppress(*_GONE):
            for part in parts:
                for start in range(0, len(part), _CHUNK):
                    await self._process.stdin.send(part[start : start + _CHUNK])

    async def _receive(self, most: int) -> bytes:
        assert self._process.stdout is not None
        try:
            return await self._process.stdout.receive(most)
        except (anyio.EndOfStream, *_GONE):
            return b""

    async def _drain(self) -> None:
        with anyio.move_on_after(_EXIT_LIMIT_S):
            while await self._receive(_CHUNK):
                pass

    async def _status(self) -> int | None:
        """How the process ended; None where it did not, although it will not answer any more."""
        with anyio.move_on_after(_EXIT_LIMIT_S):
            await self._process.wait()
        return self._process.returncode

    def _kill(self) -> None:
        if sys.platform == "win32":
            self._process.kill()
        elif self._process.returncode is None or "processes" not in self.confined:
            for kill in (os.killpg, os.kill):  # not `Process.kill`, which takes the status from under asyncio's watcher
                with suppress(OSError):
                    kill(self._process.pid, signal.SIGKILL)


async def _in_thread(work: Callable[[Unpack[Ts]], object], *arguments: *Ts) -> None:
    """Waits for `work`, but not for long; and not for the threads of others, of which there may be too many."""
    alone = anyio.CapacityLimiter(1)
    with anyio.move_on_after(_END_LIMIT_S):
        await anyio.to_thread.run_sync(work, *arguments, abandon_on_cancel=True, limiter=alone)


def _framed(order: dict[str, object]) -> bytes:
    content = marshal.dumps(order)
    return len(content).to_bytes(8, "big") + content
