"""What an answer costs that is given again: to its last event, beside the 10 ms that the design allows.

The answer has 300 tokens, and each of them is told again. "From disk" is the first request of a new connection, which
opens the store for it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from theo_mcp import Backend, CompletionRequest, Settings, connect
from theo_mcp.testing.model_server import ModelServer

_ROUNDS = 25
_HITS = 4
_ALLOWED_MS = 10.0
_PIECES = tuple(f"token {number} " for number in range(300))
_REQUEST = CompletionRequest(prompt="Explain microservices architecture", mode="fast")


async def kept_answers(folder: Path) -> list[Comparison]:
    """From memory, and from disk."""
    async with ModelServer() as server:
        server.pieces = _PIECES
        settings = Settings(data_dir=folder / "memory", engine_url=server.url, engine_model="scripted-1b")
        async with connect(settings) as first:
            await _answered(first)
        async with connect(settings) as backend:

            async def from_memory(_: int) -> list[float]:
                return [await _timed(lambda: _answered(backend, again=True)) for _ in range(_HITS)]

            async def from_disk(_: int) -> list[float]:
                times = []
                for _ in range(_HITS):
                    async with connect(settings) as new:
                        times.append(await _timed(lambda new=new: _answered(new, again=True)))  # type: ignore[misc]
                return times

            rounds = await in_turn(range(_ROUNDS), [from_memory, from_disk])
    memory, disk = (list(samples) for samples in zip(*rounds, strict=True))
    allowed = Side("the limit", "of the design", [[_ALLOWED_MS]] * _ROUNDS)
    how = f"{len(_PIECES)} tokens, {_HITS} a round"
    return [
        Comparison("a kept answer from memory", "ms", Side("engine", how, memory), allowed, Target("≤", 1.0)),
        Comparison("a kept answer from disk", "ms", Side("engine, new", how, disk), allowed, Target("≤", 1.0)),
    ]


async def _answered(backend: Backend, *, again: bool = False) -> None:
    async with backend.theo.stream(_REQUEST) as events:
        *_, last = [event async for event in events]
    assert last.event == "done" and last.cached == again


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return 1000 * (time.perf_counter() - began)
