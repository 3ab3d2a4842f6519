"""The language server beside others: how soon it is there, how soon it answers while somebody types, and what it costs.

No side has a network. Ours has a model of its own for the run at the end, a scripted one in this process, since memory
after a run is what a day of work looks like.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import anyio

from tests.benchmarks.children import clean_environment
from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from tests.benchmarks.language_servers import OURS, LanguageServer, language_servers
from tests.benchmarks.typist import KEYS, KEYS_A_SECOND, KEYS_AN_ACTION, Seen, typed
from theo_mcp.testing.model_server import ModelServer

_ROUNDS = 3
_ANSWERS_WITHIN_MS, _IDLE_WITHIN_MB = 5.0, 80.0
_HOW = f"{KEYS} keys at {KEYS_A_SECOND} a second, a menu after each {KEYS_AN_ACTION}nd, 5,000 lines"


async def code_actions(folder: Path) -> list[Comparison]:
    """`folder` is a temporary one, for the environments of the others."""
    servers = await language_servers(folder)
    async with ModelServer() as model:
        environ = {
            "THEO_MCP_ENGINE_URL": model.url,
            "THEO_MCP_DATA_DIR": str(folder / "data"),
            "THEO_MCP_CONFIG": os.devnull,
        }
        ours = LanguageServer(OURS.name, OURS.command, OURS.what, environ)
        runs = partial(_typed, ours, run="Theo: Generate")
        rounds = await in_turn(range(_ROUNDS), [runs, *(partial(_typed, each) for each in servers[1:])])
    floors = [await _floor() for _ in range(_ROUNDS)]
    return _compared(servers, rounds, floors)


def _compared(
    servers: Sequence[LanguageServer], rounds: Sequence[Sequence[Seen]], floors: Sequence[float]
) -> list[Comparison]:
    def sides(how: str, value: Callable[[Seen], Sequence[float]]) -> list[Side]:
        return [
            Side(each.name, f"{each.what}; {how}", [value(seen[at]) for seen in rounds])
            for at, each in enumerate(servers)
        ]

    def beside(title: str, unit: str, how: str, value: Callable[[Seen], Sequence[float]]) -> list[Comparison]:
        first, *others = sides(how, value)
        return [Comparison(f"{title}, beside {other.name}", unit, first, other) for other in others]

    def limited(title: str, unit: str, value: Callable[[Seen], Sequence[float]], limit: float) -> Comparison:
        bar = Side("the limit", "of the issue", [[limit] for _ in rounds])
        return Comparison(title, unit, sides("", value)[0], bar, Target("≤", 1.0))

    start = sides("", lambda seen: [seen.start_ms])[0]
    floor = Side("python -c pass", "what no Python program starts without", [[each] for each in floors])
    return [
        Comparison("spawn → initialize, beside the floor", "ms", start, floor),
        *beside("spawn → initialize", "ms", "", lambda seen: [seen.start_ms]),
        *beside("spawn → first menu", "ms", "5,000 lines opened in between", lambda seen: [seen.first_ms]),
        *beside("codeAction p50", "ms", _HOW, lambda seen: [median(seen.actions_ms)]),
        *beside("codeAction p99", "ms", _HOW, lambda seen: [_p99(seen.actions_ms)]),
        limited("codeAction p99 while typing", "ms", lambda seen: [_p99(seen.actions_ms)], _ANSWERS_WITHIN_MS),
        Comparison(
            "codeAction p99 during a first run, beside that while typing",
            "ms",
            Side(
                OURS.name,
                "while it imports, redacts, asks and edits",
                [[_p99(seen[0].during_run_ms)] for seen in rounds],
            ),
            Side(OURS.name, _HOW, [[_p99(seen[0].actions_ms)] for seen in rounds]),
        ),
        *beside("processor time", "s", _HOW, lambda seen: [seen.cpu_s]),
        *beside("memory idle", "MB", "resident", lambda seen: [seen.idle.memory_mb]),
        *beside("memory idle, with children", "MB", "resident", lambda seen: [seen.idle.tree_mb]),
        limited("memory idle, with children", "MB", lambda seen: [seen.idle.tree_mb], _IDLE_WITHIN_MB),
        Comparison(
            "memory after a run, beside idle",
            "MB",
            Side(OURS.name, "the whole tree, after one run", [[_after(seen[0])] for seen in rounds]),
            Side(OURS.name, "the whole tree, idle", [[seen[0].idle.tree_mb] for seen in rounds]),
        ),
    ]


async def _typed(server: LanguageServer, _: int, run: str = "") -> Seen:
    return await typed(server, run=run)


async def _floor() -> float:
    began = time.perf_counter()
    await anyio.run_process([sys.executable, "-c", "pass"], env=clean_environment())
    return (time.perf_counter() - began) * 1000


def _after(seen: Seen) -> float:
    assert seen.after_run is not None
    return seen.after_run.tree_mb


def _p99(samples: Sequence[float]) -> float:
    return quantiles(samples, n=100, method="inclusive")[98]
