"""The gateway beside a bare Starlette handler and beside the bare model server.

An instant model shows what the gateway itself costs: keys, limits, checks, pipeline, cache and store. The real model
shows that none of it is felt.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import httpx2
from anyio.abc import ByteReceiveStream

from tests.benchmarks.answers import MODE, Answer, Ask, Work, bare
from tests.benchmarks.children import child
from tests.benchmarks.comparison import Comparison, Side, Target, in_turn
from tests.benchmarks.generation import SHORT, unique
from tests.benchmarks.load import Load, load
from tests.benchmarks.process_tree import usage

_PATH = "/api/v1/completions"
_ROUNDS = 3
_REQUESTS = {1: 200, 10: 600, 100: 1500}
_MANY = 10_000
_HITS = 300
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Served:
    """A gateway that runs: where, with which key, as which process."""

    origin: str
    key: str
    process: int


async def tokens_per_second(work: Work) -> list[Comparison]:
    """A streamed completion through the gateway, and the same chat of the model server."""
    work = replace(work, max_tokens=192)
    rounds = []
    for number in range(_ROUNDS):
        async with _through_gateway(work) as ours, bare(work) as directly:
            await ours("warm-up")
            await directly("warm-up")
            rounds.append(
                await in_turn(
                    range(number * 2, number * 2 + 2),
                    [lambda each: ours(unique(SHORT, each)), lambda each: directly(unique(SHORT, each))],
                )
            )
    return [
        Comparison(
            "tokens/s through the gateway",
            "tokens/s",
            Side("theo-mcp gateway", f"POST {_PATH}, streamed, mode {MODE}; {work.parameters}", _of(rounds, 0)),
            Side("model server", f"POST /v1/chat/completions, streamed; {work.parameters}", _of(rounds, 1)),
            Target("≥", 0.95),
        )
    ]


async def requests_per_second(folder: Path) -> list[Comparison]:
    """Unary completions at 1, 10 and 100 connections; a hit of the cache; memory over ten thousand requests."""
    found: list[Comparison] = []
    async with (
        _instant_model() as model,
        _bare_gateway(model) as plain,
        _gateway(folder, "--engine-url", model) as served,
    ):
        for connections, requests in _REQUESTS.items():
            sides = [_loading(side, connections, requests) for side in (served, plain)]
            rounds = await in_turn(range(_ROUNDS), sides)
            named = f"{connections} connection{'s' if connections > 1 else ''}"
            found.append(_compared(f"requests/s, {named}", "1/s", rounds, lambda measured: measured.per_second))
            found.append(_compared(f"p99, {named}", "ms", rounds, lambda measured: measured.percentile_ms(0.99)))
        found.append(await _hits(served))
        found.append(await _memory(served))
    return found


async def _hits(served: Served) -> Comparison:
    """The same request again and again, beside the 10 ms that a hit may take."""
    rounds = []
    for _ in range(_ROUNDS):
        await load(served.origin, _PATH, lambda _: _body("again"), connections=1, requests=1, key=served.key)
        hits = await load(served.origin, _PATH, lambda _: _body("again"), connections=1, requests=_HITS, key=served.key)
        rounds.append([hits.percentile_ms(0.99)])
    limit = [[10.0]] * _ROUNDS
    return Comparison(
        "a hit of the cache, p99", "ms", Side("theo-mcp gateway", "one connection", rounds),
        Side("the limit", "10 ms", limit), Target("≤", 1.0),
    )  # fmt: skip


async def _memory(served: Served) -> Comparison:
    """Resident memory after ten thousand requests more than the first thousand."""
    await _load(served, 10, 1000, "before")
    before = usage(served.process).memory_mb
    await _load(served, 10, _MANY, "many")
    after = usage(served.process).memory_mb
    return Comparison(
        f"memory after {_MANY:,} requests more", "MB", Side("then", "10 connections, no two alike", [[after]]),
        Side("before", "after 1,000 requests", [[before]]), Target("≤", 1.1),
    )  # fmt: skip


def _compared(title: str, unit: str, rounds: list[tuple[Load, ...]], value: Callable[[Load], float]) -> Comparison:
    sides = [[[value(measured[side])] for measured in rounds] for side in (0, 1)]
    return Comparison(
        title,
        unit,
        Side("theo-mcp gateway", "unary completions, an instant model, no two alike", sides[0]),
        Side("bare Starlette", "one handler that asks the same model", sides[1]),
    )


def _loading(served: Served, connections: int, requests: int) -> Callable[[int], Awaitable[Load]]:
    return lambda number: _load(served, connections, requests, f"{connections}-{number}")


async def _load(served: Served, connections: int, requests: int, name: str) -> Load:
    with anyio.fail_after(_LIMIT_S * 5):
        return await load(
            served.origin,
            _PATH,
            lambda number: _body(f"{name} {number}"),
            connections=connections,
            requests=requests,
            key=served.key,
        )


def _body(name: str) -> dict[str, object]:
    return {"prompt": f"Explain tides ({name})", "mode": "fast"}


def _of(rounds: list[list[tuple[Answer, ...]]], side: int) -> list[list[float]]:
    return [[answers[side].tokens_per_s for answers in each] for each in rounds]


@asynccontextmanager
async def _through_gateway(work: Work) -> AsyncIterator[Ask]:
    flags = (
        *("--engine-model", work.model.name),
        *("--context-tokens", str(work.settings.context_tokens)),
        *("--max-output-tokens", str(work.max_tokens)),
    )
    async with (
        _gateway(work.settings.data_dir, *flags) as served,
        httpx2.AsyncClient(base_url=served.origin, timeout=_LIMIT_S, trust_env=False, headers=_bearer(served)) as http,
    ):

        async def ask(prompt: str) -> Answer:
            answer, counted = Answer(), {}
            body = {"prompt": prompt, "mode": MODE, "temperature": 0, "stream": True}
            async with http.stream(
                "POST", _PATH, json=body, headers={"Authorization": f"Bearer {served.key}"}
            ) as reply:
                reply.raise_for_status()
                name = ""
                async for line in reply.aiter_lines():
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: {") and name == "token":
                        answer.add(json.loads(line.removeprefix("data: "))["token"])
                    elif line.startswith("data: {") and name == "done":
                        counted = json.loads(line.removeprefix("data: "))["usage"]
            answer.end(counted)
            return answer

        yield ask


def _bearer(served: Served) -> dict[str, str]:
    return {"Authorization": f"Bearer {served.key}"}


@asynccontextmanager
async def _gateway(folder: Path, *flags: str) -> AsyncIterator[Served]:
    """Our real gateway on a free port, and a key without limits."""
    settings = ["--config", os.devnull, "--data-dir", str(folder)]
    ours = [sys.executable, "-m", "theo_mcp", "gateway"]
    made = await anyio.run_process([*ours, "keys", "create", "--plan", "unlimited", "--json", *settings])
    key = json.loads(made.stdout)["key"]
    async with child([*ours, "--port", "0", *settings, *flags]) as process:
        assert process.stdout is not None
        try:
            yield Served(await _address(process.stdout), key, process.pid)
        finally:
            process.terminate()


@asynccontextmanager
async def _bare_gateway(model: str) -> AsyncIterator[Served]:
    async with child([sys.executable, "-m", "tests.benchmarks.bare_gateway", model]) as process:
        assert process.stdout is not None
        yield Served(await _address(process.stdout), "", process.pid)


@asynccontextmanager
async def _instant_model() -> AsyncIterator[str]:
    async with child([sys.executable, "-m", "tests.benchmarks.instant_model"]) as process:
        assert process.stdout is not None
        yield await _address(process.stdout)


async def _address(stdout: ByteReceiveStream) -> str:
    """The first address that a server prints."""
    said = b""
    with anyio.fail_after(_LIMIT_S):
        while not (found := re.search(rb"(http://\S+)\s", said)):
            said += await stdout.receive()
    return found[1].decode()
