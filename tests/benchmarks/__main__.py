"""``python -m tests.benchmarks [PART …]``: ours beside the bare libraries, servers and SDKs, measured in one run.

The parts are ``client``, ``sandbox``, ``calls``, ``tools``, ``startup``, ``editor``, ``gateway``, ``memory`` and
``model``; without one, all run. The sides run in turn, and each ratio is the median of its rounds, since other work may
run on the machine. The exit code is 0 where all targets are met, 1 where one is missed, 3 where a part needs the model
and none is installed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio

from tests.benchmarks import report
from tests.benchmarks.answers import Work
from tests.benchmarks.calls import tool_calls
from tests.benchmarks.children import compile_bytecode
from tests.benchmarks.client import clients
from tests.benchmarks.comparison import Comparison
from tests.benchmarks.editor import code_actions
from tests.benchmarks.gateway import requests_per_second
from tests.benchmarks.gateway import tokens_per_second as through_the_gateway
from tests.benchmarks.generation import first_token, tokens_per_second
from tests.benchmarks.memory import kept_answers
from tests.benchmarks.sandbox import children
from tests.benchmarks.startup import startup
from tests.benchmarks.tools import tools
from theo_mcp.engine import models
from theo_mcp.errors import TheoError
from theo_mcp.settings import Settings

_OK, _MISSED, _SETUP = 0, 1, 3
_LIMIT_S = 1800.0
Measure = Callable[[Path], Awaitable[list[Comparison]]]
_PARTS: dict[str, list[Measure]] = {
    "client": [lambda _: clients()],
    "sandbox": [lambda _: children()],
    "calls": [tool_calls],
    "tools": [tools],
    "startup": [startup],
    "editor": [code_actions],
    "gateway": [requests_per_second, lambda _: through_the_gateway(_work())],
    "memory": [kept_answers],
    "model": [lambda _: tokens_per_second(_work()), lambda _: first_token(_work())],
}


def main(parts: list[str]) -> int:
    if unknown := set(parts) - set(_PARTS):
        sys.stderr.write(f"error: no part is called {', '.join(unknown)}; there are {', '.join(_PARTS)}\n")
        return _SETUP
    try:
        comparisons = anyio.run(_run, parts or list(_PARTS))
    except TheoError as error:
        sys.stderr.write(f"error: {error}\n")
        return _SETUP
    return _OK if all(comparison.met for comparison in comparisons) else _MISSED


def _work() -> Work:
    settings = Settings.load({})
    return Work(settings, models.chosen(settings.data_dir, settings.engine_model), max_tokens=1)


async def _run(parts: list[str]) -> list[Comparison]:
    began = time.perf_counter()
    done: list[Comparison] = []
    _say(report.machine())
    with tempfile.TemporaryDirectory() as folder, anyio.fail_after(_LIMIT_S):
        await compile_bytecode()
        for part in parts:
            for measure in _PARTS[part]:
                for comparison in await measure(Path(folder)):
                    _say("\n" + report.shown(comparison))
                    done.append(comparison)
    _say(f"\n{report.summary(done)}\n{time.perf_counter() - began:.0f} s in all; {report.machine()}")
    return done


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
