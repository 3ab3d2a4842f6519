"""What a child costs: one piece of work in the sandbox, beside the same function called in this process.

The work takes about 20 ms, so the targets are those of the design, 5 ms for a warm child and 30 ms for a new one, in
ratios to that.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from tests.benchmarks import sandbox_work
from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from theo_mcp.sandbox import Job, Sandbox

_ROUNDS = 25
_JOBS = 2
_LIMIT_S = 60.0
_WORK_MS = 20.0
_WARM_MS, _COLD_MS = 5.0, 30.0
_DATA = bytes(64 << 10)

Once = Callable[[], Awaitable[object]]


async def children() -> list[Comparison]:
    """In a child that is there already, and in one that is started for each job."""
    rounds_of_work = _rounds_of_work()
    options = {"rounds": rounds_of_work}
    warm_job = Job("sandbox_work:work", {"data": _DATA}, options)
    cold_job = Job("sandbox_work:work", {"data": _DATA}, options, alone=True)
    async with Sandbox(allow=("sandbox_work",), path=[Path(__file__).parent]) as sandbox:

        async def warm() -> None:
            await sandbox.run(warm_job)

        async def cold() -> None:
            await sandbox.run(cold_job)

        async def here() -> None:
            sandbox_work.work(_DATA, rounds=rounds_of_work)

        ways: list[Once] = [warm, cold, here]
        for way in ways:
            await way()
        rounds = await in_turn(range(_ROUNDS), [_timed(way) for way in ways])
    warm_rounds, cold_rounds, here_rounds = (list(samples) for samples in zip(*rounds, strict=True))
    how = f"{_JOBS} jobs a round, one after the other, {len(_DATA) >> 10} KiB in"
    bare = Side("in this process", "a function call", here_rounds)
    return [
        Comparison(title, "ms", Side("sandbox", f"{kind}; {how}", samples), bare, _target(above))
        for title, kind, samples, above in [
            ("5a work in a warm child", "the same child for all", warm_rounds, _WARM_MS),
            ("5b work in a new child", "started for the job and ended after it", cold_rounds, _COLD_MS),
        ]
    ]


def _target(above_ms: float) -> Target:
    return Target("≤", 1 + above_ms / _WORK_MS)


def _rounds_of_work() -> int:
    """How often the work must be repeated to take its time on this machine."""
    best = min(_took(50) for _ in range(5))
    return round(50 * _WORK_MS / best)


def _took(rounds: int) -> float:
    began = time.perf_counter()
    sandbox_work.work(_DATA, rounds=rounds)
    return (time.perf_counter() - began) * 1000


def _timed(way: Once) -> Callable[[int], Awaitable[list[float]]]:
    """Milliseconds of each of a round's jobs."""

    async def measure(number: int) -> list[float]:
        samples = []
        with anyio.fail_after(_LIMIT_S):
            for _ in range(_JOBS):
                began = time.perf_counter()
                await way()
                samples.append((time.perf_counter() - began) * 1000)
        return samples

    return measure
