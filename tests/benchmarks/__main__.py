"""``python -m tests.benchmarks``: our server beside the bare model server and the bare SDK, measured in one run.

The sides run in turn, never at once, and each ratio is the median of its rounds, since other work may run on the
machine. The exit code is 0 where all targets are met, 1 where one is missed and 3 where no model is installed.
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
from tests.benchmarks.comparison import Comparison
from tests.benchmarks.generation import first_token, tokens_per_second
from tests.benchmarks.sandbox import children
from tests.benchmarks.startup import startup
from theo_mcp.engine import models
from theo_mcp.errors import TheoError
from theo_mcp.settings import Settings

_OK, _MISSED, _SETUP = 0, 1, 3
_LIMIT_S = 1200.0


def main() -> int:
    try:
        settings = Settings.load({})
        model = models.chosen(settings.data_dir, settings.engine_model)
    except TheoError as error:
        sys.stderr.write(f"error: {error}\n")
        return _SETUP
    comparisons = anyio.run(_run, Work(settings, model, max_tokens=1))
    return _OK if all(comparison.met for comparison in comparisons) else _MISSED


async def _run(work: Work) -> list[Comparison]:
    began = time.perf_counter()
    done: list[Comparison] = []
    _say(report.machine())
    with tempfile.TemporaryDirectory() as folder, anyio.fail_after(_LIMIT_S):
        await compile_bytecode()
        measures: list[Callable[[], Awaitable[list[Comparison]]]] = [
            lambda: tokens_per_second(work),
            lambda: first_token(work),
            lambda: tool_calls(Path(folder)),
            lambda: startup(Path(folder)),
            children,
        ]
        for measure in measures:
            for comparison in await measure():
                _say("\n" + report.shown(comparison))
                done.append(comparison)
    _say(f"\n{report.summary(done)}\n{time.perf_counter() - began:.0f} s in all; {report.machine()}")
    return done


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
